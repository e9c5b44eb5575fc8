"""What the tests' CSI driver makes of what it is asked: sizes, whether two requests agree, messages of records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from grpc import StatusCode

from kubenode.clients.stubs import csi_pb2 as pb
from support.csi_settings import MIB, Settings
from support.csi_store import Plain, Snapshot, Use, Volume
from support.fake_server import Refused

# Modes by which a volume is on several nodes, or has several targets on one.
MULTI_NODE = ("MULTI_NODE_READER_ONLY", "MULTI_NODE_SINGLE_WRITER", "MULTI_NODE_MULTI_WRITER")
MULTI_TARGET = (*MULTI_NODE, "SINGLE_NODE_MULTI_WRITER")
PARAMETERS = {"kind": ("fast", "slow")}
MUTABLE = ("iops",)


def plain(message: Message) -> Plain:
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def mode(capability: Plain) -> str:
    return str(capability["access_mode"]["mode"])


def access_types(capabilities: Iterable[Plain]) -> set[str]:
    return {"block" if "block" in one else "mount" for one in capabilities}


def size_for(wanted: pb.CapacityRange, settings: Settings, least: int = MIB) -> int:
    """Whole MiB. Raises Refused for sizes that the driver has not."""
    size = -(-max(wanted.required_bytes, least) // MIB) * MIB
    if size > settings.largest or (wanted.limit_bytes and size > wanted.limit_bytes):
        raise Refused(
            StatusCode.OUT_OF_RANGE, f"volumes have {MIB} to {settings.largest} bytes here, in steps of {MIB}"
        )
    return size


def check_parameters(parameters: dict[str, str], mutable: dict[str, str]) -> None:
    for key, value in parameters.items():
        if value not in PARAMETERS.get(key, ()):
            raise Refused(StatusCode.INVALID_ARGUMENT, f"there is no parameter {key} with the value {value}")
    for key, value in mutable.items():
        if key not in MUTABLE or not value.isdigit():
            raise Refused(StatusCode.INVALID_ARGUMENT, f"there is no mutable parameter {key} with the value {value}")


def check_topology(wanted: pb.TopologyRequirement, settings: Settings) -> None:
    """One of the requisite, or where there are none any."""
    if wanted.requisite and not any(reachable(one, settings) for one in wanted.requisite):
        raise Refused(StatusCode.RESOURCE_EXHAUSTED, "nothing of the requisite topology is here")


def reachable(topology: pb.Topology, settings: Settings) -> bool:
    return all(settings.topology.get(key) == value for key, value in topology.segments.items())


def agrees(volume: Volume, request: pb.CreateVolumeRequest) -> bool:
    """Whether the volume is what this request asks for."""
    wanted = request.capacity_range
    return (
        volume.size >= wanted.required_bytes
        and (not wanted.limit_bytes or volume.size <= wanted.limit_bytes)
        and volume.parameters == dict(request.parameters)
        and volume.source == plain(request.volume_content_source)
        and supports(volume, [plain(one) for one in request.volume_capabilities])
    )


def supports(volume: Volume, wanted: Iterable[Plain]) -> bool:
    """Each mode of access that is asked for was asked for when it was made."""
    made = [(mode(one), *access_types([one])) for one in volume.capabilities]
    return all((mode(one), *access_types([one])) in made for one in wanted)


def check_same(there: Use, asked: Use, what: str) -> None:
    if there != asked:
        raise Refused(StatusCode.ALREADY_EXISTS, f"it is {what} already, and in another way")


def volume_message(volume: Volume, settings: Settings) -> pb.Volume:
    made = pb.Volume(volume_id=volume.id, capacity_bytes=volume.size, volume_context=volume.context)
    if volume.source:
        json_format.ParseDict(volume.source, made.content_source)
    if "VOLUME_ACCESSIBILITY_CONSTRAINTS" in settings.plugin:
        made.accessible_topology.add(segments=settings.topology)
    return made


def snapshot_message(snapshot: Snapshot) -> pb.Snapshot:
    made = pb.Snapshot(
        snapshot_id=snapshot.id,
        source_volume_id=snapshot.volume,
        size_bytes=snapshot.size,
        ready_to_use=snapshot.answers_until_ready <= 0,
        group_snapshot_id=snapshot.group,
    )
    made.creation_time.FromNanoseconds(int(snapshot.made * 1e9))
    return made


def page(entries: list[Any], most: int, token: str) -> tuple[list[Any], str]:
    """The entries after the token, at most so many, and the next token. The tokens are the driver's own matter."""
    if most < 0:
        raise Refused(StatusCode.INVALID_ARGUMENT, "max_entries is negative")
    start = 0
    if token:
        number = token.removeprefix("after-")
        if number == token or not number.isdigit() or int(number) > len(entries):
            raise Refused(StatusCode.ABORTED, f"{token} is no token of this list: begin again")
        start = int(number)
    end = start + most if most else len(entries)
    return entries[start:end], f"after-{end}" if end < len(entries) else ""
