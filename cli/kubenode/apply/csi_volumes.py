"""Volumes and snapshots of a storage driver: made, grown, attached and removed. Each can be done again at any time.

Errors are ClientError; `clients.csi_errors.retrying` repeats what is not final. Secrets go into the request and
nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence

from kubenode.clients.csi import CsiClient, filled, plain
from kubenode.clients.errors import DeadlineExceeded, NotFound, RuntimeFailure
from kubenode.clients.stubs import csi_pb2 as pb
from kubenode.model.csi import Attachment, GroupSnapshot, Snapshot, Volume, VolumeCapability, WantedVolume, read

Secrets = Mapping[str, str]
# Seconds between two questions whether a snapshot is ready.
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0


async def create_volume(csi: CsiClient, wanted: WantedVolume, secrets: Secrets | None = None) -> Volume:
    """The volume of that name. One that is there and other than wanted, also smaller, raises AlreadyExists.

    A driver that does not know sources would give an empty volume: that raises RuntimeFailure, and the volume stays.
    """
    request = filled(pb.CreateVolumeRequest, wanted.wire())
    request.secrets.update(secrets or {})
    volume = read(plain((await csi.create_volume(request)).volume), Volume)
    if not volume.volume_id:
        raise _no_id(csi, "CreateVolume", f"volume {wanted.name}")
    if wanted.source is not None and volume.content_source != wanted.source:
        raise RuntimeFailure(
            endpoint=csi.endpoint,
            operation="CreateVolume",
            subject=f"volume {wanted.name}",
            detail="the driver made it without the content that was asked for",
            remedy=f"Remove the volume {volume.volume_id}; see whether the driver can make clones or use snapshots.",
        )
    return volume


async def delete_volume(csi: CsiClient, volume_id: str, secrets: Secrets | None = None) -> None:
    """Also when it is gone. Raises FailedPrecondition while it is in use."""
    request = pb.DeleteVolumeRequest(volume_id=volume_id, secrets=secrets)
    await _gone(csi.delete_volume(request))


async def expand_volume(
    csi: CsiClient,
    volume_id: str,
    required_bytes: int,
    *,
    limit_bytes: int = 0,
    capability: VolumeCapability | None = None,
    secrets: Secrets | None = None,
) -> tuple[int, bool]:
    """Its size (bytes) afterwards, and whether a node must still grow the file system. Nothing becomes smaller."""
    request = pb.ControllerExpandVolumeRequest(
        volume_id=volume_id,
        capacity_range=pb.CapacityRange(required_bytes=required_bytes, limit_bytes=limit_bytes),
        secrets=secrets,
    )
    if capability is not None:
        request.volume_capability.CopyFrom(filled(pb.VolumeCapability, capability.wire()))
    answer = await csi.controller_expand_volume(request)
    return answer.capacity_bytes, answer.node_expansion_required


async def modify_volume(
    csi: CsiClient, volume_id: str, mutable_parameters: Mapping[str, str], secrets: Secrets | None = None
) -> None:
    """Give it other mutable parameters."""
    await csi.controller_modify_volume(
        pb.ControllerModifyVolumeRequest(volume_id=volume_id, mutable_parameters=mutable_parameters, secrets=secrets)
    )


async def create_snapshot(
    csi: CsiClient,
    name: str,
    source_volume_id: str,
    *,
    parameters: Mapping[str, str] | None = None,
    secrets: Secrets | None = None,
) -> Snapshot:
    """The snapshot of that name, perhaps not yet ready: asking again tells. AlreadyExists: it is of another volume."""
    answer = await csi.create_snapshot(
        pb.CreateSnapshotRequest(name=name, source_volume_id=source_volume_id, parameters=parameters, secrets=secrets)
    )
    snapshot = read(plain(answer.snapshot), Snapshot)
    if not snapshot.snapshot_id:
        raise _no_id(csi, "CreateSnapshot", f"snapshot {name}")
    return snapshot


async def ready_snapshot(
    csi: CsiClient,
    name: str,
    source_volume_id: str,
    *,
    within: float,
    parameters: Mapping[str, str] | None = None,
    secrets: Secrets | None = None,
) -> Snapshot:
    """The snapshot of that name, asked for again and again until it is ready, for `within` seconds in all.

    The driver cuts the snapshot at the first call; what follows may be an upload. Raises DeadlineExceeded: it is there
    and may be ready later.
    """
    loop = asyncio.get_running_loop()
    end, pause = loop.time() + within, FIRST_PAUSE
    while True:
        snapshot = await create_snapshot(csi, name, source_volume_id, parameters=parameters, secrets=secrets)
        if snapshot.ready_to_use:
            return snapshot
        if loop.time() + pause >= end:
            raise DeadlineExceeded(
                endpoint=csi.endpoint,
                operation="CreateSnapshot",
                subject=f"snapshot {name}",
                detail=f"it is not ready within {within:g} s",
                remedy="It goes on: ask again later.",
            )
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


async def delete_snapshot(csi: CsiClient, snapshot_id: str, secrets: Secrets | None = None) -> None:
    """Also when it is gone. Raises FailedPrecondition while it is in use."""
    await _gone(csi.delete_snapshot(pb.DeleteSnapshotRequest(snapshot_id=snapshot_id, secrets=secrets)))


async def create_group_snapshot(
    csi: CsiClient,
    name: str,
    source_volume_ids: Sequence[str],
    *,
    parameters: Mapping[str, str] | None = None,
    secrets: Secrets | None = None,
) -> GroupSnapshot:
    """Snapshots of all these volumes as of one moment. AlreadyExists: that name is of other volumes."""
    answer = await csi.create_volume_group_snapshot(
        pb.CreateVolumeGroupSnapshotRequest(
            name=name, source_volume_ids=source_volume_ids, parameters=parameters, secrets=secrets
        )
    )
    return read(plain(answer.group_snapshot), GroupSnapshot)


async def delete_group_snapshot(csi: CsiClient, group: GroupSnapshot, secrets: Secrets | None = None) -> None:
    """With all its snapshots, also when it is gone."""
    request = pb.DeleteVolumeGroupSnapshotRequest(
        group_snapshot_id=group.group_snapshot_id,
        snapshot_ids=[one.snapshot_id for one in group.snapshots],
        secrets=secrets,
    )
    await _gone(csi.delete_volume_group_snapshot(request))


async def attach(csi: CsiClient, wanted: Attachment, secrets: Secrets | None = None) -> dict[str, str]:
    """The publish context, which staging and mounting need. FailedPrecondition: it is attached to another node."""
    answer = await csi.controller_publish_volume(
        pb.ControllerPublishVolumeRequest(
            volume_id=wanted.volume_id,
            node_id=wanted.node_id,
            volume_capability=filled(pb.VolumeCapability, wanted.capability.wire()),
            readonly=wanted.read_only,
            volume_context=wanted.volume_context,
            secrets=secrets,
        ),
        subject=f"volume {wanted.volume_id} to node {wanted.node_id}",
    )
    return dict(answer.publish_context)


async def detach(csi: CsiClient, volume_id: str, node_id: str, secrets: Secrets | None = None) -> None:
    """Take it from the node, an empty id means all nodes. Also when it, or the node, is gone."""
    request = pb.ControllerUnpublishVolumeRequest(volume_id=volume_id, node_id=node_id, secrets=secrets)
    await _gone(csi.controller_unpublish_volume(request))


def _no_id(csi: CsiClient, operation: str, subject: str) -> RuntimeFailure:
    return RuntimeFailure(
        endpoint=csi.endpoint,
        operation=operation,
        subject=subject,
        detail="the driver says that it is made, and gives it no id",
        remedy="This is an error of the driver: see its own log.",
    )


async def _gone(call: Awaitable[object]) -> None:
    # Some drivers say of what is gone that they do not find it.
    try:
        await call
    except NotFound:
        return
