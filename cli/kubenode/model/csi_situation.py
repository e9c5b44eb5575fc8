"""What is known of one volume, snapshot, attachment or mount before it is decided what is to be done."""

from __future__ import annotations

from dataclasses import dataclass

from kubenode.model.csi import GroupSnapshot, ListedVolume, Snapshot
from kubenode.model.csi_records import AttachmentRecord, MountRecord, Shown, SnapshotRecord, VolumeRecord

# How a volume's or a snapshot's id became known.
BY_OPTION, BY_RECORD, BY_NAME, BY_CREATION, BY_NOTHING = "option", "record", "name", "creation", "nothing"
# How it is known whether it is there, where the driver cannot be asked; else the call's name.
RECORD, NOTHING = "record", "nothing"


@dataclass(frozen=True, slots=True)
class VolumeSituation:
    """there: as the driver, or else the record, has it; None: it is not there, or nothing is known of it

    others: volumes of the driver that no record here tells of; one could be it. None: the driver cannot list them.
    unsupported: why the driver does not have it for the use that is asked for
    mounted_at: where this node has it, as far as the records here tell
    """

    record: VolumeRecord | None = None
    there: ListedVolume | None = None
    identified_by: str = BY_NOTHING
    verified_by: str = NOTHING
    others: tuple[str, ...] | None = ()
    unsupported: str = ""
    mounted_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SnapshotSituation:
    """One snapshot, or one group of them.

    snapshot, group: as the driver, or else the record, has it
    others: as of volumes, of the same source; None: the driver cannot list them
    """

    record: SnapshotRecord | None = None
    snapshot: Snapshot | None = None
    group: GroupSnapshot | None = None
    identified_by: str = BY_NOTHING
    verified_by: str = NOTHING
    others: tuple[str, ...] | None = ()

    @property
    def there(self) -> bool:
        return self.snapshot is not None or self.group is not None

    @property
    def source_volume_ids(self) -> tuple[str, ...]:
        members = self.group.snapshots if self.group else (self.snapshot,) if self.snapshot else ()
        return tuple(one.source_volume_id for one in members if one.source_volume_id)


@dataclass(frozen=True, slots=True)
class AttachmentSituation:
    """attached: None: nothing tells.

    nodes: those that have it, as the driver says; None: it does not say
    missing: the driver has no such volume
    mounted_at: where this node has it, as far as the records here tell
    """

    record: AttachmentRecord | None = None
    attached: bool | None = None
    nodes: tuple[str, ...] | None = None
    missing: bool = False
    verified_by: str = NOTHING
    mounted_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MountSituation:
    """What the kernel, the kubelet's files and the records say of a target.

    shown: what is mounted at the target; None: nothing
    read_only: as it is mounted
    problem: why a mount that is there cannot be used (a stale file handle, …)
    silent: it does not even answer
    staged: something is mounted at the staging path, or below it
    from_staging: what is mounted at the target is what is mounted there
    handle: the volume of which the kubelet's vol_data.json tells at this target
    content: the target is there and no empty directory or file; only looked at where nothing is mounted
    users: other paths at which the staged volume is used
    wrong_group: something in it that is not its group's, and why; empty where all is or that was not asked
    """

    record: MountRecord | None = None
    shown: Shown | None = None
    read_only: bool = False
    problem: str = ""
    silent: bool = False
    staged: bool = False
    from_staging: bool = False
    handle: str = ""
    content: bool = False
    users: tuple[str, ...] = ()
    wrong_group: str = ""

    @property
    def known(self) -> bool:
        """Whether something here was ours, or is half done."""
        return self.record is not None or bool(self.handle)
