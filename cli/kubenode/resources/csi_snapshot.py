"""A snapshot of a volume, or snapshots of several as of one moment: made and ready, or deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from kubenode.apply.csi_snapshot_plans import await_ready, carry_out_snapshot
from kubenode.clients.csi_records import Records
from kubenode.clients.csi_session import CsiSession
from kubenode.clients.errors import DeadlineExceeded
from kubenode.model.csi import GroupSnapshot, Snapshot
from kubenode.model.csi_actions import CreateSnapshot, CsiPlan, DeleteSnapshot
from kubenode.model.csi_records import SnapshotRecord
from kubenode.model.csi_situation import BY_CREATION, SnapshotSituation
from kubenode.observe.csi_snapshots import look_at_group, look_at_snapshot
from kubenode.plan.csi_snapshots import AskedSnapshot, plan_snapshot_absent, plan_snapshot_present
from kubenode.resources.csi_options import CsiOptions, Driver, agreed, open_driver, volume_id_of
from kubenode.resources.csi_values import snapshot_values
from kubenode.resources.options import OptionError
from kubenode.resources.result import ResourceError, Result


class Options(CsiOptions, frozen=True, kw_only=True):
    name: str = ""
    snapshot_id: str = ""
    state: str = "present"
    source_volume: str = ""
    source_volumes: tuple[str, ...] = ()
    parameters: dict[str, str] | None = None
    secrets: Mapping[str, str] = msgspec.field(default_factory=dict)
    group: bool = False
    wait: bool = True
    wait_timeout: int = 300


async def run(options: Options, *, check: bool) -> Result:
    _check(options)
    async with open_driver(options) as driver:
        session = driver.session
        asked = _asked(options, session.records)
        seen = await _look(driver, asked, options)
        if options.state == "absent":
            plan = agreed(plan_snapshot_absent(asked, seen))
        else:
            plan = agreed(plan_snapshot_present(asked, seen, driver.can))
        if check:
            return _told(plan, seen)
        record, plan = await _carried_out(session, asked, plan, seen, options.secrets)
        created = any(isinstance(one, CreateSnapshot) for one in plan.actions) or not seen.there
        if record is None:
            return _told(plan, replace(seen, record=None, snapshot=None, group=None))
        if options.wait and not record.grouped:
            record = await _ready(session, record, seen, plan, options)
        by = ("creation", "CreateSnapshot") if created else (seen.identified_by, seen.verified_by)
        return _told(plan, _after(record, seen, *by))


def _check(options: Options) -> None:
    if not options.name and not options.snapshot_id:
        raise OptionError("name: say which snapshot, by its name or by its snapshot_id.")
    if options.source_volume and options.source_volumes:
        raise OptionError("source_volumes: either source_volume, or source_volumes for a group snapshot.")
    if options.group and options.source_volume:
        raise OptionError("group: a group snapshot has source_volumes.")


def _asked(options: Options, records: Records) -> AskedSnapshot:
    grouped = options.group or bool(options.source_volumes)
    sources = options.source_volumes or ((options.source_volume,) if options.source_volume else ())
    wanted = SnapshotRecord(
        name=options.name,
        source_volume_ids=tuple(volume_id_of(records, one) for one in sources),
        grouped=grouped,
        parameters=options.parameters or {},
    )
    return AskedSnapshot(wanted, options.snapshot_id, options.parameters)


async def _look(driver: Driver, asked: AskedSnapshot, options: Options) -> SnapshotSituation:
    if asked.wanted.grouped:
        return await look_at_group(driver.session, asked.wanted, asked.snapshot_id, options.secrets)
    return await look_at_snapshot(driver.session, driver.can, asked.wanted, asked.snapshot_id, options.secrets)


async def _carried_out(
    session: CsiSession, asked: AskedSnapshot, plan: CsiPlan, seen: SnapshotSituation, secrets: Mapping[str, str]
) -> tuple[SnapshotRecord | None, CsiPlan]:
    """The record afterwards, and the plan as it turned out."""
    for action in plan.actions:
        assert isinstance(action, CreateSnapshot | DeleteSnapshot)
        record = await carry_out_snapshot(session, action, secrets)
        if record is not None and seen.others is not None:
            found = record.snapshot.snapshot_id in seen.others
            plan = CsiPlan() if found else replace(plan, warnings=(), certain=True)
        return record, plan
    if not seen.there:
        if seen.record is not None:
            session.records.drop(SnapshotRecord, seen.record.key)
        return None, plan
    known = seen.record or asked.wanted
    record = msgspec.structs.replace(
        known,
        source_volume_ids=known.source_volume_ids or seen.source_volume_ids,
        snapshot=seen.snapshot or Snapshot(),
        group=seen.group or GroupSnapshot(),
    )
    if record.name and record != seen.record:
        session.records.put(record)
    return record, plan


async def _ready(
    session: CsiSession, record: SnapshotRecord, seen: SnapshotSituation, plan: CsiPlan, options: Options
) -> SnapshotRecord:
    """CreateSnapshot is the way to ask for it; one that was made elsewhere has no name to ask with."""
    if record.snapshot.ready_to_use or not record.made or not record.name:
        return record
    try:
        return await await_ready(session, record, options.secrets, within=options.wait_timeout)
    except DeadlineExceeded as error:
        told = _told(plan, _after(record, seen, seen.identified_by, seen.verified_by)).returned()
        raise ResourceError(str(error), **told) from None


def _after(record: SnapshotRecord, seen: SnapshotSituation, by: str, call: str) -> SnapshotSituation:
    return SnapshotSituation(
        record,
        None if record.grouped else record.snapshot,
        record.group if record.grouped else None,
        BY_CREATION if by == "creation" else by,
        call,
        seen.others,
    )


def _told(plan: CsiPlan, seen: SnapshotSituation) -> Result:
    values: dict[str, object] = {
        "identified_by": seen.identified_by,
        "verified_by": seen.verified_by,
        "certain": plan.certain,
    }
    if seen.snapshot is not None:
        values["snapshot"] = snapshot_values(seen.snapshot, seen.record)
    if seen.group is not None:
        values["group_snapshot"] = {
            "name": seen.record.name if seen.record else "",
            "group_snapshot_id": seen.group.group_snapshot_id,
            "ready_to_use": seen.group.ready_to_use,
            "snapshots": [snapshot_values(one, None) for one in seen.group.snapshots],
        }
    return Result(values=values, steps=plan.actions, before=plan.before, after=plan.after, warnings=plan.warnings)
