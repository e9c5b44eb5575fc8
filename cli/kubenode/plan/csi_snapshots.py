"""What a snapshot, or a group snapshot, needs to be there or to be gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from kubenode.model.csi import Capabilities, GroupSnapshot, Snapshot
from kubenode.model.csi_actions import CreateSnapshot, CsiPlan, DeleteSnapshot
from kubenode.model.csi_records import SnapshotRecord
from kubenode.model.csi_situation import BY_OPTION, SnapshotSituation

MAKE = "CREATE_DELETE_SNAPSHOT"
MAKE_GROUP = "CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT"


@dataclass(frozen=True, slots=True)
class AskedSnapshot:
    """parameters None: not said."""

    wanted: SnapshotRecord
    snapshot_id: str = ""
    parameters: Mapping[str, str] | None = None

    @property
    def title(self) -> str:
        return f"{'Group snapshot' if self.wanted.grouped else 'Snapshot'} {self.wanted.name or self.snapshot_id}"


def plan_snapshot_present(asked: AskedSnapshot, seen: SnapshotSituation, can: Capabilities) -> CsiPlan:
    wanted, record = asked.wanted, seen.record
    if seen.there:
        wrong = _differences(asked, seen)
        if wrong:
            return CsiPlan(
                refused=f"{asked.title} is there and not as asked: {'; '.join(wrong)}. A snapshot cannot be changed: "
                "use another name, or remove it first."
            )
        return CsiPlan()
    if seen.identified_by == BY_OPTION:
        return CsiPlan(
            refused=f"The driver has no snapshot {asked.snapshot_id}. It chooses the ids of snapshots: to have one "
            "made give a name, and no snapshot_id."
        )
    needed, has = (MAKE_GROUP, can.group_controller) if wanted.grouped else (MAKE, can.controller)
    if needed not in has:
        return CsiPlan(refused=f"{asked.title} cannot be made: this driver has no {needed}.")
    if not wanted.source_volume_ids:
        return CsiPlan(refused=f"{asked.title} is not there: to have it made say of which volume (source_volume).")
    if record is None:
        why = "there is none of that name" if _certain(seen) else "no record here tells of one of that name"
    elif _id(record):
        why = f"this node's record names {_id(record)}, which the driver has no more"
    else:
        why = "its creation was begun, and how that ended is not known"
    return CsiPlan(
        actions=(CreateSnapshot(wanted, why),),
        after=shown_snapshot(wanted),
        warnings=_unsure(asked, seen, "and then found instead of created") if record is None else (),
        certain=_certain(seen) and record is None,
    )


def plan_snapshot_absent(asked: AskedSnapshot, seen: SnapshotSituation) -> CsiPlan:
    record = seen.record
    if seen.there:
        known = msgspec.structs.replace(
            record or asked.wanted, snapshot=seen.snapshot or Snapshot(), group=seen.group or GroupSnapshot()
        )
        return CsiPlan((DeleteSnapshot(known, False, "it is there"),), before=shown_snapshot(known))
    if record is not None and not _id(record):
        begun = DeleteSnapshot(record, True, "its creation was begun, and how that ended is not known")
        return CsiPlan((begun,), before=shown_snapshot(record))
    return CsiPlan(warnings=_unsure(asked, seen, "and is left alone"), certain=_certain(seen))


def shown_snapshot(record: SnapshotRecord) -> dict[str, object]:
    """In its user's words."""
    told = {
        "name": record.name,
        "snapshot_id": _id(record),
        "source_volumes": list(record.source_volume_ids),
        "parameters": record.parameters,
    }
    return {key: value for key, value in told.items() if value}


def _differences(asked: AskedSnapshot, seen: SnapshotSituation) -> list[str]:
    wanted, record, wrong = asked.wanted, seen.record, []
    has = seen.source_volume_ids or (record.source_volume_ids if record else ())
    if wanted.source_volume_ids and has and sorted(wanted.source_volume_ids) != sorted(has):
        wrong.append(f"it is of {', '.join(has)}, asked is {', '.join(wanted.source_volume_ids)}")
    if record is not None and asked.parameters is not None and record.made and record.parameters != asked.parameters:
        wrong.append(f"its parameters are {record.parameters}, asked are {dict(asked.parameters)}")
    return wrong


def _id(record: SnapshotRecord) -> str:
    return record.group.group_snapshot_id if record.grouped else record.snapshot.snapshot_id


def _certain(seen: SnapshotSituation) -> bool:
    return seen.others is not None and not seen.others


def _unsure(asked: AskedSnapshot, seen: SnapshotSituation, then: str) -> tuple[str, ...]:
    if _certain(seen) or not asked.wanted.name:
        return ()
    if seen.others is None:
        known = "the driver cannot list such"
    else:
        known = f"the driver has {len(seen.others)} of which none tells"
    sentence = (
        f"{asked.title}: no record on this node tells of it, and {known}. So one of that name may be there already, "
        f"{then}; give its snapshot_id if it is known."
    )
    return (sentence,)
