"""What is there of each network: attachments, addresses, and which of it lives."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from kubenode.clients.cni import garbage
from kubenode.clients.cni.addresses import Reservation
from kubenode.clients.cni.cache import CachedAttachment
from kubenode.clients.cni.client import Cni
from kubenode.clients.cni.errors import NetworkError
from kubenode.clients.cni.network import Network, parse_cached
from kubenode.clients.cni.versions import STATUS_AND_GC
from kubenode.observe import cni as observe
from kubenode.plan.cni_garbage import NetworkUse


@dataclass(frozen=True, slots=True)
class Used:
    """A network, configured or known from the cache alone, with all that is there of it."""

    network: Network
    cached: tuple[CachedAttachment, ...]
    held: tuple[Reservation, ...]

    def plain(self, now: float) -> NetworkUse:
        return NetworkUse(
            name=self.network.name,
            attached=tuple(observe.attached(one) for one in self.cached),
            held=tuple(observe.held_address(self.network.name, one, now) for one in self.held),
            collectable=not self.network.disable_gc,
            verb=self.network.speaks(STATUS_AND_GC),
        )


async def used(cni: Cni, configured: Iterable[Network]) -> list[Used]:
    """All configured networks, then those of which only the cache knows. Raises ClientError."""
    return await asyncio.to_thread(_used, cni, configured)


def _used(cni: Cni, configured: Iterable[Network]) -> list[Used]:
    cached = cni.attachments()
    networks: dict[str, Network] = {}
    for network in [*configured, *_remembered(cached)]:
        # Of several of one name the first counts.
        networks.setdefault(network.name, network)
    return [
        Used(network, tuple(one for one in cached if one.network == name), tuple(garbage.held(network)))
        for name, network in networks.items()
    ]


def _remembered(cached: Sequence[CachedAttachment]) -> list[Network]:
    """The networks as they were when something was attached to them."""
    found = []
    for one in cached:
        try:
            network = parse_cached(one.config, f"cached network {one.network}")
        except NetworkError:
            continue
        if network.name == one.network and network.plugins:
            found.append(network)
    return found


def namespaces_of(uses: Collection[Used]) -> frozenset[str]:
    """The paths of network namespaces that are there, of all attachments."""
    return observe.namespaces(observe.attached(one).netns for use in uses for one in use.cached)
