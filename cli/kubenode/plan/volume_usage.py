"""Volumes on a disk that hold more than they may: nothing but eviction keeps a container from filling them."""

from __future__ import annotations

from collections.abc import Mapping

from kubenode.model.pod import Pod
from kubenode.model.quantity import whole
from kubenode.model.volume_specs import VolumeFact
from kubenode.model.volumes import Volume

# As often as the kubelet looks for what is to be evicted; walking a large directory more often would cost.
MEASURED_EVERY_SECONDS = 10.0


def limited_on_disk(pod: Pod) -> tuple[Volume, ...]:
    """Each emptyDir with a sizeLimit that stands on a disk; one in memory the kernel holds to it."""
    return tuple(
        volume
        for volume in pod.spec.volumes
        if volume.empty_dir is not None and volume.empty_dir.size_limit is not None and not volume.empty_dir.medium
    )


def overfull(pod: Pod, facts: Mapping[str, VolumeFact]) -> str:
    """Which volume holds more than its limit, in a sentence; empty when none does."""
    for volume in limited_on_disk(pod):
        written = volume.empty_dir.size_limit if volume.empty_dir is not None else None
        limit, used = whole(written or 0), facts[volume.name].used if volume.name in facts else 0
        if 0 < limit < used:
            return f"emptyDir {volume.name} holds {used} bytes and its sizeLimit is {written}: raise it, or write less"
    return ""
