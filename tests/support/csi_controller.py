"""Controller of the tests' CSI driver: volumes, and where they are attached."""

from __future__ import annotations

import contextlib

from grpc import StatusCode

from kubenode.clients.stubs import csi_pb2 as pb
from support import csi_rules as rules
from support.csi_settings import MIB
from support.csi_snapshots import Snapshots
from support.csi_store import Use, Volume, new_id
from support.fake_server import Refused

Status = pb.ListVolumesResponse.VolumeStatus


class Controller(Snapshots):
    def controller_get_capabilities(
        self, request: pb.ControllerGetCapabilitiesRequest
    ) -> pb.ControllerGetCapabilitiesResponse:
        answer = pb.ControllerGetCapabilitiesResponse()
        for name in sorted(self.settings.controller):
            answer.capabilities.add().rpc.type = pb.ControllerServiceCapability.RPC.Type.Value(name)
        return answer

    def create_volume(self, request: pb.CreateVolumeRequest) -> pb.CreateVolumeResponse:
        rules.check_parameters(dict(request.parameters), dict(request.mutable_parameters))
        with self.store.only(f"name {request.name}"):
            there = self.store.volume_named(request.name)
            if there is None:
                there = self._make_volume(request)
            elif not rules.agrees(there, request):
                raise Refused(StatusCode.ALREADY_EXISTS, f"{request.name} exists and is another")
        return pb.CreateVolumeResponse(volume=rules.volume_message(there, self.settings))

    def _make_volume(self, request: pb.CreateVolumeRequest) -> Volume:
        least, origin = MIB, None
        source = request.volume_content_source
        if source.HasField("snapshot"):
            snapshot = self.store.snapshot(source.snapshot.snapshot_id)
            if snapshot.answers_until_ready > 0:
                raise Refused(StatusCode.UNAVAILABLE, f"the snapshot {snapshot.id} is not ready")
            least, origin = snapshot.size, self.store.origin("snapshots", snapshot.id)
        elif source.HasField("volume"):
            if "CLONE_VOLUME" not in self.settings.controller:
                raise Refused(StatusCode.INVALID_ARGUMENT, "this driver makes no clones")
            volume = self.store.volume(source.volume.volume_id)
            least, origin = volume.size, self.store.origin("volumes", volume.id)
        if request.capacity_range.required_bytes:
            self._check_source_fits(request.capacity_range.required_bytes, least)
        size = rules.size_for(request.capacity_range, self.settings, least)
        rules.check_topology(request.accessibility_requirements, self.settings)
        self._check_space(size)
        made = Volume(
            id=new_id("vol"),
            name=request.name,
            size=size,
            file_system=size,
            capabilities=[rules.plain(one) for one in request.volume_capabilities],
            parameters=dict(request.parameters),
            mutable=dict(request.mutable_parameters),
            source=rules.plain(source),
        )
        busy = source.volume.volume_id or source.snapshot.snapshot_id
        with self.store.only(busy) if busy else contextlib.nullcontext():
            self.store.add_volume(made, origin)
        return made

    @staticmethod
    def _check_source_fits(required: int, least: int) -> None:
        if least > MIB and required < least:
            raise Refused(StatusCode.OUT_OF_RANGE, f"its source has {least} bytes")

    def _check_space(self, size: int) -> None:
        if self.store.used() + size > self.settings.capacity:
            raise Refused(StatusCode.RESOURCE_EXHAUSTED, "there is not so much space left")

    def delete_volume(self, request: pb.DeleteVolumeRequest) -> pb.DeleteVolumeResponse:
        with self.store.only(request.volume_id):
            volume = self.store.state.volumes.get(request.volume_id)
            if volume is not None:
                if volume.attached or volume.staged or volume.published:
                    raise Refused(StatusCode.FAILED_PRECONDITION, f"{volume.id} is in use")
                self.store.remove("volumes", volume.id)
        return pb.DeleteVolumeResponse()

    def controller_publish_volume(
        self, request: pb.ControllerPublishVolumeRequest
    ) -> pb.ControllerPublishVolumeResponse:
        with self.store.only(request.volume_id):
            volume = self.store.volume(request.volume_id)
            self._check_node(request.node_id)
            asked = Use(capability=rules.plain(request.volume_capability), read_only=request.readonly)
            there = volume.attached.get(request.node_id)
            if there is not None:
                rules.check_same(there, asked, "attached")
            else:
                self._check_attachable(volume, asked, request)
                volume.attached[request.node_id] = asked
                self.store.save()
        return pb.ControllerPublishVolumeResponse(publish_context=publish_context(volume.id, request.node_id))

    def _check_node(self, node: str) -> None:
        if node not in self.settings.nodes:
            raise Refused(StatusCode.NOT_FOUND, f"there is no node {node}")

    def _check_attachable(self, volume: Volume, asked: Use, request: pb.ControllerPublishVolumeRequest) -> None:
        if dict(request.volume_context) != volume.context:
            raise Refused(StatusCode.INVALID_ARGUMENT, "volume_context is not what CreateVolume answered")
        if not rules.supports(volume, [asked.capability]):
            raise Refused(StatusCode.INVALID_ARGUMENT, "the volume was not made for this access")
        if asked.read_only and "PUBLISH_READONLY" not in self.settings.controller:
            raise Refused(StatusCode.INVALID_ARGUMENT, "this driver has not got PUBLISH_READONLY")
        if volume.attached and rules.mode(asked.capability) not in rules.MULTI_NODE:
            raise Refused(StatusCode.FAILED_PRECONDITION, f"it is attached to {min(volume.attached)}")
        held = sum(request.node_id in one.attached for one in self.store.state.volumes.values())
        if self.settings.max_volumes and held >= self.settings.max_volumes:
            raise Refused(StatusCode.RESOURCE_EXHAUSTED, f"{request.node_id} has {held} volumes, and no more fit")

    def controller_unpublish_volume(
        self, request: pb.ControllerUnpublishVolumeRequest
    ) -> pb.ControllerUnpublishVolumeResponse:
        with self.store.only(request.volume_id):
            volume = self.store.state.volumes.get(request.volume_id)
            if volume is None:
                return pb.ControllerUnpublishVolumeResponse()
            here = request.node_id in ("", self.settings.node)
            if here and (volume.staged or volume.published):
                raise Refused(StatusCode.FAILED_PRECONDITION, f"{volume.id} is still used on {self.settings.node}")
            for node in [request.node_id] if request.node_id else list(volume.attached):
                volume.attached.pop(node, None)
            self.store.save()
        return pb.ControllerUnpublishVolumeResponse()

    def validate_volume_capabilities(
        self, request: pb.ValidateVolumeCapabilitiesRequest
    ) -> pb.ValidateVolumeCapabilitiesResponse:
        volume = self.store.volume(request.volume_id)
        if not rules.supports(volume, [rules.plain(one) for one in request.volume_capabilities]):
            return pb.ValidateVolumeCapabilitiesResponse(message="the volume was not made for this access")
        return pb.ValidateVolumeCapabilitiesResponse(
            confirmed=pb.ValidateVolumeCapabilitiesResponse.Confirmed(
                volume_context=request.volume_context,
                volume_capabilities=request.volume_capabilities,
                parameters=request.parameters,
                mutable_parameters=request.mutable_parameters,
            )
        )

    def list_volumes(self, request: pb.ListVolumesRequest) -> pb.ListVolumesResponse:
        with self.store.lock:
            everything = sorted(self.store.state.volumes.values(), key=lambda one: one.id)
            entries, token = rules.page(everything, request.max_entries, request.starting_token)
            answer = pb.ListVolumesResponse(next_token=token)
            for one in entries:
                nodes = sorted(one.attached)
                status = Status(published_node_ids=nodes, volume_condition=pb.VolumeCondition(message="well"))
                answer.entries.add(volume=rules.volume_message(one, self.settings), status=status)
        return answer

    def controller_get_volume(self, request: pb.ControllerGetVolumeRequest) -> pb.ControllerGetVolumeResponse:
        volume = self.store.volume(request.volume_id)
        answer = pb.ControllerGetVolumeResponse(volume=rules.volume_message(volume, self.settings))
        answer.status.published_node_ids.extend(sorted(volume.attached))
        answer.status.volume_condition.message = "well"
        return answer

    def get_capacity(self, request: pb.GetCapacityRequest) -> pb.GetCapacityResponse:
        rules.check_parameters(dict(request.parameters), {})
        left = self.settings.capacity - self.store.used()
        if request.HasField("accessible_topology") and not rules.reachable(request.accessible_topology, self.settings):
            left = 0
        answer = pb.GetCapacityResponse(available_capacity=left)
        answer.maximum_volume_size.value = self.settings.largest
        answer.minimum_volume_size.value = MIB
        return answer

    def controller_expand_volume(self, request: pb.ControllerExpandVolumeRequest) -> pb.ControllerExpandVolumeResponse:
        with self.store.only(request.volume_id):
            volume = self.store.volume(request.volume_id)
            if volume.published and "ONLINE" not in self.settings.plugin:
                raise Refused(StatusCode.FAILED_PRECONDITION, f"{volume.id} is published")
            if request.capacity_range.required_bytes > volume.size:
                self._grow(volume, request.capacity_range)
            by_node = "EXPAND_VOLUME" in self.settings.node_can and "block" not in rules.access_types(
                volume.capabilities
            )
            if not by_node:
                volume.file_system = volume.size
            self.store.save()
        return pb.ControllerExpandVolumeResponse(capacity_bytes=volume.size, node_expansion_required=by_node)

    def _grow(self, volume: Volume, wanted: pb.CapacityRange) -> None:
        size = rules.size_for(wanted, self.settings)
        self._check_space(size - volume.size)
        self.store.resize_device(volume.id, size)
        volume.size = size

    def controller_modify_volume(self, request: pb.ControllerModifyVolumeRequest) -> pb.ControllerModifyVolumeResponse:
        rules.check_parameters({}, dict(request.mutable_parameters))
        with self.store.only(request.volume_id):
            self.store.volume(request.volume_id).mutable.update(request.mutable_parameters)
            self.store.save()
        return pb.ControllerModifyVolumeResponse()


def publish_context(volume_id: str, node: str) -> dict[str, str]:
    return {"attachment": f"{volume_id}@{node}"}
