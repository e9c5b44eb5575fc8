"""Node of the tests' CSI driver: it bind-mounts volumes' directories, or the file that stands for a device."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from grpc import StatusCode

from kubenode.clients.mounts import bind, bind_read_only, unmount
from kubenode.clients.stubs import csi_pb2 as pb
from support import csi_rules as rules
from support.csi_controller import publish_context
from support.csi_settings import MIB, Settings
from support.csi_store import Store, Use, Volume, mounted
from support.fake_server import Refused

SETGID = 0o2000
# What a kubelet may add of the pod when it publishes.
POD_INFO = "csi.storage.k8s.io/"
EPHEMERAL = f"{POD_INFO}ephemeral"


class Node:
    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings = settings
        self.store = store

    def node_get_capabilities(self, request: pb.NodeGetCapabilitiesRequest) -> pb.NodeGetCapabilitiesResponse:
        answer = pb.NodeGetCapabilitiesResponse()
        for name in sorted(self.settings.node_can):
            answer.capabilities.add().rpc.type = pb.NodeServiceCapability.RPC.Type.Value(name)
        return answer

    def node_get_info(self, request: pb.NodeGetInfoRequest) -> pb.NodeGetInfoResponse:
        answer = pb.NodeGetInfoResponse(node_id=self.settings.node, max_volumes_per_node=self.settings.max_volumes)
        if "VOLUME_ACCESSIBILITY_CONSTRAINTS" in self.settings.plugin:
            answer.accessible_topology.segments.update(self.settings.topology)
        return answer

    def node_stage_volume(self, request: pb.NodeStageVolumeRequest) -> pb.NodeStageVolumeResponse:
        path = request.staging_target_path
        with self.store.only(request.volume_id):
            volume = self._volume(request)
            asked = Use(capability=rules.plain(request.volume_capability))
            there = volume.staged.get(path)
            if there is not None:
                rules.check_same(there, asked, "staged")
                return pb.NodeStageVolumeResponse()
            if volume.staged:
                raise Refused(StatusCode.FAILED_PRECONDITION, f"it is staged at {min(volume.staged)}")
            if not Path(path).is_dir():
                raise Refused(StatusCode.INVALID_ARGUMENT, f"staging_target_path is no directory: {path}")
            volume.staged[path] = asked
            self.store.save()
            bind(str(self.store.data(volume.id)), path)
        return pb.NodeStageVolumeResponse()

    def node_unstage_volume(self, request: pb.NodeUnstageVolumeRequest) -> pb.NodeUnstageVolumeResponse:
        path = request.staging_target_path
        with self.store.only(request.volume_id):
            volume = self.store.volume(request.volume_id)
            self.store.forget_lost_mounts(volume)
            if any(use.staging == path for use in volume.published.values()):
                raise Refused(StatusCode.FAILED_PRECONDITION, f"{volume.id} is still published")
            if path in volume.staged:
                unmount(path)
                del volume.staged[path]
            self.store.save()
        return pb.NodeUnstageVolumeResponse()

    def node_publish_volume(self, request: pb.NodePublishVolumeRequest) -> pb.NodePublishVolumeResponse:
        path = request.target_path
        with self.store.only(request.volume_id):
            if request.volume_context.get(EPHEMERAL) == "true":
                self._make_ephemeral(request)
            volume = self._volume(request)
            asked = Use(
                capability=rules.plain(request.volume_capability),
                read_only=request.readonly,
                staging=request.staging_target_path,
            )
            self._check_staged(volume, asked)
            there = volume.published.get(path)
            if there is not None:
                rules.check_same(there, asked, "published")
                return pb.NodePublishVolumeResponse()
            self._check_publishable(volume, asked, path)
            volume.published[path] = asked
            self.store.save()
            self._mount(volume, asked, path)
        return pb.NodePublishVolumeResponse()

    def _make_ephemeral(self, request: pb.NodePublishVolumeRequest) -> None:
        """A volume that lives from its mount to its unmount; the pod's name must be told for it."""
        if f"{POD_INFO}pod.name" not in request.volume_context:
            raise Refused(StatusCode.INVALID_ARGUMENT, "volume_context does not tell the pod")
        if request.volume_id not in self.store.state.volumes:
            capability = rules.plain(request.volume_capability)
            made = Volume(request.volume_id, "", MIB, MIB, [capability], ephemeral=True)
            self.store.add_volume(made, None)

    def _volume(self, request: pb.NodeStageVolumeRequest | pb.NodePublishVolumeRequest) -> Volume:
        """The volume, for one who was allowed to have it here in this way."""
        volume = self.store.volume(request.volume_id)
        self.store.forget_lost_mounts(volume)
        context = dict(request.volume_context)
        if isinstance(request, pb.NodePublishVolumeRequest):
            context = {key: value for key, value in context.items() if not key.startswith(POD_INFO)}
        if volume.ephemeral:
            return volume
        if context != volume.context:
            raise Refused(StatusCode.INVALID_ARGUMENT, "volume_context is not what CreateVolume answered")
        if not rules.supports(volume, [rules.plain(request.volume_capability)]):
            raise Refused(StatusCode.INVALID_ARGUMENT, "the volume was not made for this access")
        if "PUBLISH_UNPUBLISH_VOLUME" in self.settings.controller:
            if self.settings.node not in volume.attached:
                raise Refused(StatusCode.FAILED_PRECONDITION, f"{volume.id} is not attached to {self.settings.node}")
            if dict(request.publish_context) != publish_context(volume.id, self.settings.node):
                raise Refused(
                    StatusCode.INVALID_ARGUMENT, "publish_context is not what ControllerPublishVolume answered"
                )
        return volume

    def _check_staged(self, volume: Volume, asked: Use) -> None:
        if "STAGE_UNSTAGE_VOLUME" not in self.settings.node_can or volume.ephemeral:
            if asked.staging:
                raise Refused(StatusCode.INVALID_ARGUMENT, "staging_target_path is given, and nothing is staged here")
            return
        if not asked.staging:
            raise Refused(StatusCode.FAILED_PRECONDITION, "staging_target_path is missing")
        if asked.staging not in volume.staged:
            raise Refused(StatusCode.FAILED_PRECONDITION, f"{volume.id} is not staged at {asked.staging}")

    @staticmethod
    def _check_publishable(volume: Volume, asked: Use, path: str) -> None:
        if volume.published and rules.mode(asked.capability) not in rules.MULTI_TARGET:
            raise Refused(StatusCode.FAILED_PRECONDITION, f"it is published at {min(volume.published)}")
        if not Path(path).parent.is_dir():
            raise Refused(StatusCode.FAILED_PRECONDITION, f"the directory for the target is not there: {path}")

    def _mount(self, volume: Volume, asked: Use, path: str) -> None:
        if "block" in asked.capability:
            Path(path).touch()
            bind(str(self.store.device(volume.id)), path)
        else:
            Path(path).mkdir(mode=0o750, exist_ok=True)
            self._give_to_group(volume, asked)
            bind(asked.staging or str(self.store.data(volume.id)), path)
        if asked.read_only:
            bind_read_only(path)

    def _give_to_group(self, volume: Volume, asked: Use) -> None:
        group = asked.capability.get("mount", {}).get("volume_mount_group")
        if group:
            data = self.store.data(volume.id)
            os.chown(data, -1, int(group))
            data.chmod(0o770 | SETGID)

    def node_unpublish_volume(self, request: pb.NodeUnpublishVolumeRequest) -> pb.NodeUnpublishVolumeResponse:
        path = Path(request.target_path)
        with self.store.only(request.volume_id):
            volume = self.store.volume(request.volume_id)
            if str(path) in volume.published:
                unmount(str(path))
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink(missing_ok=True)
                del volume.published[str(path)]
            self.store.forget_lost_mounts(volume)
            self.store.save()
            if volume.ephemeral and not volume.published:
                self.store.remove("volumes", volume.id)
        return pb.NodeUnpublishVolumeResponse()

    def node_get_volume_stats(self, request: pb.NodeGetVolumeStatsRequest) -> pb.NodeGetVolumeStatsResponse:
        volume = self._at(request.volume_id, request.volume_path)
        total = volume.file_system
        used = sum(path.stat().st_size for path in self.store.data(volume.id).rglob("*") if path.is_file())
        answer = pb.NodeGetVolumeStatsResponse(volume_condition=pb.VolumeCondition(message="well"))
        answer.usage.add(total=total, used=used, available=max(0, total - used), unit=pb.VolumeUsage.BYTES)
        if "block" not in rules.access_types(volume.capabilities):
            inodes = shutil.disk_usage(self.store.root).total // 16384
            files = sum(1 for _ in self.store.data(volume.id).rglob("*"))
            answer.usage.add(total=inodes, used=files, available=inodes - files, unit=pb.VolumeUsage.INODES)
        return answer

    def node_expand_volume(self, request: pb.NodeExpandVolumeRequest) -> pb.NodeExpandVolumeResponse:
        with self.store.only(request.volume_id):
            volume = self._at(request.volume_id, request.volume_path)
            if request.capacity_range.required_bytes > volume.size:
                raise Refused(StatusCode.OUT_OF_RANGE, f"{volume.id} has {volume.size} bytes: its controller grows it")
            volume.file_system = volume.size
            self.store.save()
        return pb.NodeExpandVolumeResponse(capacity_bytes=volume.size)

    def _at(self, volume_id: str, path: str) -> Volume:
        volume = self.store.volume(volume_id)
        if path not in {**volume.staged, **volume.published} or not mounted(path):
            raise Refused(StatusCode.NOT_FOUND, f"{volume_id} is not at {path}")
        return volume
