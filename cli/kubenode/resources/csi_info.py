"""What storage drivers say of themselves: one, or all that are on this node."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from kubenode.clients.csi import CsiClient
from kubenode.clients.errors import ClientError, Unavailable, Unimplemented
from kubenode.model.csi import Capabilities, NodeInfo
from kubenode.observe import csi as seen
from kubenode.observe.csi_drivers import RegisteredDriver, find_driver, registered
from kubenode.resources.csi_options import CsiOptions
from kubenode.resources.result import Result


class Options(CsiOptions, frozen=True, kw_only=True):
    wait: bool = False
    wait_timeout: int = 60


async def run(options: Options, *, check: bool) -> Result:
    root = Path(options.kubelet_root)
    if options.endpoint or options.driver:
        endpoint = options.endpoint or await _found(root, options)
        told = await _ask(endpoint, options)
        return Result(values={"driver": told, "drivers": [told]})
    found = await registered(root)
    return Result(values={"drivers": list(await asyncio.gather(*(_registered(one, options) for one in found)))})


async def _found(root: Path, options: Options) -> str:
    """Waited for, where that is asked: a driver registers when it has started."""
    loop = asyncio.get_running_loop()
    end = loop.time() + (options.wait_timeout if options.wait else 0)
    while True:
        try:
            return await find_driver(root, options.driver)
        except Unavailable:
            if loop.time() + seen.PAUSE >= end:
                raise
        await asyncio.sleep(seen.PAUSE)


async def _registered(one: RegisteredDriver, options: Options) -> dict[str, Any]:
    """One that cannot be asked is told with the reason."""
    error = one.error
    if one.endpoint:
        try:
            return await _ask(one.endpoint, options) | {"supported_versions": list(one.supported_versions)}
        except ClientError as failed:
            error = str(failed)
    return {"name": one.name, "endpoint": one.endpoint, "ready": False, "error": error}


async def _ask(endpoint: str, options: Options) -> dict[str, Any]:
    async with CsiClient(endpoint, request_timeout=options.timeout) as csi:
        if options.wait:
            await seen.wait_ready(csi, within=options.wait_timeout)
        info = await seen.plugin_info(csi)
        ready = await _ready(csi)
        can = await seen.capabilities(csi)
        told: dict[str, Any] = {
            "name": info.name,
            "vendor_version": info.vendor_version,
            "manifest": info.manifest,
            "endpoint": csi.endpoint,
            "ready": ready,
            "capabilities": _capabilities(can),
        }
        node = await _node(csi)
        if node is not None:
            told["node"] = {
                "node_id": node.node_id,
                "max_volumes_per_node": node.max_volumes_per_node,
                "accessible_topology": node.accessible_topology.segments,
            }
        return told


def _capabilities(can: Capabilities) -> dict[str, list[str]]:
    services = {
        "plugin": can.plugin,
        "controller": can.controller,
        "group_controller": can.group_controller,
        "node": can.node,
    }
    return {service: sorted(names) for service, names in services.items()}


async def _ready(csi: CsiClient) -> bool:
    """As Probe says; one that says nothing is ready."""
    answer = await csi.probe()
    return not answer.HasField("ready") or answer.ready.value


async def _node(csi: CsiClient) -> NodeInfo | None:
    """None where no node is served at this socket."""
    try:
        return await seen.node_info(csi)
    except Unimplemented:
        return None
