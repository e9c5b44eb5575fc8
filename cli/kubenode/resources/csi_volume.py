"""A volume of a storage driver: made, grown, given parameters, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from kubenode.apply.csi_volume_plans import VolumeAction, carry_out
from kubenode.clients.csi_records import Records
from kubenode.clients.csi_session import CsiSession
from kubenode.model.csi import (
    Capabilities,
    ContentSource,
    ListedVolume,
    SnapshotSource,
    Topology,
    VolumeCapability,
    VolumeSource,
    VolumeStatus,
    WantedVolume,
)
from kubenode.model.csi_actions import CreateVolume, CsiPlan
from kubenode.model.csi_records import SnapshotRecord, VolumeRecord
from kubenode.model.csi_rules import kubernetes_mode
from kubenode.model.csi_situation import BY_CREATION, VolumeSituation
from kubenode.observe.csi_volumes import look_at_volume, recorded_volume
from kubenode.plan.csi_volumes import Asked, plan_absent, plan_present
from kubenode.resources.csi_options import MULTI_WRITER, CsiOptions, agreed, bytes_of, open_driver, uses, volume_id_of
from kubenode.resources.csi_values import volume_values
from kubenode.resources.options import OptionError
from kubenode.resources.result import Result


class Options(CsiOptions, frozen=True, kw_only=True):
    name: str = ""
    volume_id: str = ""
    state: str = "present"
    size: str = ""
    limit_size: str = ""
    parameters: dict[str, str] | None = None
    mutable_parameters: dict[str, str] | None = None
    access_modes: tuple[str, ...] = ()
    volume_mode: str = ""
    fs_type: str | None = None
    mount_options: tuple[str, ...] | None = None
    source_snapshot: str = ""
    source_volume: str = ""
    topology_requisite: tuple[dict[str, str], ...] = ()
    topology_preferred: tuple[dict[str, str], ...] = ()
    secrets: Mapping[str, str] = msgspec.field(default_factory=dict)


async def run(options: Options, *, check: bool) -> Result:
    if not options.name and not options.volume_id:
        raise OptionError("name: say which volume, by its name or by its volume_id.")
    async with open_driver(options) as driver:
        session, can = driver.session, driver.can
        asked = _asked(options, session, can)
        present = options.state == "present"
        uses_asked = asked.wanted.capabilities if present else ()
        seen = await look_at_volume(session, can, options.name, options.volume_id, uses_asked, options.secrets)
        plan = agreed(plan_present(asked, seen, can) if present else plan_absent(asked, seen))
        if check:
            return _told(plan, seen, seen.record)
        return await _carried_out(session, asked, plan, seen, options.secrets)


def _asked(options: Options, session: CsiSession, can: Capabilities) -> Asked:
    if options.source_snapshot and options.source_volume:
        raise OptionError("source_volume: its content comes from a snapshot or from a volume, not from both.")
    made = recorded_volume(session, options.name, options.volume_id)
    known = made.wanted.capabilities if made else ()
    first = known[0] if known else VolumeCapability()
    block = options.volume_mode == "Block" if options.volume_mode else first.block
    capabilities = uses(
        options.access_modes or [kubernetes_mode(one.access_mode) for one in known or (first,)],
        block=block,
        fs_type=first.fs_type if options.fs_type is None and not block else options.fs_type or "",
        mount_options=first.mount_flags if options.mount_options is None and not block else options.mount_options or (),
        multi_writer=MULTI_WRITER in can.controller,
    )
    required, limit = bytes_of("size", options.size), bytes_of("limit_size", options.limit_size)
    if limit and required > limit:
        raise OptionError("limit_size: it is less than size.")
    wanted = WantedVolume(
        name=options.name,
        capabilities=capabilities,
        required_bytes=required,
        limit_bytes=limit,
        parameters=options.parameters or {},
        mutable_parameters=options.mutable_parameters or {},
        source=_source(options, session.records),
        requisite=tuple(map(Topology, options.topology_requisite)),
        preferred=tuple(map(Topology, options.topology_preferred)),
    )
    return Asked(wanted, options.volume_id, options.parameters, options.mutable_parameters)


def _source(options: Options, records: Records) -> ContentSource | None:
    """A name that a record here tells of, or else an id."""
    if options.source_snapshot:
        snapshot = records.get(SnapshotRecord, options.source_snapshot)
        snapshot_id = snapshot.snapshot.snapshot_id if snapshot else ""
        return ContentSource(snapshot=SnapshotSource(snapshot_id or options.source_snapshot))
    if options.source_volume:
        return ContentSource(volume=VolumeSource(volume_id_of(records, options.source_volume)))
    return None


async def _carried_out(
    session: CsiSession, asked: Asked, plan: CsiPlan, seen: VolumeSituation, secrets: Mapping[str, str]
) -> Result:
    record = seen.record or _taken_in(asked, seen)
    created = False
    for action in plan.actions:
        assert isinstance(action, VolumeAction)
        created = isinstance(action, CreateVolume)
        record = await carry_out(session, action, record or VolumeRecord(asked.wanted), secrets)
    if created and record is not None:
        plan = _found_instead(plan, seen, record)
        seen = replace(seen, identified_by=BY_CREATION, verified_by="CreateVolume")
    elif not plan.actions:
        record = _kept(session, record, seen)
    status = seen.there.status if seen.there else VolumeStatus()
    there = ListedVolume(record.volume, status) if record and record.volume.volume_id else None
    return _told(plan, replace(seen, there=there), record)


def _kept(session: CsiSession, record: VolumeRecord | None, seen: VolumeSituation) -> VolumeRecord | None:
    """Nothing was to be done: the record is made to tell what the driver tells."""
    if record is None or seen.there is None:
        if record is not None:
            session.records.drop(VolumeRecord, record.key)
        return None
    current = msgspec.structs.replace(record, volume=seen.there.volume)
    if current != seen.record:
        session.records.put(current)
    return current


def _taken_in(asked: Asked, seen: VolumeSituation) -> VolumeRecord | None:
    """The record of a volume that was made elsewhere: which parameters it has is not known."""
    if seen.there is None:
        return None
    wanted = msgspec.structs.replace(asked.wanted, parameters={}, mutable_parameters={}, source=None)
    return VolumeRecord(wanted, seen.there.volume)


def _found_instead(plan: CsiPlan, seen: VolumeSituation, record: VolumeRecord) -> CsiPlan:
    """CreateVolume answers with the volume of that name also when it was there before: then nothing was changed."""
    if seen.others is None:
        return plan
    if record.volume.volume_id in seen.others:
        return CsiPlan()
    return replace(plan, warnings=(), certain=True)


def _told(plan: CsiPlan, seen: VolumeSituation, record: VolumeRecord | None) -> Result:
    values: dict[str, object] = {
        "identified_by": seen.identified_by,
        "verified_by": seen.verified_by,
        "certain": plan.certain,
    }
    if seen.there is not None:
        values["volume"] = volume_values(seen.there, record)
    return Result(values=values, steps=plan.actions, before=plan.before, after=plan.after, warnings=plan.warnings)
