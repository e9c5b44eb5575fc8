"""What is known of one snapshot or group snapshot, and whence: the driver's word first, then this node's records."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kubenode.clients.csi import plain
from kubenode.clients.csi_session import CsiSession
from kubenode.clients.errors import NotFound
from kubenode.clients.stubs import csi_pb2 as pb
from kubenode.model.csi import Capabilities, GroupSnapshot, Snapshot, read
from kubenode.model.csi_records import SnapshotRecord, snapshot_key
from kubenode.model.csi_situation import BY_NOTHING, BY_OPTION, BY_RECORD, NOTHING, RECORD, SnapshotSituation
from kubenode.observe import csi as seen

Secrets = Mapping[str, str]
GET, LIST = "GET_SNAPSHOT", "LIST_SNAPSHOTS"


def recorded_snapshot(session: CsiSession, name: str, snapshot_id: str, *, grouped: bool) -> SnapshotRecord | None:
    if name and (found := session.records.get(SnapshotRecord, snapshot_key(name, grouped=grouped))) is not None:
        known = found.group.group_snapshot_id if grouped else found.snapshot.snapshot_id
        return found if snapshot_id in ("", known) else None
    if not snapshot_id:
        return None
    for one in session.records.all(SnapshotRecord):
        if snapshot_id in (one.snapshot.snapshot_id, one.group.group_snapshot_id):
            return one
    return None


async def look_at_snapshot(
    session: CsiSession, can: Capabilities, wanted: SnapshotRecord, snapshot_id: str, secrets: Secrets
) -> SnapshotSituation:
    """A snapshot of one volume."""
    record = recorded_snapshot(session, wanted.name, snapshot_id, grouped=False)
    known_id = snapshot_id or (record.snapshot.snapshot_id if record else "")
    if not known_id:
        return await _unidentified(session, can, wanted, record, secrets)
    by = BY_OPTION if snapshot_id else BY_RECORD
    if GET in can.controller:
        request = pb.GetSnapshotRequest(snapshot_id=known_id, secrets=secrets)
        try:
            answer = await session.ask(lambda: session.csi.get_snapshot(request))
        except NotFound:
            return SnapshotSituation(record, None, None, by, "GetSnapshot")
        return SnapshotSituation(record, read(plain(answer.snapshot), Snapshot), None, by, "GetSnapshot")
    if LIST in can.controller:
        found = await list_snapshots(session, snapshot_id=known_id, secrets=secrets)
        # Drivers are known to answer a filter that matches nothing with all that they have.
        matching = [one for one in found if one.snapshot_id == known_id]
        return SnapshotSituation(record, matching[0] if matching else None, None, by, "ListSnapshots")
    told = record.snapshot if record else Snapshot(snapshot_id=known_id)
    return SnapshotSituation(record, told, None, by, RECORD if record else NOTHING)


async def _unidentified(
    session: CsiSession, can: Capabilities, wanted: SnapshotRecord, record: SnapshotRecord | None, secrets: Secrets
) -> SnapshotSituation:
    if LIST not in can.controller:
        return SnapshotSituation(record, others=None)
    source = wanted.source_volume_ids[0] if wanted.source_volume_ids else ""
    found = await list_snapshots(session, source_volume_id=source, secrets=secrets)
    recorded = set[str]()
    for one in session.records.all(SnapshotRecord):
        recorded.add(one.snapshot.snapshot_id)
        recorded.update(member.snapshot_id for member in one.group.snapshots)
    others = tuple(one.snapshot_id for one in found if one.snapshot_id not in recorded)
    return SnapshotSituation(record, None, None, BY_NOTHING, "ListSnapshots", others)


async def list_snapshots(
    session: CsiSession,
    *,
    source_volume_id: str = "",
    snapshot_id: str = "",
    secrets: Secrets | None = None,
    max_entries: int = seen.PAGE,
) -> list[Snapshot]:
    """All, so many at a time; begun again where the driver changes them meanwhile."""

    async def once() -> list[Snapshot]:
        found = seen.snapshots(
            session.csi,
            source_volume_id=source_volume_id,
            snapshot_id=snapshot_id,
            page=max_entries,
            secrets=secrets,
        )
        return [one async for one in found]

    try:
        return await session.ask(once)
    except NotFound:
        return []


async def look_at_group(
    session: CsiSession, wanted: SnapshotRecord, group_id: str, secrets: Secrets
) -> SnapshotSituation:
    """Snapshots of several volumes as of one moment. They cannot be listed."""
    record = recorded_snapshot(session, wanted.name, group_id, grouped=True)
    known = record.group if record else GroupSnapshot(group_snapshot_id=group_id)
    if not known.group_snapshot_id:
        return SnapshotSituation(record, others=None)
    request = pb.GetVolumeGroupSnapshotRequest(
        group_snapshot_id=known.group_snapshot_id,
        snapshot_ids=[one.snapshot_id for one in known.snapshots],
        secrets=secrets,
    )
    by, call = BY_OPTION if group_id else BY_RECORD, "GetVolumeGroupSnapshot"
    try:
        answer = await session.ask(lambda: session.csi.get_volume_group_snapshot(request))
    except NotFound:
        return SnapshotSituation(record, None, None, by, call)
    group = read(plain(answer.group_snapshot), GroupSnapshot)
    if not group.group_snapshot_id:
        group = msgspec.structs.replace(group, group_snapshot_id=known.group_snapshot_id)
    return SnapshotSituation(record, None, group, by, call)
