"""The CSI client: the RPCs of a storage driver as typed methods, with the specification's errors.

The class body is the list of what can be called. Requests and responses are the messages of `stubs.csi_pb2`; `plain`
makes values of them. A message with secrets must not be printed: only `plain` leaves these out.
"""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message
from grpc import aio

from kubenode.clients import csi_errors
from kubenode.clients.errors import ClientError
from kubenode.clients.rpc import Client, Connection, OnCall, Query, Unary
from kubenode.clients.stubs import csi_pb2 as pb

M = TypeVar("M", bound=Message)

IDENTITY = "csi.v1.Identity"
CONTROLLER = "csi.v1.Controller"
GROUP_CONTROLLER = "csi.v1.GroupController"
NODE = "csi.v1.Node"
# What requests are about, the first that one has.
SUBJECTS = (
    ("name", "volume or snapshot"),
    ("snapshot_id", "snapshot"),
    ("group_snapshot_id", "group snapshot"),
    ("volume_id", "volume"),
    ("source_volume_id", "volume"),
)


def reading(_request: Message, request_timeout: float) -> float:
    """Answered from the driver's memory: slower than this is a driver that hangs."""
    return min(10.0, request_timeout)


def changing(_request: Message, request_timeout: float) -> float:
    """As long as the kubelet allows: 2 min by default."""
    return request_timeout


def plain(message: Message) -> dict[str, Any]:
    """A message as its fields' names and values: enums by name, 64-bit integers and times as text, no secrets."""
    shown = type(message)()
    shown.CopyFrom(message)
    for field in shown.DESCRIPTOR.fields:
        if field.GetOptions().debug_redact:
            shown.ClearField(field.name)
    return json_format.MessageToDict(shown, preserving_proto_field_name=True)


def filled(kind: type[M], fields: dict[str, Any]) -> M:
    """The reverse of `plain`; secrets are set afterwards. Raises ValueError for what is no such message."""
    try:
        return json_format.ParseDict(fields, kind())
    except json_format.ParseError as error:
        raise ValueError(str(error)) from None


def secret_values(request: Message) -> list[str]:
    secrets = getattr(request, "secrets", None)
    return list(secrets.values()) if secrets else []


class CsiClient(Client):
    """A storage driver's socket. One event loop; `async with`, or `close()` at the end.

    endpoint: unix:///var/lib/kubelet/plugins/<driver>/csi.sock or its path. A driver may serve Controller and Node on
    different ones.
    on_call: `(name, seconds, error or None)` after each call, for metrics
    request_timeout: seconds that a call may take

    Each call takes its request message (optional where an empty one makes sense), `timeout=` seconds to override its
    deadline and `subject=` to name the object in errors. Raises InvalidArgument for an endpoint that cannot be one.
    """

    def __init__(self, endpoint: str, *, on_call: OnCall | None = None, request_timeout: float = 120.0) -> None:
        super().__init__(Connection(endpoint, on_call=on_call, request_timeout=request_timeout))

    @property
    def endpoint(self) -> str:
        return self._connection.endpoint

    def describe(self, request: Message) -> str:
        for field, noun in SUBJECTS:
            value = getattr(request, field, "")
            if value:
                return f"{noun} {value}"
        return ""

    def shown(self, error: aio.AioRpcError, request: Message) -> aio.AioRpcError:
        return csi_errors.without(error, secret_values(request))

    def failure(
        self, error: aio.AioRpcError, *, endpoint: str, path: str, operation: str, subject: str, expired: float | None
    ) -> ClientError:
        return csi_errors.translate(
            error, endpoint=endpoint, path=path, operation=operation, subject=subject, expired=expired
        )

    get_plugin_info = Query(IDENTITY, "GetPluginInfo", pb.GetPluginInfoRequest, pb.GetPluginInfoResponse, reading)
    get_plugin_capabilities = Query(
        IDENTITY, "GetPluginCapabilities", pb.GetPluginCapabilitiesRequest, pb.GetPluginCapabilitiesResponse, reading
    )
    probe = Query(IDENTITY, "Probe", pb.ProbeRequest, pb.ProbeResponse, reading)

    controller_get_capabilities = Query(
        CONTROLLER,
        "ControllerGetCapabilities",
        pb.ControllerGetCapabilitiesRequest,
        pb.ControllerGetCapabilitiesResponse,
        reading,
    )
    create_volume = Unary(CONTROLLER, "CreateVolume", pb.CreateVolumeRequest, pb.CreateVolumeResponse, changing)
    delete_volume = Unary(CONTROLLER, "DeleteVolume", pb.DeleteVolumeRequest, pb.DeleteVolumeResponse, changing)
    controller_publish_volume = Unary(
        CONTROLLER,
        "ControllerPublishVolume",
        pb.ControllerPublishVolumeRequest,
        pb.ControllerPublishVolumeResponse,
        changing,
    )
    controller_unpublish_volume = Unary(
        CONTROLLER,
        "ControllerUnpublishVolume",
        pb.ControllerUnpublishVolumeRequest,
        pb.ControllerUnpublishVolumeResponse,
        changing,
    )
    validate_volume_capabilities = Unary(
        CONTROLLER,
        "ValidateVolumeCapabilities",
        pb.ValidateVolumeCapabilitiesRequest,
        pb.ValidateVolumeCapabilitiesResponse,
        changing,
    )
    list_volumes = Query(CONTROLLER, "ListVolumes", pb.ListVolumesRequest, pb.ListVolumesResponse, changing)
    controller_get_volume = Unary(
        CONTROLLER, "ControllerGetVolume", pb.ControllerGetVolumeRequest, pb.ControllerGetVolumeResponse, changing
    )
    controller_expand_volume = Unary(
        CONTROLLER,
        "ControllerExpandVolume",
        pb.ControllerExpandVolumeRequest,
        pb.ControllerExpandVolumeResponse,
        changing,
    )
    controller_modify_volume = Unary(
        CONTROLLER,
        "ControllerModifyVolume",
        pb.ControllerModifyVolumeRequest,
        pb.ControllerModifyVolumeResponse,
        changing,
    )
    get_capacity = Query(CONTROLLER, "GetCapacity", pb.GetCapacityRequest, pb.GetCapacityResponse, changing)
    create_snapshot = Unary(CONTROLLER, "CreateSnapshot", pb.CreateSnapshotRequest, pb.CreateSnapshotResponse, changing)
    delete_snapshot = Unary(CONTROLLER, "DeleteSnapshot", pb.DeleteSnapshotRequest, pb.DeleteSnapshotResponse, changing)
    list_snapshots = Query(CONTROLLER, "ListSnapshots", pb.ListSnapshotsRequest, pb.ListSnapshotsResponse, changing)
    get_snapshot = Unary(CONTROLLER, "GetSnapshot", pb.GetSnapshotRequest, pb.GetSnapshotResponse, changing)

    group_controller_get_capabilities = Query(
        GROUP_CONTROLLER,
        "GroupControllerGetCapabilities",
        pb.GroupControllerGetCapabilitiesRequest,
        pb.GroupControllerGetCapabilitiesResponse,
        reading,
    )
    create_volume_group_snapshot = Unary(
        GROUP_CONTROLLER,
        "CreateVolumeGroupSnapshot",
        pb.CreateVolumeGroupSnapshotRequest,
        pb.CreateVolumeGroupSnapshotResponse,
        changing,
    )
    delete_volume_group_snapshot = Unary(
        GROUP_CONTROLLER,
        "DeleteVolumeGroupSnapshot",
        pb.DeleteVolumeGroupSnapshotRequest,
        pb.DeleteVolumeGroupSnapshotResponse,
        changing,
    )
    get_volume_group_snapshot = Unary(
        GROUP_CONTROLLER,
        "GetVolumeGroupSnapshot",
        pb.GetVolumeGroupSnapshotRequest,
        pb.GetVolumeGroupSnapshotResponse,
        changing,
    )

    node_get_info = Query(NODE, "NodeGetInfo", pb.NodeGetInfoRequest, pb.NodeGetInfoResponse, reading)
    node_get_capabilities = Query(
        NODE, "NodeGetCapabilities", pb.NodeGetCapabilitiesRequest, pb.NodeGetCapabilitiesResponse, reading
    )
    node_stage_volume = Unary(NODE, "NodeStageVolume", pb.NodeStageVolumeRequest, pb.NodeStageVolumeResponse, changing)
    node_unstage_volume = Unary(
        NODE, "NodeUnstageVolume", pb.NodeUnstageVolumeRequest, pb.NodeUnstageVolumeResponse, changing
    )
    node_publish_volume = Unary(
        NODE, "NodePublishVolume", pb.NodePublishVolumeRequest, pb.NodePublishVolumeResponse, changing
    )
    node_unpublish_volume = Unary(
        NODE, "NodeUnpublishVolume", pb.NodeUnpublishVolumeRequest, pb.NodeUnpublishVolumeResponse, changing
    )
    node_get_volume_stats = Unary(
        NODE, "NodeGetVolumeStats", pb.NodeGetVolumeStatsRequest, pb.NodeGetVolumeStatsResponse, changing
    )
    node_expand_volume = Unary(
        NODE, "NodeExpandVolume", pb.NodeExpandVolumeRequest, pb.NodeExpandVolumeResponse, changing
    )
