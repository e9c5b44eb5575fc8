"""What can be done with storage, as data. `verb` is what people read; no action holds a secret."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kubenode.model.csi import Attachment, Mount, VolumeCapability, WantedVolume
from kubenode.model.csi_records import SnapshotRecord
from kubenode.model.quantity import format_quantity


def size_text(number: int) -> str:
    """Bytes as people write them: 1Gi."""
    return format_quantity(Decimal(number), binary=True)


@dataclass(frozen=True, slots=True)
class CreateVolume:
    wanted: WantedVolume
    why: str

    @property
    def verb(self) -> str:
        size = f" of {size_text(self.wanted.required_bytes)}" if self.wanted.required_bytes else ""
        return f"create volume {self.wanted.name}{size}"


@dataclass(frozen=True, slots=True)
class ExpandVolume:
    """Sizes in bytes; `now` 0: not known."""

    volume_id: str
    title: str
    now: int
    required_bytes: int
    limit_bytes: int
    capability: VolumeCapability
    why: str

    @property
    def verb(self) -> str:
        before = f" from {size_text(self.now)}" if self.now else ""
        return f"grow volume {self.title}{before} to {size_text(self.required_bytes)}"


@dataclass(frozen=True, slots=True)
class ModifyVolume:
    volume_id: str
    title: str
    mutable_parameters: dict[str, str]
    why: str

    @property
    def verb(self) -> str:
        told = ", ".join(f"{key}={value}" for key, value in sorted(self.mutable_parameters.items()))
        return f"give volume {self.title} the parameters {told}"


@dataclass(frozen=True, slots=True)
class DeleteVolume:
    """No id: its creation was begun. It is asked for once more, which tells the id, and deleted then."""

    volume_id: str
    title: str
    begun: WantedVolume | None
    why: str

    @property
    def verb(self) -> str:
        return f"delete volume {self.title}"


@dataclass(frozen=True, slots=True)
class CreateSnapshot:
    wanted: SnapshotRecord
    why: str

    @property
    def verb(self) -> str:
        return f"create {_kind(self.wanted)} {self.wanted.name} of {', '.join(self.wanted.source_volume_ids)}"


@dataclass(frozen=True, slots=True)
class DeleteSnapshot:
    """begun: its creation was, as with volumes."""

    known: SnapshotRecord
    begun: bool
    why: str

    @property
    def verb(self) -> str:
        found = self.known.group.group_snapshot_id or self.known.snapshot.snapshot_id
        title = f"{self.known.name} ({found})" if self.known.name and found else self.known.name or found
        return f"delete {_kind(self.known)} {title}"


def _kind(record: SnapshotRecord) -> str:
    return "group snapshot" if record.grouped else "snapshot"


@dataclass(frozen=True, slots=True)
class AttachVolume:
    wanted: Attachment
    why: str

    @property
    def verb(self) -> str:
        how = " read-only" if self.wanted.read_only else ""
        return f"attach volume {self.wanted.volume_id} to node {self.wanted.node_id}{how}"


@dataclass(frozen=True, slots=True)
class DetachVolume:
    volume_id: str
    node_id: str
    why: str

    @property
    def verb(self) -> str:
        return f"detach volume {self.volume_id} from {f'node {self.node_id}' if self.node_id else 'all nodes'}"


@dataclass(frozen=True, slots=True)
class StageVolume:
    mount: Mount
    why: str

    @property
    def verb(self) -> str:
        return f"stage volume {self.mount.volume_id} at {self.mount.staging_path}"


@dataclass(frozen=True, slots=True)
class PublishVolume:
    mount: Mount
    why: str

    @property
    def verb(self) -> str:
        how = "read-only" if self.mount.read_only else "writable"
        return f"mount volume {self.mount.volume_id} at {self.mount.target_path} ({how})"


@dataclass(frozen=True, slots=True)
class ExpandFileSystem:
    mount: Mount
    why: str

    @property
    def verb(self) -> str:
        return f"grow volume {self.mount.volume_id} at {self.mount.target_path} to {size_text(self.mount.expand_to)}"


@dataclass(frozen=True, slots=True)
class GiveToGroup:
    path: str
    group: int
    why: str

    @property
    def verb(self) -> str:
        return f"give the files in {self.path} to group {self.group}"


@dataclass(frozen=True, slots=True)
class UnpublishVolume:
    volume_id: str
    target_path: str
    why: str

    @property
    def verb(self) -> str:
        return f"unmount volume {self.volume_id} from {self.target_path}"


@dataclass(frozen=True, slots=True)
class UnstageVolume:
    volume_id: str
    staging_path: str
    why: str

    @property
    def verb(self) -> str:
        return f"unstage volume {self.volume_id} at {self.staging_path}"


Action = (
    CreateVolume
    | ExpandVolume
    | ModifyVolume
    | DeleteVolume
    | CreateSnapshot
    | DeleteSnapshot
    | AttachVolume
    | DetachVolume
    | StageVolume
    | PublishVolume
    | ExpandFileSystem
    | GiveToGroup
    | UnpublishVolume
    | UnstageVolume
)


@dataclass(frozen=True, slots=True)
class CsiPlan:
    """refused: why nothing can be done, as a sentence; then there are no actions.

    certain: whether `actions` is all that there is to know. CSI cannot be asked for a name, so it may be that what is
    created is found instead; a warning says so then.
    """

    actions: tuple[Action, ...] = ()
    before: object = None
    after: object = None
    warnings: tuple[str, ...] = ()
    refused: str = ""
    certain: bool = True
