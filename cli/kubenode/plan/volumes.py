"""What the volumes of a pod are to be, and where they stand: laid out below the pod's directory as the kubelet does."""

from __future__ import annotations

from collections.abc import Mapping

from kubenode.model.facts import NodeFacts
from kubenode.model.pod import Pod, all_containers, is_sidecar
from kubenode.model.quantity import whole
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod
from kubenode.model.volume_specs import ContentVolume, EmptyDir, HostPath, ImageVolume, VolumeSpec
from kubenode.model.volumes import (
    ConfigMapVolumeSource,
    DownwardAPIVolumeSource,
    EmptyDirVolumeSource,
    HostPathVolumeSource,
    ImageVolumeSource,
    ProjectedVolumeSource,
    SecretVolumeSource,
    Volume,
    source_of,
)
from kubenode.plan.problems import UnrunnableError
from kubenode.plan.volume_content import FAILED_MOUNT, ContentSource, Surroundings, in_memory, volume_files
from kubenode.plan.volume_mounts import container_mounts
from kubenode.plan.volume_paths import hosts_path, pod_directory, termination_log_path, volume_directory
from kubenode.plan.volume_set_ups import volume_set_ups
from kubenode.plan.volume_state import expected_state

__all__ = (
    "container_mounts",
    "expected_state",
    "hosts_path",
    "looked_at",
    "pod_directory",
    "termination_log_path",
    "volume_directory",
    "volume_set_ups",
    "volume_specs",
)

_HUGE_PAGES = "HugePages"


def volume_specs(
    desired: DesiredPod, settings: Settings, node: NodeFacts
) -> tuple[dict[str, VolumeSpec], dict[str, str]]:
    """What each volume is to be, by name; and for those that cannot be, what is missing and where to put it."""
    around = Surroundings(desired, settings, node)
    specs: dict[str, VolumeSpec] = {}
    missing: dict[str, str] = {}
    for volume in desired.pod.spec.volumes:
        try:
            specs[volume.name] = _spec(volume, around)
        except (UnrunnableError, ValueError) as error:
            missing[volume.name] = str(error)
    return specs, missing


def looked_at(desired: DesiredPod, settings: Settings, node: NodeFacts) -> dict[str, VolumeSpec]:
    """What observe/ is to look at: also a volume that stands while its ConfigMap or Secret is gone."""
    specs, missing = volume_specs(desired, settings, node)
    gone = (volume for volume in desired.pod.spec.volumes if volume.name in missing)
    for volume in gone:
        source = source_of(volume)
        if isinstance(source, ContentSource) and _is_one_name(volume.name):
            directory = volume_directory(volume, desired.pod, settings)
            specs[volume.name] = ContentVolume(volume.name, directory, (), in_memory(source))
    return specs


def _spec(volume: Volume, around: Surroundings) -> VolumeSpec:
    if not _is_one_name(volume.name):
        raise UnrunnableError(FAILED_MOUNT, f"{volume.name!r} cannot name a volume: it is no single name")
    pod = around.desired.pod
    directory, fs_group = volume_directory(volume, pod, around.settings), pod.spec.security_context.fs_group
    match source_of(volume):
        case HostPathVolumeSource(path=path, type=kind):
            return HostPath(volume.name, path, kind)
        case ImageVolumeSource(reference=reference, pull_policy=policy):
            return ImageVolume(volume.name, reference, policy)
        case EmptyDirVolumeSource() as source:
            medium, limit = _medium(source.medium, pod), _size_limit(source, pod, around.node)
            return EmptyDir(volume.name, directory, medium, limit, fs_group)
        case (
            ConfigMapVolumeSource() | SecretVolumeSource() | DownwardAPIVolumeSource() | ProjectedVolumeSource()
        ) as source:
            files = volume_files(source, around, fs_group)
            return ContentVolume(volume.name, directory, files, in_memory(source), fs_group)
        case None:
            return EmptyDir(volume.name, directory, fs_group=fs_group)


def _is_one_name(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def _medium(medium: str, pod: Pod) -> str:
    """The medium with its page size: `HugePages` alone means the one size that the pod's containers ask for."""
    if medium in ("", "Memory"):
        return medium
    if medium == _HUGE_PAGES:
        sizes = {
            name.removeprefix("hugepages-")
            for container in all_containers(pod.spec)
            for name in (*container.resources.limits, *container.resources.requests)
            if name.startswith("hugepages-")
        }
        if len(sizes) != 1:
            raise UnrunnableError(
                FAILED_MOUNT,
                f"medium HugePages needs containers that ask for one page size, and they ask for {len(sizes)}: "
                "write HugePages-<size>",
            )
        medium = f"{_HUGE_PAGES}-{sizes.pop()}"
    if not medium.startswith(f"{_HUGE_PAGES}-") or whole(medium.partition("-")[2]) <= 0:
        raise UnrunnableError(
            FAILED_MOUNT, f"{medium!r} is no medium: leave it out, or write Memory, HugePages or HugePages-<size>"
        )
    return medium


def _size_limit(source: EmptyDirVolumeSource, pod: Pod, node: NodeFacts) -> int:
    """In memory no volume is larger than its node's memory or its pod's limit, whatever it asks for."""
    asked = whole(source.size_limit) if source.size_limit is not None else 0
    if source.medium != "Memory":
        return asked
    return min((limit for limit in (asked, node.memory, _memory_limit(pod)) if limit > 0), default=0)


def _memory_limit(pod: Pod) -> int:
    """What the pod's containers may use together; 0 where one of them has no limit."""
    if "memory" in pod.spec.resources.limits:
        return whole(pod.spec.resources.limits["memory"])
    side = [container for container in pod.spec.init_containers if is_sidecar(container)]
    limits: list[Mapping[str, str | int | float]] = [one.resources.limits for one in (*side, *pod.spec.containers)]
    if any("memory" not in limit for limit in limits):
        return 0
    return sum(whole(limit["memory"]) for limit in limits)
