"""Which ConfigMaps and Secrets a pod refers to, all in the pod's own namespace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubenode.model.objects import ObjectKey
from kubenode.model.pod import Container, Pod, all_containers
from kubenode.model.volumes import Volume

CONFIG_MAP, SECRET = "ConfigMap", "Secret"


def references(pod: Pod) -> frozenset[ObjectKey]:
    """All of them: environment, volumes and pull secrets; optional ones too. A reference without a name is none."""
    named = [
        *(pair for container in all_containers(pod.spec) for pair in _environment(container)),
        *(pair for volume in pod.spec.volumes for pair in _volume(volume)),
        *((SECRET, secret.name) for secret in pod.spec.image_pull_secrets),
    ]
    return _keys(named, pod)


def environment_references(pod: Pod, container: Container) -> frozenset[ObjectKey]:
    """Those that a container gets as environment: their values are what they were when it was created."""
    return _keys(_environment(container), pod)


def _keys(named: Iterable[tuple[str, str]], pod: Pod) -> frozenset[ObjectKey]:
    namespace = pod.metadata.namespace or "default"
    return frozenset(ObjectKey(kind, namespace, name) for kind, name in named if name)


def _environment(container: Container) -> Iterator[tuple[str, str]]:
    for group in container.env_from:
        if group.config_map_ref:
            yield CONFIG_MAP, group.config_map_ref.name
        if group.secret_ref:
            yield SECRET, group.secret_ref.name
    for source in (variable.value_from for variable in container.env if variable.value_from):
        if source.config_map_key_ref:
            yield CONFIG_MAP, source.config_map_key_ref.name
        if source.secret_key_ref:
            yield SECRET, source.secret_key_ref.name


def _volume(volume: Volume) -> Iterator[tuple[str, str]]:
    if volume.config_map:
        yield CONFIG_MAP, volume.config_map.name
    if volume.secret:
        yield SECRET, volume.secret.secret_name
    for source in volume.projected.sources if volume.projected else ():
        if source.config_map:
            yield CONFIG_MAP, source.config_map.name
        if source.secret:
            yield SECRET, source.secret.name
