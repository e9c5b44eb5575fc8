"""What is known of one volume, snapshot, attachment or mount before it is decided what is to be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kubenode.model.csi import ListedVolume, Mount, Snapshot
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
    """others: as of volumes, of the same source"""

    record: SnapshotRecord | None = None
    there: Snapshot | None = None
    group: bool = False
    identified_by: str = BY_NOTHING
    verified_by: str = NOTHING
    others: tuple[str, ...] | None = ()


@dataclass(frozen=True, slots=True)
class AttachmentSituation:
    """attached: None: nothing tells.

    nodes: those that have it, as the driver says; None: it does not say
    mounted_at: where this node has it, as far as the records here tell
    """

    record: AttachmentRecord | None = None
    attached: bool | None = None
    nodes: tuple[str, ...] | None = None
    verified_by: str = NOTHING
    mounted_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MountSituation:
    """What the kernel and the records say of a target.

    shown: what is mounted at the target; None: nothing
    read_only: as it is mounted
    problem: why a mount that is there cannot be used (a stale file handle, …)
    staged: what is mounted at the staging path; None: nothing
    staging_left: the staging directory is there, or a record tells of staging
    handle: the volume of which vol_data.json tells at this target
    content: the target is there and is no empty directory or file; only looked at where nothing is mounted
    users: other paths at which the staged volume is used
    size: bytes of the file system, 0: not known
    wrong_group: something in it is not its group's; None: that was not asked
    """

    record: MountRecord | None = None
    shown: Shown | None = None
    read_only: bool = False
    problem: str = ""
    staged: Shown | None = None
    staging_left: bool = False
    handle: str = ""
    content: bool = False
    target_there: bool = False
    users: tuple[str, ...] = ()
    wrong_group: str | None = None


@dataclass(frozen=True, slots=True)
class WantedMount:
    """The mount, and who gives its files to the group: `group` when we do.

    labels: what is said of it in differences, beside what stands in the mount
    """

    mount: Mount
    group: int | None = None
    labels: Mapping[str, object] = field(default_factory=dict)
