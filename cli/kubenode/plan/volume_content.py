"""The files of configMap, secret, downwardAPI and projected volumes.

Raises UnrunnableError that says what is missing and where to put it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kubenode.model.facts import NodeFacts
from kubenode.model.objects import ObjectKey
from kubenode.model.pod import all_containers
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod
from kubenode.model.volume_specs import FileContent
from kubenode.model.volumes import (
    ConfigMapVolumeSource,
    DownwardAPIVolumeFile,
    DownwardAPIVolumeSource,
    KeyToPath,
    ProjectedVolumeSource,
    SecretVolumeSource,
    VolumeProjection,
)
from kubenode.plan.fields import field_value, resource_value
from kubenode.plan.problems import UnrunnableError

FAILED_MOUNT = "FailedMount"
# What fsGroup adds to files that nobody may write.
GROUP_READ = 0o440
PERMISSIONS = 0o777

ContentSource = ConfigMapVolumeSource | SecretVolumeSource | DownwardAPIVolumeSource | ProjectedVolumeSource


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What content is taken from."""

    desired: DesiredPod
    settings: Settings
    node: NodeFacts


def in_memory(source: ContentSource) -> bool:
    """All but a configMap may hold what should never reach a disk, as in the kubelet."""
    return not isinstance(source, ConfigMapVolumeSource)


def volume_files(source: ContentSource, around: Surroundings, fs_group: int | None) -> tuple[FileContent, ...]:
    """Sorted by path; of two at one path the later source wins. Raises UnrunnableError."""
    extra = 0 if fs_group is None else GROUP_READ
    files = {
        file.path: FileContent(file.path, file.data, file.mode & PERMISSIONS | extra) for file in _files(source, around)
    }
    _check_nesting(files)
    return tuple(files[path] for path in sorted(files))


def _files(source: ContentSource, around: Surroundings) -> Iterator[FileContent]:
    match source:
        case ConfigMapVolumeSource():
            key = _object_key("ConfigMap", source.name, around)
            yield from _object_files(key, source.items, source.default_mode, source.optional, around)
        case SecretVolumeSource():
            key = _object_key("Secret", source.secret_name, around)
            yield from _object_files(key, source.items, source.default_mode, source.optional, around)
        case DownwardAPIVolumeSource():
            yield from _downward_files(source.items, source.default_mode, around)
        case ProjectedVolumeSource():
            for projection in source.sources:
                yield from _projected(projection, source.default_mode, around)


def _projected(projection: VolumeProjection, mode: int, around: Surroundings) -> Iterator[FileContent]:
    if (config_map := projection.config_map) is not None:
        key = _object_key("ConfigMap", config_map.name, around)
        yield from _object_files(key, config_map.items, mode, config_map.optional, around)
    if (secret := projection.secret) is not None:
        key = _object_key("Secret", secret.name, around)
        yield from _object_files(key, secret.items, mode, secret.optional, around)
    if projection.downward_api is not None:
        yield from _downward_files(projection.downward_api.items, mode, around)


def _object_key(kind: str, name: str, around: Surroundings) -> ObjectKey:
    return ObjectKey(kind, around.desired.pod.metadata.namespace, name)


def _object_files(
    key: ObjectKey, items: Iterable[KeyToPath], mode: int, optional: bool, around: Surroundings
) -> Iterator[FileContent]:
    value = around.desired.objects.get(key)
    if value is None:
        if optional:
            return
        place = around.settings.kubenode.local_objects_path or "the directory that localObjectsPath is to name"
        raise UnrunnableError(FAILED_MOUNT, f"{key} is missing: put its manifest into {place}, or set optional: true")
    values = value.values
    for item in items or [KeyToPath(key=name, path=name) for name in sorted(values)]:
        if item.key in values:
            yield FileContent(safe_path(item.path), values[item.key], mode if item.mode is None else item.mode)
        elif not optional:
            raise UnrunnableError(
                FAILED_MOUNT, f"{key} has no key {item.key!r}: add it there, or remove it from the volume's items"
            )


def _downward_files(items: Iterable[DownwardAPIVolumeFile], mode: int, around: Surroundings) -> Iterator[FileContent]:
    for item in items:
        data = _downward_value(item, around).encode()
        yield FileContent(safe_path(item.path), data, mode if item.mode is None else item.mode)


def _downward_value(item: DownwardAPIVolumeFile, around: Surroundings) -> str:
    pod = around.desired.pod
    if item.field_ref is not None:
        return field_value(item.field_ref, pod, (), around.node)
    selector = item.resource_field_ref
    if selector is None:
        raise UnrunnableError(FAILED_MOUNT, f"{item.path!r} has no source: give it a fieldRef or a resourceFieldRef")
    container = next((one for one in all_containers(pod.spec) if one.name == selector.container_name), None)
    if container is None:
        raise UnrunnableError(
            FAILED_MOUNT, f"{item.path!r} asks for container {selector.container_name!r}, which the pod does not have"
        )
    return resource_value(selector, container, pod, around.node)


def safe_path(path: str) -> str:
    """The path, if it stays below its volume and leaves the names that updates use (`..data`) alone."""
    parts = path.split("/")
    if "" in parts or "." in parts or ".." in parts or parts[0].startswith("..") or "\0" in path:
        raise UnrunnableError(
            FAILED_MOUNT, f"{path!r} is not a path below the volume: relative, without '.' or '..', not beginning so"
        )
    return path


def _check_nesting(paths: Iterable[str]) -> None:
    """A file cannot be a directory of another."""
    known = set(paths)
    for path in known:
        parts = path.split("/")
        for length in range(1, len(parts)):
            above = "/".join(parts[:length])
            if above in known:
                raise UnrunnableError(FAILED_MOUNT, f"{above!r} is a file and cannot hold {path!r}: change one path")
