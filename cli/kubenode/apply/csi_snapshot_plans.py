"""Carries out what was planned for snapshots, and keeps the records of it: before the call, and after it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kubenode.apply import csi_volumes
from kubenode.clients.csi_errors import is_final, retrying
from kubenode.clients.csi_session import CsiSession
from kubenode.clients.errors import ClientError
from kubenode.model.csi_actions import CreateSnapshot, DeleteSnapshot
from kubenode.model.csi_records import SnapshotRecord

Secrets = Mapping[str, str]


async def carry_out_snapshot(
    session: CsiSession, action: CreateSnapshot | DeleteSnapshot, secrets: Secrets
) -> SnapshotRecord | None:
    """The record afterwards; None: the snapshot is gone. One that is made may not be ready yet."""
    if isinstance(action, CreateSnapshot):
        return await create_snapshot(session, action.wanted, secrets)
    known = action.known
    if action.begun:
        try:
            known = await create_snapshot(session, known, secrets)
        except ClientError as error:
            if not is_final(error):
                raise
            return None
    snapshot_id, group = known.snapshot.snapshot_id, known.group
    if known.grouped:
        await session.ask(lambda: csi_volumes.delete_group_snapshot(session.csi, group, secrets))
    else:
        await session.ask(lambda: csi_volumes.delete_snapshot(session.csi, snapshot_id, secrets))
    if known.name:
        session.records.drop(SnapshotRecord, known.key)
    return None


async def create_snapshot(session: CsiSession, wanted: SnapshotRecord, secrets: Secrets) -> SnapshotRecord:
    """Made, or found where it is there as wanted."""
    session.records.put(wanted)
    try:
        made = await session.ask(lambda: _create(session, wanted, secrets))
    except ClientError as error:
        if is_final(error):
            session.records.drop(SnapshotRecord, wanted.key)
        raise
    session.records.put(made)
    return made


async def _create(session: CsiSession, wanted: SnapshotRecord, secrets: Secrets) -> SnapshotRecord:
    csi, name, sources, parameters = session.csi, wanted.name, wanted.source_volume_ids, wanted.parameters
    if wanted.grouped:
        group = await csi_volumes.create_group_snapshot(csi, name, sources, parameters=parameters, secrets=secrets)
        return msgspec.structs.replace(wanted, made=True, group=group)
    snapshot = await csi_volumes.create_snapshot(csi, name, sources[0], parameters=parameters, secrets=secrets)
    return msgspec.structs.replace(wanted, made=True, snapshot=snapshot)


async def await_ready(
    session: CsiSession, record: SnapshotRecord, secrets: Secrets, *, within: float
) -> SnapshotRecord:
    """The snapshot, ready. Raises DeadlineExceeded: it may become ready later."""

    async def once() -> SnapshotRecord:
        snapshot = await csi_volumes.ready_snapshot(
            session.csi,
            record.name,
            record.source_volume_ids[0],
            within=within,
            parameters=record.parameters,
            secrets=secrets,
        )
        return msgspec.structs.replace(record, snapshot=snapshot)

    ready = await retrying(once, within=within)
    session.records.put(ready)
    return ready
