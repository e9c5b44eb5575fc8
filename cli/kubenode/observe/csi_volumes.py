"""What is known of one volume or attachment, and whence: the driver's word first, then this node's records.

CSI finds nothing by its name: CreateVolume alone tells a name's id. So an id comes from its user, from a record, or is
the name itself, as many drivers have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kubenode.clients.csi import filled
from kubenode.clients.csi_session import CsiSession
from kubenode.clients.errors import NotFound, Unimplemented
from kubenode.clients.mounts import all_mounts
from kubenode.clients.stubs import csi_pb2 as pb
from kubenode.model.csi import Attachment, Capabilities, ListedVolume, Volume, VolumeCapability
from kubenode.model.csi_records import AttachmentRecord, MountRecord, VolumeRecord, attachment_key
from kubenode.model.csi_situation import (
    BY_NAME,
    BY_NOTHING,
    BY_OPTION,
    BY_RECORD,
    NOTHING,
    RECORD,
    AttachmentSituation,
    VolumeSituation,
)
from kubenode.observe import csi as seen

Secrets = Mapping[str, str]
GET, LIST = "GET_VOLUME", "LIST_VOLUMES"
NODES = "LIST_VOLUMES_PUBLISHED_NODES"
VALIDATE = "ValidateVolumeCapabilities"
CALLS = {GET: "ControllerGetVolume", LIST: "ListVolumes"}


def recorded_volume(session: CsiSession, name: str, volume_id: str) -> VolumeRecord | None:
    """The record of that name, or else of that id."""
    if name and (found := session.records.get(VolumeRecord, name)) is not None:
        return found if volume_id in ("", found.volume.volume_id) else None
    if not volume_id:
        return None
    all_of_them = session.records.all(VolumeRecord)
    return next((one for one in all_of_them if one.volume.volume_id == volume_id), None)


async def look_at_volume(
    session: CsiSession,
    can: Capabilities,
    name: str,
    volume_id: str,
    capabilities: Sequence[VolumeCapability] = (),
    secrets: Secrets | None = None,
) -> VolumeSituation:
    """capabilities: the uses that are asked for; those that it was not made for are validated."""
    record = recorded_volume(session, name, volume_id)
    known_id = volume_id or (record.volume.volume_id if record else "")
    if not known_id:
        return await _unidentified(session, can, name, record)
    there, verified_by = await _there(session, can, known_id, record, secrets)
    made_for = record.wanted.capabilities if record else ()
    new = [one for one in capabilities if one not in made_for]
    unsupported = ""
    if there is not None and new and verified_by != RECORD:
        unsupported = await _unsupported(session, there, new, secrets) or ""
    return VolumeSituation(
        record,
        there,
        identified_by=BY_OPTION if volume_id else BY_RECORD,
        verified_by=verified_by,
        unsupported=unsupported,
        mounted_at=mounted_at(session, known_id),
    )


async def _unidentified(
    session: CsiSession, can: Capabilities, name: str, record: VolumeRecord | None
) -> VolumeSituation:
    """Many drivers have the name as the id."""
    found, call = await find_volume(session, can, name)
    if found is not None:
        return VolumeSituation(record, found, BY_NAME, call, mounted_at=mounted_at(session, name))
    if LIST not in can.controller:
        return VolumeSituation(record, others=None)
    recorded = {one.volume.volume_id for one in session.records.all(VolumeRecord)}
    listed = [one.volume.volume_id for one in await list_volumes(session, can)]
    others = tuple(one for one in listed if one not in recorded)
    return VolumeSituation(record, None, BY_NOTHING, CALLS[LIST], others=others)


async def find_volume(session: CsiSession, can: Capabilities, volume_id: str) -> tuple[ListedVolume | None, str]:
    """The volume with that id and the call that tells of it, the cheapest that the driver has; none: no call.

    Some drivers get any id, and say of what is not there that its condition is abnormal: a list decides then.
    """
    if GET in can.controller:
        found = await session.ask(lambda: seen.volume(session.csi, volume_id, can))
        condition = found.status.volume_condition if found else None
        if LIST not in can.controller or condition is None or not condition.abnormal:
            return _trusted(found, can), CALLS[GET]
    if LIST in can.controller:
        listed = await list_volumes(session, can)
        return next((one for one in listed if one.volume.volume_id == volume_id), None), CALLS[LIST]
    return None, ""


async def list_volumes(session: CsiSession, can: Capabilities, max_entries: int = seen.PAGE) -> list[ListedVolume]:
    """All, so many at a time (0: as many as it gives). The driver may change them meanwhile: then it is begun again."""

    async def once() -> list[ListedVolume]:
        return [one async for one in seen.volumes(session.csi, max_entries)]

    return [one for one in (_trusted(one, can) for one in await session.ask(once)) if one is not None]


def _trusted(found: ListedVolume | None, can: Capabilities) -> ListedVolume | None:
    """Without the nodes that have it where the driver has not got the capability to tell: some tell any."""
    if found is None or NODES in can.controller:
        return found
    return msgspec.structs.replace(found, status=msgspec.structs.replace(found.status, published_node_ids=()))


async def _there(
    session: CsiSession, can: Capabilities, volume_id: str, record: VolumeRecord | None, secrets: Secrets | None
) -> tuple[ListedVolume | None, str]:
    """The volume and who says so."""
    found, call = await find_volume(session, can, volume_id)
    if call:
        return _completed(found, record), call
    remembered = ListedVolume(volume=record.volume) if record else None
    asked = remembered or ListedVolume(volume=Volume(volume_id=volume_id))
    uses = record.wanted.capabilities if record else (VolumeCapability(),)
    try:
        await _unsupported(session, asked, uses, secrets)
    except NotFound:
        return None, VALIDATE
    except Unimplemented:
        return remembered, RECORD if remembered else NOTHING
    return asked, VALIDATE


def _completed(found: ListedVolume | None, record: VolumeRecord | None) -> ListedVolume | None:
    """What lists often leave out, and CreateVolume told: the context, the size, the source."""
    if found is None or record is None:
        return found
    told, known = found.volume, record.volume
    volume = msgspec.structs.replace(
        told,
        capacity_bytes=told.capacity_bytes or known.capacity_bytes,
        volume_context=told.volume_context or known.volume_context,
        content_source=told.content_source or known.content_source,
        accessible_topology=told.accessible_topology or known.accessible_topology,
    )
    return msgspec.structs.replace(found, volume=volume)


async def _unsupported(
    session: CsiSession, there: ListedVolume, capabilities: Sequence[VolumeCapability], secrets: Secrets | None
) -> str | None:
    """Why the driver does not have the volume for these uses; None where it does."""
    request = pb.ValidateVolumeCapabilitiesRequest(
        volume_id=there.volume.volume_id,
        volume_context=there.volume.volume_context,
        volume_capabilities=[filled(pb.VolumeCapability, one.wire()) for one in capabilities],
        secrets=secrets,
    )
    answer = await session.ask(lambda: session.csi.validate_volume_capabilities(request))
    if answer.HasField("confirmed"):
        return None
    reason = f": {answer.message}" if answer.message else ""
    return f"the driver does not have it for this access{reason}"


def mounted_at(session: CsiSession, volume_id: str) -> tuple[str, ...]:
    """Where this node has it mounted, as far as records tell."""
    paths = {one.path for one in all_mounts()}
    found = (one.mount for one in session.records.all(MountRecord) if one.mount.volume_id == volume_id)
    return tuple(one.target_path for one in found if one.target_path in paths)


async def look_at_attachment(session: CsiSession, can: Capabilities, wanted: Attachment) -> AttachmentSituation:
    """An empty node id is all nodes."""
    record = session.records.get(AttachmentRecord, attachment_key(wanted.volume_id, wanted.node_id))
    mounted = mounted_at(session, wanted.volume_id)
    found, call = await find_volume(session, can, wanted.volume_id)
    if call and found is None:
        return AttachmentSituation(record, False, (), missing=True, verified_by=call, mounted_at=mounted)
    if found is not None and NODES in can.controller:
        nodes = found.status.published_node_ids
        attached = wanted.node_id in nodes if wanted.node_id else bool(nodes)
        return AttachmentSituation(record, attached, nodes, verified_by=call, mounted_at=mounted)
    return AttachmentSituation(
        record, record.attached if record else None, verified_by=RECORD if record else NOTHING, mounted_at=mounted
    )
