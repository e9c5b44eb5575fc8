"""What a node remembers of its storage: CSI knows a volume by an id that only who made it was told.

A record is written before what it tells of begins (then it has no id yet) and once more when that is done. No record
holds a secret.
"""

from __future__ import annotations

from typing import ClassVar

from kubenode.model.csi import Attachment, CsiValue, GroupSnapshot, Mount, Snapshot, Volume, WantedVolume


class VolumeRecord(CsiValue, frozen=True):
    """`wanted` is what was asked for last; `volume` has no id while it is not known whether the volume was made.

    made: CreateVolume answered for it, so that its parameters are those of `wanted`; else it was made elsewhere, and
        of its parameters nothing is known but the mutable ones that were set from here
    node_expansion_required: it has grown, and a node must still grow the file system
    """

    folder: ClassVar[str] = "volumes"
    wanted: WantedVolume
    volume: Volume = Volume()
    made: bool = False
    node_expansion_required: bool = False

    @property
    def key(self) -> str:
        return self.wanted.name or self.volume.volume_id


class SnapshotRecord(CsiValue, frozen=True):
    """Of one volume, or `grouped`: of several as of one moment. `snapshot` or `group` has no id while it is begun.

    made: the driver made it as it is asked for here, so that its parameters are these
    """

    folder: ClassVar[str] = "snapshots"
    name: str
    source_volume_ids: tuple[str, ...] = ()
    grouped: bool = False
    parameters: dict[str, str] = {}
    made: bool = False
    snapshot: Snapshot = Snapshot()
    group: GroupSnapshot = GroupSnapshot()

    @property
    def key(self) -> str:
        return snapshot_key(self.name, grouped=self.grouped)


class AttachmentRecord(CsiValue, frozen=True):
    """`attached`: None while it is not known how it ended."""

    folder: ClassVar[str] = "attachments"
    wanted: Attachment
    attached: bool | None = None
    publish_context: dict[str, str] = {}

    @property
    def key(self) -> str:
        return attachment_key(self.wanted.volume_id, self.wanted.node_id)


class Shown(CsiValue, frozen=True):
    """What the kernel shows at a path, as far as it names it."""

    filesystem: str = ""
    source: str = ""
    root: str = ""


class MountRecord(CsiValue, frozen=True):
    """`shown`: what was at the target when it had been mounted; nothing while it is not known how that ended."""

    folder: ClassVar[str] = "mounts"
    mount: Mount
    shown: Shown = Shown()
    fs_group: int | None = None

    @property
    def key(self) -> str:
        return self.mount.target_path


def snapshot_key(name: str, *, grouped: bool) -> str:
    """A snapshot and a group snapshot may have the same name."""
    return f"group\n{name}" if grouped else name


def attachment_key(volume_id: str, node_id: str) -> str:
    return f"{volume_id}\n{node_id}"
