"""What a node has of CNI: networks, plugins, attachments, addresses; and what is wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Literal

from kubenode.clients.cni.client import Cni
from kubenode.clients.cni.directory import Directory, load
from kubenode.clients.cni.network import Network
from kubenode.clients.cni.plugins import Binary
from kubenode.model.cni import address_ranges, check
from kubenode.observe import cni as observe
from kubenode.observe.cni_use import Used, namespaces_of, used
from kubenode.plan.cni_addresses import use
from kubenode.resources.cni_options import CniOptions, open_cni
from kubenode.resources.result import Result


class Options(CniOptions, frozen=True, kw_only=True):
    networks: tuple[str, ...] = ()
    plugins: Literal["all", "needed"] = "all"
    status: bool = True


async def run(options: Options, *, check: bool) -> Result:
    """Raises ClientError for what cannot be read."""
    cni = open_cni(options)
    directory = load(Path(options.conf_dir))
    for name in options.networks:
        if name not in {one.name for one in directory.networks}:
            directory.network(name)
    networks = [one for one in directory.networks if not options.networks or one.name in options.networks]
    uses = [one for one in await used(cni, directory.networks) if _wanted(one.network.name, options)]
    binaries = await _binaries(cni, networks, options)
    values = {
        "networks": [await _network(cni, one, directory, binaries, uses, options) for one in networks],
        "plugins": [
            {"type": one.type, "path": one.path, "versions": one.versions, "problem": one.problem}
            for one in binaries.values()
        ],
        "attachments": _attachments(uses),
        "errors": [
            {"file": one.file, "field": one.field, "message": one.problem, "remedy": one.remedy}
            for one in directory.errors
        ],
    }
    return Result(values=values)


def _wanted(name: str, options: Options) -> bool:
    return not options.networks or name in options.networks


async def _binaries(cni: Cni, networks: Sequence[Network], options: Options) -> dict[str, Binary]:
    """By type: those of the networks in the order of their use, then, if wanted, all others."""
    names = await asyncio.to_thread(cni.plugins.names) if options.plugins == "all" else ()
    needed = await asyncio.gather(*(cni.binaries(network) for network in networks))
    found = {binary.type: binary for binaries in needed for binary in binaries}
    others = await asyncio.gather(*(cni.plugins.inspect(name) for name in names if name not in found))
    return found | {binary.type: binary for binary in others}


async def _network(
    cni: Cni,
    network: Network,
    directory: Directory,
    binaries: dict[str, Binary],
    uses: Sequence[Used],
    options: Options,
) -> dict[str, object]:
    mine = next(one for one in uses if one.network.name == network.name)
    verdicts = await cni.status(network) if options.status else ()
    held = [one.address for one in mine.held]
    first = min(directory.networks, key=lambda one: PurePath(one.file).name)
    return {
        "name": network.name,
        "file": network.file,
        "version": network.version,
        "first": network is first,
        "plugins": [
            {
                "type": one.type,
                "capabilities": sorted(one.capabilities),
                "configuration": one.configuration,
            }
            for one in network.plugins
        ],
        "capabilities": sorted(network.capabilities),
        "disable_check": network.disable_check,
        "disable_gc": network.disable_gc,
        "problems": check(network, directory.networks, binaries.values()),
        "status": [{"plugin": one.plugin, "state": one.state.value, "error": str(one.error or "")} for one in verdicts],
        "attachments": len(mine.cached),
        "ranges": use(address_ranges(network), held),
        "addresses": [
            {"address": one.address, "container_id": one.container_id, "ifname": one.ifname} for one in mine.held
        ],
    }


def _attachments(uses: Sequence[Used]) -> list[dict[str, object]]:
    there = namespaces_of(uses)
    return [
        {
            "network": one.network,
            "container_id": one.container_id,
            "ifname": one.ifname,
            "netns": one.netns,
            "netns_exists": one.netns in there,
            "ips": observe.addresses(cached),
            "args": one.args,
            "capability_args": one.capability_args,
            "unfinished": one.unfinished,
        }
        for each in uses
        for cached in each.cached
        for one in (observe.attached(cached),)
    ]
