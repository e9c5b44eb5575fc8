"""Storage as CSI tells of it: drivers, volumes, snapshots. Field names are the specification's own.

`read(plain, Volume)` makes a value of a message's plain fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

Value = TypeVar("Value", bound="CsiValue")

SINGLE_NODE_WRITER = "SINGLE_NODE_WRITER"
SINGLE_WRITER = "SINGLE_NODE_SINGLE_WRITER"
SINGLE_NODE_MULTI_WRITER = "SINGLE_NODE_MULTI_WRITER"


class CsiValue(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value that does not change. What a newer driver adds is left out."""


def read(plain: Mapping[str, Any], kind: type[Value]) -> Value:
    """Raises msgspec.ValidationError, which names the field."""
    return msgspec.convert(plain, kind, strict=False)


def fields(value: CsiValue) -> dict[str, Any]:
    """The reverse of `read`."""
    made = msgspec.to_builtins(value)
    assert isinstance(made, dict)
    return made


class Topology(CsiValue, frozen=True):
    segments: dict[str, str] = {}


class PluginInfo(CsiValue, frozen=True):
    name: str = ""
    vendor_version: str = ""
    manifest: dict[str, str] = {}


class NodeInfo(CsiValue, frozen=True):
    """`max_volumes_per_node` 0: the driver names none."""

    node_id: str = ""
    max_volumes_per_node: int = 0
    accessible_topology: Topology = Topology()


class Capabilities(CsiValue, frozen=True):
    """What a driver can, in the specification's words: of `plugin` the services and volume expansion (ONLINE, OFFLINE).

    A service that a driver lacks has none.
    """

    plugin: frozenset[str] = frozenset()
    controller: frozenset[str] = frozenset()
    group_controller: frozenset[str] = frozenset()
    node: frozenset[str] = frozenset()


class SnapshotSource(CsiValue, frozen=True):
    snapshot_id: str


class VolumeSource(CsiValue, frozen=True):
    volume_id: str


class ContentSource(CsiValue, frozen=True):
    """One of the two."""

    snapshot: SnapshotSource | None = None
    volume: VolumeSource | None = None


class Volume(CsiValue, frozen=True):
    """`capacity_bytes` 0: not known."""

    volume_id: str = ""
    capacity_bytes: int = 0
    volume_context: dict[str, str] = {}
    content_source: ContentSource | None = None
    accessible_topology: tuple[Topology, ...] = ()


class Condition(CsiValue, frozen=True):
    """A hint only: drivers are known to be wrong."""

    abnormal: bool = False
    message: str = ""


class VolumeStatus(CsiValue, frozen=True):
    published_node_ids: tuple[str, ...] = ()
    volume_condition: Condition | None = None


class ListedVolume(CsiValue, frozen=True):
    volume: Volume = Volume()
    status: VolumeStatus = VolumeStatus()


class Snapshot(CsiValue, frozen=True):
    """Not to be used before `ready_to_use`. `size_bytes`: the least size of a volume made from it; 0: not known."""

    snapshot_id: str = ""
    source_volume_id: str = ""
    size_bytes: int = 0
    creation_time: datetime | None = None
    ready_to_use: bool = False
    group_snapshot_id: str = ""


class GroupSnapshot(CsiValue, frozen=True):
    """Snapshots of several volumes as of one moment."""

    group_snapshot_id: str = ""
    snapshots: tuple[Snapshot, ...] = ()
    creation_time: datetime | None = None
    ready_to_use: bool = False


class Capacity(CsiValue, frozen=True):
    """Bytes; a size that the driver does not tell is None."""

    available_capacity: int = 0
    maximum_volume_size: int | None = None
    minimum_volume_size: int | None = None


class Usage(CsiValue, frozen=True):
    """`unit`: BYTES or INODES; a number for one that only newer drivers know."""

    unit: str | int = "UNKNOWN"
    total: int = 0
    used: int = 0
    available: int = 0


class VolumeStats(CsiValue, frozen=True):
    usage: tuple[Usage, ...] = ()
    volume_condition: Condition | None = None


class VolumeCapability(CsiValue, frozen=True):
    """How a volume is used: as a block device, or mounted. `access_mode` in CSI's words."""

    access_mode: str = SINGLE_NODE_WRITER
    block: bool = False
    fs_type: str = ""
    mount_flags: tuple[str, ...] = ()
    volume_mount_group: str = ""

    def wire(self) -> dict[str, Any]:
        """As the message's fields."""
        mode = {"access_mode": {"mode": self.access_mode}}
        if self.block:
            return {"block": {}} | mode
        mount = {"fs_type": self.fs_type, "mount_flags": self.mount_flags}
        return {"mount": mount | {"volume_mount_group": self.volume_mount_group}} | mode


class WantedVolume(CsiValue, frozen=True):
    """What CreateVolume is asked. Sizes in bytes, 0: not said. Secrets are given beside it, never in it."""

    name: str
    capabilities: tuple[VolumeCapability, ...] = (VolumeCapability(),)
    required_bytes: int = 0
    limit_bytes: int = 0
    parameters: dict[str, str] = {}
    mutable_parameters: dict[str, str] = {}
    source: ContentSource | None = None
    requisite: tuple[Topology, ...] = ()
    preferred: tuple[Topology, ...] = ()

    def wire(self) -> dict[str, Any]:
        """As the fields of CreateVolumeRequest."""
        made: dict[str, Any] = {
            "name": self.name,
            "volume_capabilities": [one.wire() for one in self.capabilities],
            "parameters": self.parameters,
            "mutable_parameters": self.mutable_parameters,
        }
        if self.required_bytes or self.limit_bytes:
            made["capacity_range"] = {"required_bytes": self.required_bytes, "limit_bytes": self.limit_bytes}
        if self.source is not None:
            made["volume_content_source"] = fields(self.source)
        if self.requisite or self.preferred:
            made["accessibility_requirements"] = {
                "requisite": [fields(one) for one in self.requisite],
                "preferred": [fields(one) for one in self.preferred],
            }
        return made


class Attachment(CsiValue, frozen=True):
    """A volume as a node is to have it. `volume_context` is what CreateVolume answered."""

    volume_id: str
    node_id: str
    capability: VolumeCapability = VolumeCapability()
    read_only: bool = False
    volume_context: dict[str, str] = {}


class Mount(CsiValue, frozen=True):
    """A volume as it is to be at `target_path`, staged at `staging_path`; absolute paths.

    `publish_context` is what attaching it answered. `expand_to`: bytes that its file system shall have, 0: as it is.
    """

    volume_id: str
    target_path: str
    staging_path: str = ""
    capability: VolumeCapability = VolumeCapability()
    read_only: bool = False
    volume_context: dict[str, str] = {}
    publish_context: dict[str, str] = {}
    expand_to: int = 0
