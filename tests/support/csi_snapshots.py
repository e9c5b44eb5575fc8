"""Snapshots of the tests' CSI driver, a part of its Controller."""

from __future__ import annotations

from grpc import StatusCode

from kubenode.clients.stubs import csi_pb2 as pb
from support import csi_rules as rules
from support.csi_settings import Settings
from support.csi_store import Snapshot, Store, new_id, now
from support.fake_server import Refused


class Snapshots:
    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store

    def create_snapshot(self, request: pb.CreateSnapshotRequest) -> pb.CreateSnapshotResponse:
        rules.check_parameters(dict(request.parameters), {})
        with self.store.only(f"name {request.name}", request.source_volume_id):
            there = self.store.snapshot_named(request.name)
            if there is None:
                there = self._make(request)
            elif there.volume != request.source_volume_id or there.parameters != dict(request.parameters):
                raise Refused(StatusCode.ALREADY_EXISTS, f"{request.name} exists and is another")
            return pb.CreateSnapshotResponse(snapshot=self._told(there))

    def _make(self, request: pb.CreateSnapshotRequest) -> Snapshot:
        volume = self.store.volume(request.source_volume_id)
        made = Snapshot(
            id=new_id("snap"),
            name=request.name,
            volume=volume.id,
            size=volume.size,
            made=now(),
            answers_until_ready=self.settings.snapshot_ready_after + 1,
            parameters=dict(request.parameters),
        )
        self.store.add_snapshot(made)
        return made

    def _told(self, snapshot: Snapshot) -> pb.Snapshot:
        """Each time that it is asked for, it is nearer to be ready."""
        with self.store.lock:
            if snapshot.answers_until_ready > 0:
                snapshot.answers_until_ready -= 1
                self.store.save()
            return rules.snapshot_message(snapshot)

    def delete_snapshot(self, request: pb.DeleteSnapshotRequest) -> pb.DeleteSnapshotResponse:
        with self.store.only(request.snapshot_id):
            there = self.store.state.snapshots.get(request.snapshot_id)
            if there is not None:
                if there.group:
                    raise Refused(StatusCode.FAILED_PRECONDITION, f"{there.id} is one of {there.group}")
                self.store.remove("snapshots", request.snapshot_id)
        return pb.DeleteSnapshotResponse()

    def get_snapshot(self, request: pb.GetSnapshotRequest) -> pb.GetSnapshotResponse:
        return pb.GetSnapshotResponse(snapshot=self._told(self.store.snapshot(request.snapshot_id)))

    def list_snapshots(self, request: pb.ListSnapshotsRequest) -> pb.ListSnapshotsResponse:
        with self.store.lock:
            found = [
                one
                for one in sorted(self.store.state.snapshots.values(), key=lambda one: one.id)
                if request.snapshot_id in ("", one.id) and request.source_volume_id in ("", one.volume)
            ]
            entries, token = rules.page(found, request.max_entries, request.starting_token)
            answer = pb.ListSnapshotsResponse(next_token=token)
            for one in entries:
                answer.entries.add(snapshot=self._told(one))
        return answer
