"""What the CSI specification asks of a request by itself, whatever the driver keeps."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from google.protobuf.message import Message
from grpc import StatusCode

from kubenode.clients.stubs import csi_pb2 as pb
from support.csi_settings import Settings
from support.fake_server import Refused

REQUIRED = {
    "CreateVolume": ("name", "volume_capabilities"),
    "DeleteVolume": ("volume_id",),
    "ControllerPublishVolume": ("volume_id", "node_id", "volume_capability"),
    "ControllerUnpublishVolume": ("volume_id",),
    "ValidateVolumeCapabilities": ("volume_id", "volume_capabilities"),
    "CreateSnapshot": ("name", "source_volume_id"),
    "DeleteSnapshot": ("snapshot_id",),
    "GetSnapshot": ("snapshot_id",),
    "ControllerExpandVolume": ("volume_id", "capacity_range"),
    "ControllerGetVolume": ("volume_id",),
    "ControllerModifyVolume": ("volume_id", "mutable_parameters"),
    "CreateVolumeGroupSnapshot": ("name", "source_volume_ids"),
    "DeleteVolumeGroupSnapshot": ("group_snapshot_id",),
    "GetVolumeGroupSnapshot": ("group_snapshot_id",),
    "NodeStageVolume": ("volume_id", "staging_target_path", "volume_capability"),
    "NodeUnstageVolume": ("volume_id", "staging_target_path"),
    "NodePublishVolume": ("volume_id", "target_path", "volume_capability"),
    "NodeUnpublishVolume": ("volume_id", "target_path"),
    "NodeGetVolumeStats": ("volume_id", "volume_path"),
    "NodeExpandVolume": ("volume_id", "volume_path"),
}
CONTROLLER_NEEDS = {
    "CreateVolume": "CREATE_DELETE_VOLUME",
    "DeleteVolume": "CREATE_DELETE_VOLUME",
    "ControllerPublishVolume": "PUBLISH_UNPUBLISH_VOLUME",
    "ControllerUnpublishVolume": "PUBLISH_UNPUBLISH_VOLUME",
    "ListVolumes": "LIST_VOLUMES",
    "GetCapacity": "GET_CAPACITY",
    "CreateSnapshot": "CREATE_DELETE_SNAPSHOT",
    "DeleteSnapshot": "CREATE_DELETE_SNAPSHOT",
    "ListSnapshots": "LIST_SNAPSHOTS",
    "GetSnapshot": "GET_SNAPSHOT",
    "ControllerExpandVolume": "EXPAND_VOLUME",
    "ControllerGetVolume": "GET_VOLUME",
    "ControllerModifyVolume": "MODIFY_VOLUME",
}
NODE_NEEDS = {
    "NodeStageVolume": "STAGE_UNSTAGE_VOLUME",
    "NodeUnstageVolume": "STAGE_UNSTAGE_VOLUME",
    "NodeGetVolumeStats": "GET_VOLUME_STATS",
    "NodeExpandVolume": "EXPAND_VOLUME",
}
PATHS = ("staging_target_path", "target_path", "volume_path")
LONGEST_STRING = 128
LARGEST_MAP = 4096
SINGLE_NODE = ("SINGLE_NODE_SINGLE_WRITER", "SINGLE_NODE_MULTI_WRITER")


def check(name: str, request: Message, settings: Settings) -> None:
    """Raises Refused for what no driver would do."""
    needed, has = CONTROLLER_NEEDS.get(name), settings.controller
    if name in NODE_NEEDS:
        needed, has = NODE_NEEDS[name], settings.node_can
    if needed and needed not in has:
        raise Refused(StatusCode.UNIMPLEMENTED, f"this driver has not got {needed}")
    for field in REQUIRED.get(name, ()):
        if not _present(request, field):
            refuse(f"{field} is missing")
    _sizes(request)
    for field in PATHS:
        path = getattr(request, field, "")
        if path and not PurePosixPath(path).is_absolute():
            refuse(f"{field} is not absolute: {path}")
    _capabilities(name, request, settings)
    if hasattr(request, "capacity_range"):
        capacity_range(request.capacity_range)
    if settings.secrets and hasattr(request, "secrets") and dict(request.secrets) != settings.secrets:
        raise Refused(StatusCode.UNAUTHENTICATED, "the secrets are missing or wrong")


def refuse(detail: str) -> None:
    raise Refused(StatusCode.INVALID_ARGUMENT, detail)


def capacity_range(wanted: Any) -> None:
    if wanted.required_bytes < 0 or wanted.limit_bytes < 0:
        refuse("a size in capacity_range is negative")
    if wanted.limit_bytes and wanted.required_bytes > wanted.limit_bytes:
        refuse("capacity_range asks for more than its limit")


def _present(request: Message, field: str) -> bool:
    value = getattr(request, field)
    return request.HasField(field) if isinstance(value, Message) else bool(value)


def _sizes(request: Message) -> None:
    for field, value in request.ListFields():
        if isinstance(value, str) and field.name not in PATHS and len(value.encode()) > LONGEST_STRING:
            refuse(f"{field.name} is longer than {LONGEST_STRING} bytes")
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            size = sum(len(key.encode()) + len(text.encode()) for key, text in value.items())
            if size > LARGEST_MAP:
                refuse(f"{field.name} is larger than {LARGEST_MAP} bytes")


def _capabilities(name: str, request: Message, settings: Settings) -> None:
    one = getattr(request, "volume_capability", None)
    several = list(getattr(request, "volume_capabilities", ()))
    if one is not None and request.HasField("volume_capability"):
        several.append(one)
    has = settings.node_can if name.startswith("Node") else settings.controller
    for capability in several:
        if capability.WhichOneof("access_type") is None:
            refuse("volume_capability has no access_type")
        mode = pb.VolumeCapability.AccessMode.Mode.Name(capability.access_mode.mode)
        if mode == "UNKNOWN":
            refuse("volume_capability has no access_mode")
        if mode in SINGLE_NODE and "SINGLE_NODE_MULTI_WRITER" not in has:
            refuse(f"this driver has not got the access mode {mode}")
        if capability.mount.volume_mount_group and "VOLUME_MOUNT_GROUP" not in settings.node_can:
            refuse("this driver has not got VOLUME_MOUNT_GROUP")
