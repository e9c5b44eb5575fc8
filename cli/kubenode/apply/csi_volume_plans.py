"""Carries out what was planned for volumes and attachments, and keeps the records of it.

The record is written before the call, without an id, and once more after it: whoever is killed in between goes on.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kubenode.apply import csi_volumes
from kubenode.clients.csi_errors import is_final
from kubenode.clients.csi_session import CsiSession
from kubenode.clients.errors import ClientError
from kubenode.model.csi import Attachment, WantedVolume
from kubenode.model.csi_actions import (
    AttachVolume,
    CreateVolume,
    DeleteVolume,
    DetachVolume,
    ExpandVolume,
    ModifyVolume,
)
from kubenode.model.csi_records import AttachmentRecord, VolumeRecord, attachment_key

Secrets = Mapping[str, str]
VolumeAction = CreateVolume | ExpandVolume | ModifyVolume | DeleteVolume


async def carry_out(
    session: CsiSession, action: VolumeAction, record: VolumeRecord, secrets: Secrets | None
) -> VolumeRecord | None:
    """The record as it is afterwards, which is kept; None: the volume is gone."""
    match action:
        case CreateVolume(wanted):
            return await create(session, wanted, secrets)
        case ExpandVolume():
            record = await _expand(session, action, record, secrets)
        case ModifyVolume(volume_id, _, parameters):
            await session.ask(lambda: csi_volumes.modify_volume(session.csi, volume_id, parameters, secrets))
            wanted = msgspec.structs.replace(record.wanted, mutable_parameters=parameters)
            record = msgspec.structs.replace(record, wanted=wanted)
        case DeleteVolume():
            await _delete(session, action, record, secrets)
            return None
    session.records.put(record)
    return record


async def create(session: CsiSession, wanted: WantedVolume, secrets: Secrets | None) -> VolumeRecord:
    """Made, or found where it is there as wanted. Raises ClientError; the record stays as long as it may still come."""
    session.records.put(VolumeRecord(wanted))
    try:
        made = await session.ask(lambda: csi_volumes.create_volume(session.csi, wanted, secrets))
    except ClientError as error:
        if is_final(error):
            session.records.drop(VolumeRecord, wanted.name)
        raise
    record = VolumeRecord(wanted, made, made=True)
    session.records.put(record)
    return record


async def _expand(
    session: CsiSession, action: ExpandVolume, record: VolumeRecord, secrets: Secrets | None
) -> VolumeRecord:
    size, by_node = await session.ask(
        lambda: csi_volumes.expand_volume(
            session.csi,
            action.volume_id,
            action.required_bytes,
            limit_bytes=action.limit_bytes,
            capability=action.capability,
            secrets=secrets,
        )
    )
    limits = {"required_bytes": action.required_bytes, "limit_bytes": action.limit_bytes}
    return msgspec.structs.replace(
        record,
        wanted=msgspec.structs.replace(record.wanted, **limits),
        volume=msgspec.structs.replace(record.volume, capacity_bytes=size or action.required_bytes),
        node_expansion_required=by_node or record.node_expansion_required,
    )


async def _delete(session: CsiSession, action: DeleteVolume, record: VolumeRecord, secrets: Secrets | None) -> None:
    volume_id = action.volume_id
    if action.begun is not None:
        volume_id = await _begun(session, action.begun, secrets)
    if volume_id:
        await session.ask(lambda: csi_volumes.delete_volume(session.csi, volume_id, secrets))
    for attachment in session.records.all(AttachmentRecord):
        if attachment.wanted.volume_id == volume_id:
            session.records.drop(AttachmentRecord, attachment.key)
    if record.key:
        session.records.drop(VolumeRecord, record.key)


async def _begun(session: CsiSession, wanted: WantedVolume, secrets: Secrets | None) -> str:
    """The id of a volume whose creation was begun, by asking for it once more; none where it cannot be made."""
    try:
        return (await create(session, wanted, secrets)).volume.volume_id
    except ClientError as error:
        if is_final(error):
            return ""
        raise


async def attach(session: CsiSession, wanted: Attachment, secrets: Secrets | None) -> AttachmentRecord:
    """Its context is in the record. Also when it is attached already."""
    session.records.put(AttachmentRecord(wanted))
    try:
        context = await session.ask(lambda: csi_volumes.attach(session.csi, wanted, secrets))
    except ClientError as error:
        if is_final(error):
            session.records.drop(AttachmentRecord, attachment_key(wanted.volume_id, wanted.node_id))
        raise
    record = AttachmentRecord(wanted, attached=True, publish_context=context)
    session.records.put(record)
    return record


async def carry_out_attachment(
    session: CsiSession, action: AttachVolume | DetachVolume, secrets: Secrets | None
) -> AttachmentRecord | None:
    """The record of what is attached afterwards."""
    if isinstance(action, AttachVolume):
        return await attach(session, action.wanted, secrets)
    volume_id, node_id = action.volume_id, action.node_id
    await session.ask(lambda: csi_volumes.detach(session.csi, volume_id, node_id, secrets))
    for record in session.records.all(AttachmentRecord):
        if record.wanted.volume_id == volume_id and node_id in ("", record.wanted.node_id):
            session.records.put(msgspec.structs.replace(record, attached=False, publish_context={}))
    session.records.put(AttachmentRecord(Attachment(volume_id=volume_id, node_id=node_id), attached=False))
    return None
