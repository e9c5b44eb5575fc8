"""What a storage driver says of itself and of what it keeps. Raises ClientError; no value here holds a secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

from google.protobuf.message import Message

from kubenode.clients.csi import CsiClient, filled, plain
from kubenode.clients.errors import NotFound, Unavailable, Unimplemented
from kubenode.clients.stubs import csi_pb2 as pb
from kubenode.model.csi import (
    Capabilities,
    Capacity,
    ListedVolume,
    NodeInfo,
    PluginInfo,
    Snapshot,
    Topology,
    VolumeCapability,
    VolumeStats,
    fields,
    read,
)

PAUSE = 0.2  # seconds between two questions whether it is ready
# As many as the driver gives at once: some cut a list at the number that is asked for, and give no token for the rest.
PAGE = 0
SERVES = {"CONTROLLER_SERVICE": "controller", "GROUP_CONTROLLER_SERVICE": "group_controller"}


async def wait_ready(csi: CsiClient, within: float) -> None:
    """Until Probe says ready, or says nothing, which means the same. Raises Unavailable after `within` seconds.

    A driver that fails in another way than not to be there yet is not waited for.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while True:
        try:
            answer = await csi.probe()
            if not answer.HasField("ready") or answer.ready.value:
                return
            failure = Unavailable(
                endpoint=csi.endpoint,
                operation="Probe",
                detail="the driver says that it is not ready",
                remedy="See the driver's own log.",
            )
        except Unavailable as error:
            failure = error
        if loop.time() + PAUSE >= end:
            raise failure
        await asyncio.sleep(PAUSE)


async def plugin_info(csi: CsiClient) -> PluginInfo:
    return read(plain(await csi.get_plugin_info()), PluginInfo)


async def node_info(csi: CsiClient) -> NodeInfo:
    return read(plain(await csi.node_get_info()), NodeInfo)


async def capabilities(csi: CsiClient) -> Capabilities:
    """Of all services behind this socket; one that is not served there has none."""
    plugin = _names(await csi.get_plugin_capabilities())
    found = {"plugin": plugin, "node": await _node_capabilities(csi)}
    if "CONTROLLER_SERVICE" in plugin:
        found["controller"] = _names(await csi.controller_get_capabilities())
    if "GROUP_CONTROLLER_SERVICE" in plugin:
        found["group_controller"] = _names(await csi.group_controller_get_capabilities())
    return Capabilities(**found)


async def _node_capabilities(csi: CsiClient) -> frozenset[str]:
    try:
        return _names(await csi.node_get_capabilities())
    except Unimplemented:
        return frozenset()


def _names(answer: Message) -> frozenset[str]:
    """One is {"rpc": {"type": NAME}}; of those of the plugin the outer name tells the kind."""
    found = plain(answer).get("capabilities", ())
    kinds = [kind for capability in found for kind in capability.values()]
    return frozenset(str(kind["type"]) for kind in kinds if "type" in kind)


async def volumes(csi: CsiClient, page: int = PAGE) -> AsyncIterator[ListedVolume]:
    """All, `page` at a time, 0: as many as it gives.

    A driver may change them meanwhile: then Aborted is raised; begin again.
    """
    token = ""
    while True:
        answer = await csi.list_volumes(pb.ListVolumesRequest(max_entries=page, starting_token=token))
        for entry in answer.entries:
            yield read(plain(entry), ListedVolume)
        token = answer.next_token
        if not token:
            return


async def snapshots(
    csi: CsiClient,
    *,
    source_volume_id: str = "",
    snapshot_id: str = "",
    page: int = PAGE,
    secrets: Mapping[str, str] | None = None,
) -> AsyncIterator[Snapshot]:
    """All, or those of one volume, or the one with that id."""
    token = ""
    while True:
        answer = await csi.list_snapshots(
            pb.ListSnapshotsRequest(
                max_entries=page,
                starting_token=token,
                source_volume_id=source_volume_id,
                snapshot_id=snapshot_id,
                secrets=secrets,
            )
        )
        for entry in answer.entries:
            yield read(plain(entry.snapshot), Snapshot)
        token = answer.next_token
        if not token:
            return


async def volume(csi: CsiClient, volume_id: str, can: Capabilities) -> ListedVolume | None:
    """The volume with that id, by the cheapest call that the driver has; None when there is none.

    Raises Unimplemented when the driver can neither get nor list volumes.
    """
    if "GET_VOLUME" in can.controller:
        try:
            got = await csi.controller_get_volume(pb.ControllerGetVolumeRequest(volume_id=volume_id))
        except NotFound:
            return None
        return read(plain(got), ListedVolume)
    async for listed in volumes(csi):
        if listed.volume.volume_id == volume_id:
            return listed
    return None


async def capacity(
    csi: CsiClient,
    *,
    parameters: Mapping[str, str] | None = None,
    topology: Topology | None = None,
    capability: VolumeCapability | None = None,
) -> Capacity:
    """What is left for volumes with these parameters, in this topology, for this use."""
    request = pb.GetCapacityRequest(parameters=parameters)
    if topology is not None:
        request.accessible_topology.CopyFrom(filled(pb.Topology, fields(topology)))
    if capability is not None:
        request.volume_capabilities.append(filled(pb.VolumeCapability, capability.wire()))
    return read(plain(await csi.get_capacity(request)), Capacity)


async def volume_stats(csi: CsiClient, volume_id: str, path: str, staging_path: str = "") -> VolumeStats:
    """Of a volume mounted at `path`."""
    return read(
        plain(
            await csi.node_get_volume_stats(
                pb.NodeGetVolumeStatsRequest(volume_id=volume_id, volume_path=path, staging_target_path=staging_path)
            )
        ),
        VolumeStats,
    )
