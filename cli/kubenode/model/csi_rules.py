"""Rules of the kubelet for CSI volumes: access modes, steps, fsGroup, directories."""

from __future__ import annotations

import hashlib
from collections.abc import Set as AbstractSet
from enum import StrEnum
from pathlib import PurePosixPath

import msgspec

from kubenode.model.csi import SINGLE_NODE_MULTI_WRITER, SINGLE_NODE_WRITER, SINGLE_WRITER, Mount

STAGE = "STAGE_UNSTAGE_VOLUME"
EXPAND = "EXPAND_VOLUME"
STATS = "GET_VOLUME_STATS"
MOUNT_GROUP = "VOLUME_MOUNT_GROUP"
ATTACH = "PUBLISH_UNPUBLISH_VOLUME"
ONCE = ("ReadWriteOnce", "ReadWriteOncePod")
WIRE_MODES = {"ReadOnlyMany": "MULTI_NODE_READER_ONLY", "ReadWriteMany": "MULTI_NODE_MULTI_WRITER"}
# What a driver is told of the pod when it mounts, and not when it stages.
POD_INFO = frozenset(
    f"csi.storage.k8s.io/{name}"
    for name in ("pod.name", "pod.namespace", "pod.uid", "serviceAccount.name", "serviceAccount.tokens", "ephemeral")
)
CSI_DIRECTORY = "plugins/kubernetes.io/csi"


def access_mode(mode: str, *, multi_writer: bool) -> str:
    """CSI's word for Kubernetes' access mode.

    multi_writer: the service that is asked has the capability SINGLE_NODE_MULTI_WRITER.
    Raises ValueError for a mode that Kubernetes has not.
    """
    if mode in WIRE_MODES:
        return WIRE_MODES[mode]
    if mode not in ONCE:
        raise ValueError(f"there is no access mode {mode}: use one of {', '.join((*ONCE, *WIRE_MODES))}")
    if not multi_writer:
        return SINGLE_NODE_WRITER
    return SINGLE_NODE_MULTI_WRITER if mode == "ReadWriteOnce" else SINGLE_WRITER


def kubernetes_mode(mode: str) -> str:
    """Kubernetes' word for CSI's access mode; CSI's own where Kubernetes has none."""
    words = {wire: word for word, wire in WIRE_MODES.items()}
    once = {SINGLE_NODE_WRITER: ONCE[0], SINGLE_NODE_MULTI_WRITER: ONCE[0], SINGLE_WRITER: ONCE[1]}
    return (words | once).get(mode, mode)


class GroupPolicy(StrEnum):
    """CSIDriver's fsGroupPolicy."""

    NONE = "None"
    FILE = "File"
    READ_WRITE_ONCE_WITH_FS_TYPE = "ReadWriteOnceWithFSType"


class GroupWork(StrEnum):
    """Who gives a volume to its fsGroup: the driver when it mounts, we afterwards, or nobody."""

    DRIVER = "driver"
    OURS = "ours"
    NOBODY = "nobody"


def group_work(
    policy: GroupPolicy,
    node_capabilities: AbstractSet[str],
    *,
    fs_type: str = "",
    access_modes: tuple[str, ...] = (),
    read_only: bool = False,
    block: bool = False,
) -> GroupWork:
    """For a volume with fsGroup; access_modes in Kubernetes' words, none for one that lives with its pod.

    A driver with VOLUME_MOUNT_GROUP does it whatever the policy is. We never do it on a read-only volume.
    """
    if block:
        return GroupWork.NOBODY
    if MOUNT_GROUP in node_capabilities:
        return GroupWork.DRIVER
    if read_only or policy is GroupPolicy.NONE:
        return GroupWork.NOBODY
    if policy is GroupPolicy.READ_WRITE_ONCE_WITH_FS_TYPE:
        once = not access_modes or any(mode in ONCE for mode in access_modes)
        return GroupWork.OURS if fs_type and once else GroupWork.NOBODY
    return GroupWork.OURS


class Step(StrEnum):
    STAGE = "stage"
    PUBLISH = "publish"
    EXPAND = "expand"
    UNPUBLISH = "unpublish"
    UNSTAGE = "unstage"


def mount_steps(mount: Mount, node_capabilities: AbstractSet[str]) -> tuple[Step, ...]:
    """What mounting takes, in order. Growing comes last, as the kubelet does it; nothing read-only grows."""
    steps = [Step.PUBLISH]
    if STAGE in node_capabilities:
        steps.insert(0, Step.STAGE)
    if mount.expand_to and not mount.read_only and EXPAND in node_capabilities:
        steps.append(Step.EXPAND)
    return tuple(steps)


def unmount_steps(node_capabilities: AbstractSet[str], *, last: bool) -> tuple[Step, ...]:
    """last: nothing else on this node has the volume mounted."""
    unstage = (Step.UNSTAGE,) if last and STAGE in node_capabilities else ()
    return (Step.UNPUBLISH, *unstage)


class VolumeData(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """vol_data.json, by which a kubelet knows a mounted volume again."""

    driver_name: str
    volume_handle: str
    spec_vol_id: str = msgspec.field(default="", name="specVolID")
    node_name: str = ""
    attachment_id: str = msgspec.field(default="", name="attachmentID")
    volume_lifecycle_mode: str = ""


def attachment_name(handle: str, driver: str, node: str) -> str:
    """Of the VolumeAttachment object."""
    return f"csi-{_digest(handle + driver + node)}"


def ephemeral_handle(pod_uid: str, volume: str) -> str:
    """The handle of a volume that lives with its pod."""
    return f"csi-{_digest(pod_uid + volume)}"


def staging_path(root: str, driver: str, handle: str) -> str:
    """Where the kubelet stages a volume with a file system; vol_data.json stands beside it."""
    return str(PurePosixPath(root, CSI_DIRECTORY, driver, _digest(handle), "globalmount"))


def target_path(root: str, pod_uid: str, volume: str) -> str:
    """Where the kubelet mounts it for a pod; `volume` is the PersistentVolume's name, or the pod's own for it."""
    escaped = volume.replace("/", "~")
    return str(PurePosixPath(root, "pods", pod_uid, "volumes", "kubernetes.io~csi", escaped, "mount"))


def block_staging_path(root: str, volume: str) -> str:
    return str(PurePosixPath(root, CSI_DIRECTORY, "volumeDevices", "staging", volume))


def block_target_path(root: str, volume: str, pod_uid: str) -> str:
    return str(PurePosixPath(root, CSI_DIRECTORY, "volumeDevices", "publish", volume, pod_uid))


def block_data_directory(root: str, volume: str) -> str:
    """Where vol_data.json of a block volume stands."""
    return str(PurePosixPath(root, CSI_DIRECTORY, "volumeDevices", volume, "data"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
