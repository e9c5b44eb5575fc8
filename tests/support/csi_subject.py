"""A storage driver under test, ours or another's, and what a test made with it: all is taken away again.

Another's is named by the environment:

    KUBENODE_CSI_ENDPOINT         its socket, for controller and node
    KUBENODE_CSI_CONTROLLER       the socket of its controller, where that is another
    KUBENODE_CSI_DIRECTORY        where to mount; the driver must see it at the same path
    KUBENODE_CSI_PARAMETERS       JSON: the parameters of its volumes
    KUBENODE_CSI_SECRETS_FILE     a JSON file: the secrets that its calls need
    KUBENODE_CSI_SIZE             bytes of a volume, 1 GiB when not said
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from google.protobuf.message import Message

from kubenode.apply import csi_mounts, csi_volumes
from kubenode.clients.csi import CsiClient, filled
from kubenode.clients.stubs import csi_pb2 as pb
from kubenode.model.csi import (
    Attachment,
    Capabilities,
    ContentSource,
    Mount,
    NodeInfo,
    Snapshot,
    Volume,
    VolumeCapability,
    WantedVolume,
)
from kubenode.observe import csi as seen

MIB = 1 << 20
OTHERS = "KUBENODE_CSI_ENDPOINT"
MOUNTED = filled(pb.VolumeCapability, VolumeCapability().wire())


def remove_empty(directory: Path) -> None:
    with contextlib.suppress(OSError):
        directory.rmdir()


def clear(request: Message, field: str) -> None:
    request.ClearField(field)


@dataclass
class Subject:
    csi: CsiClient
    controller: CsiClient
    can: Capabilities
    node: NodeInfo
    folder: Path
    size: int
    parameters: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    volumes: dict[str, Volume] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    mounts: list[Mount] = field(default_factory=list)

    def needs(self, *names: str) -> None:
        """Capabilities ("controller:LIST_VOLUMES") without which the test has nothing to show; ours has all."""
        for name in names:
            service, capability = name.split(":")
            if capability in getattr(self.can, service):
                continue
            if OTHERS not in os.environ:
                pytest.fail(f"ours must have {name}")
            pytest.skip(f"the driver has not got {name}")

    @staticmethod
    def name() -> str:
        return f"kubenode-test-{uuid.uuid4().hex[:12]}"

    def wanted(
        self,
        name: str = "",
        *,
        size: int = 0,
        source: ContentSource | None = None,
        capability: VolumeCapability | None = None,
    ) -> WantedVolume:
        return WantedVolume(
            name=name or self.name(),
            capabilities=(capability or VolumeCapability(),),
            required_bytes=size or self.size,
            parameters=self.parameters,
            source=source,
        )

    async def volume(self, wanted: WantedVolume | None = None) -> Volume:
        made = await csi_volumes.create_volume(self.controller, wanted or self.wanted(), self.secrets)
        self.volumes[made.volume_id] = made
        return made

    async def snapshot(self, source: Volume, name: str = "") -> Snapshot:
        made = await csi_volumes.create_snapshot(
            self.controller, name or self.name(), source.volume_id, secrets=self.secrets
        )
        self.snapshots[made.snapshot_id] = made
        return made

    async def attach(self, volume: Volume, capability: VolumeCapability | None = None) -> dict[str, str]:
        if "PUBLISH_UNPUBLISH_VOLUME" not in self.can.controller:
            return {}
        wanted = Attachment(
            volume_id=volume.volume_id,
            node_id=self.node.node_id,
            capability=capability or VolumeCapability(),
            volume_context=volume.volume_context,
        )
        return await csi_volumes.attach(self.controller, wanted, self.secrets)

    def mount(
        self,
        volume: Volume,
        context: dict[str, str],
        *,
        place: str = "target",
        read_only: bool = False,
        capability: VolumeCapability | None = None,
        expand_to: int = 0,
    ) -> Mount:
        """The description alone; whatever comes of it is unmounted at the end."""
        made = Mount(
            volume_id=volume.volume_id,
            target_path=str(self.folder / volume.volume_id / place / "mount"),
            staging_path=str(self.folder / volume.volume_id / "globalmount"),
            capability=capability or VolumeCapability(),
            read_only=read_only,
            volume_context=volume.volume_context,
            publish_context=context,
            expand_to=expand_to,
        )
        self.mounts.append(made)
        return made

    async def mount_it(self, mount: Mount) -> int:
        secrets = self.secrets
        return await csi_mounts.mount_volume(
            self.csi, mount, self.can.node, stage_secrets=secrets, publish_secrets=secrets, expand_secrets=secrets
        )

    async def mounted(self, volume: Volume | None = None, *, read_only: bool = False) -> Mount:
        """A volume, all the way to its mount."""
        volume = volume or await self.volume()
        mount = self.mount(volume, await self.attach(volume), read_only=read_only)
        await self.mount_it(mount)
        return mount

    async def take_away(self) -> None:
        for mount in self.mounts:
            await csi_mounts.unmount_volume(self.csi, mount, self.can.node, last=False)
        for mount in self.mounts:
            await csi_mounts.unmount_volume(self.csi, mount, self.can.node)
            remove_empty(Path(mount.target_path).parent)
            remove_empty(Path(mount.staging_path).parent)
        for snapshot_id in self.snapshots:
            await csi_volumes.delete_snapshot(self.controller, snapshot_id, self.secrets)
        for volume_id in reversed(self.volumes):
            if "PUBLISH_UNPUBLISH_VOLUME" in self.can.controller:
                await csi_volumes.detach(self.controller, volume_id, self.node.node_id, self.secrets)
            await csi_volumes.delete_volume(self.controller, volume_id, self.secrets)


def secrets_of_environment() -> dict[str, str]:
    file = os.environ.get("KUBENODE_CSI_SECRETS_FILE")
    return json.loads(Path(file).read_text()) if file else {}


@asynccontextmanager
async def subject(endpoint: str, folder: Path, *, controller: str = "", size: int = 8 * MIB) -> AsyncIterator[Subject]:
    async with CsiClient(endpoint) as csi, CsiClient(controller or endpoint) as control:
        await seen.wait_ready(csi, within=30)
        can = await seen.capabilities(csi)
        if controller:
            here = await seen.capabilities(control)
            can = Capabilities(plugin=here.plugin, controller=here.controller, node=can.node)
        made = Subject(
            csi=csi,
            controller=control,
            can=can,
            node=await seen.node_info(csi),
            folder=folder,
            size=size,
            parameters=json.loads(os.environ.get("KUBENODE_CSI_PARAMETERS", "{}")),
            secrets=secrets_of_environment(),
        )
        try:
            yield made
        finally:
            await made.take_away()
