"""GroupController of the tests' CSI driver: several volumes' snapshots, made as of one moment."""

from __future__ import annotations

import contextlib

from grpc import StatusCode

from kubenode.clients.stubs import csi_pb2 as pb
from support import csi_rules as rules
from support.csi_settings import Settings
from support.csi_store import Group, Snapshot, Store, new_id, now
from support.fake_server import Refused


class GroupController:
    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store

    def group_controller_get_capabilities(
        self, request: pb.GroupControllerGetCapabilitiesRequest
    ) -> pb.GroupControllerGetCapabilitiesResponse:
        answer = pb.GroupControllerGetCapabilitiesResponse()
        answer.capabilities.add().rpc.type = (
            pb.GroupControllerServiceCapability.RPC.CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT
        )
        return answer

    def create_volume_group_snapshot(
        self, request: pb.CreateVolumeGroupSnapshotRequest
    ) -> pb.CreateVolumeGroupSnapshotResponse:
        wanted = sorted(request.source_volume_ids)
        with self.store.only(f"group {request.name}", *wanted):
            named = [one for one in self.store.state.groups.values() if one.name == request.name]
            there = named[0] if named else self._make(request.name, wanted)
            if sorted(one.volume for one in self._members(there)) != wanted:
                raise Refused(StatusCode.ALREADY_EXISTS, f"{request.name} exists and is another")
            return pb.CreateVolumeGroupSnapshotResponse(group_snapshot=self._message(there))

    def _make(self, name: str, volumes: list[str]) -> Group:
        sources = [self.store.volume(one) for one in volumes]
        group = Group(id=new_id("group"), name=name, made=now())
        for volume in sources:
            member = Snapshot(
                id=new_id("snap"),
                name=f"{group.id} {volume.id}",
                volume=volume.id,
                size=volume.size,
                made=group.made,
                answers_until_ready=0,
                group=group.id,
            )
            self.store.add_snapshot(member)
        with self.store.lock:
            self.store.state.groups[group.id] = group
            self.store.save()
        return group

    def _members(self, group: Group) -> list[Snapshot]:
        return [one for one in self.store.state.snapshots.values() if one.group == group.id]

    def _message(self, group: Group) -> pb.VolumeGroupSnapshot:
        made = pb.VolumeGroupSnapshot(
            group_snapshot_id=group.id,
            ready_to_use=True,
            snapshots=[rules.snapshot_message(one) for one in self._members(group)],
        )
        made.creation_time.FromNanoseconds(int(group.made * 1e9))
        return made

    def _checked(self, group: Group, snapshot_ids: list[str]) -> None:
        """Those that are named must be all of the group."""
        if snapshot_ids and sorted(snapshot_ids) != sorted(one.id for one in self._members(group)):
            raise Refused(StatusCode.INVALID_ARGUMENT, f"these are not the snapshots of {group.id}")

    def delete_volume_group_snapshot(
        self, request: pb.DeleteVolumeGroupSnapshotRequest
    ) -> pb.DeleteVolumeGroupSnapshotResponse:
        with self.store.only(request.group_snapshot_id), contextlib.suppress(KeyError):
            group = self.store.state.groups[request.group_snapshot_id]
            self._checked(group, list(request.snapshot_ids))
            for member in self._members(group):
                self.store.remove("snapshots", member.id)
            del self.store.state.groups[group.id]
            self.store.save()
        return pb.DeleteVolumeGroupSnapshotResponse()

    def get_volume_group_snapshot(self, request: pb.GetVolumeGroupSnapshotRequest) -> pb.GetVolumeGroupSnapshotResponse:
        group = self.store.state.groups.get(request.group_snapshot_id)
        if group is None:
            raise Refused(StatusCode.NOT_FOUND, f"there is no group snapshot {request.group_snapshot_id}")
        self._checked(group, list(request.snapshot_ids))
        return pb.GetVolumeGroupSnapshotResponse(group_snapshot=self._message(group))
