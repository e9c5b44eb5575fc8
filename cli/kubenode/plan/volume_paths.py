"""Where a pod's files stand on the node: the kubelet's layout, so that tools that know it find them."""

from __future__ import annotations

from kubenode.model.pod import Pod
from kubenode.model.settings import Settings
from kubenode.model.volumes import (
    ConfigMapVolumeSource,
    DownwardAPIVolumeSource,
    HostPathVolumeSource,
    ProjectedVolumeSource,
    SecretVolumeSource,
    Source,
    Volume,
    source_of,
)

_PLUGINS: dict[type[Source], str] = {
    ConfigMapVolumeSource: "configmap",
    SecretVolumeSource: "secret",
    DownwardAPIVolumeSource: "downward-api",
    ProjectedVolumeSource: "projected",
}


def pod_directory(pod: Pod, settings: Settings) -> str:
    return f"{settings.kubenode.root_directory.rstrip('/')}/pods/{pod.metadata.uid}"


def volume_directory(volume: Volume, pod: Pod, settings: Settings) -> str:
    """Where its content is: for a hostPath the path itself."""
    source = source_of(volume)
    if isinstance(source, HostPathVolumeSource):
        return source.path
    plugin = "empty-dir" if source is None else _PLUGINS.get(type(source), "empty-dir")
    return f"{pod_directory(pod, settings)}/volumes/kubernetes.io~{plugin}/{volume.name}"


def sub_path_target(volume: str, container: str, index: int, pod: Pod, settings: Settings) -> str:
    """Where the part of a volume that a container's mount of that index shows is bound."""
    return f"{pod_directory(pod, settings)}/volume-subpaths/{volume}/{container}/{index}"


def hosts_path(pod: Pod, settings: Settings) -> str:
    return f"{pod_directory(pod, settings)}/etc-hosts"


def termination_log_path(pod: Pod, settings: Settings, container: str, attempt: int) -> str:
    return f"{pod_directory(pod, settings)}/containers/{container}/{attempt}"
