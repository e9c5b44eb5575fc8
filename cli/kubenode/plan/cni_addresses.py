"""How many addresses a network has left, as host-local counts them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from kubenode.model.cni import AddressRange


@dataclass(frozen=True, slots=True)
class RangeUse:
    """A range of addresses, first and last included. total: those that containers can get; free: those left."""

    subnet: str
    first: str
    last: str
    gateway: str
    total: int
    used: int
    free: int


def use(ranges: Iterable[AddressRange], held: Iterable[str]) -> list[RangeUse]:
    """held: the addresses that are given out."""
    taken = [ipaddress.ip_address(one) for one in held]
    return [_use(one, [int(address) for address in taken if address.version == one.subnet.version]) for one in ranges]


def _use(one: AddressRange, taken: list[int]) -> RangeUse:
    """The first address of a subnet and the last of an IPv4 one are nobody's; neither is the gateway's."""
    lowest, highest = int(one.subnet.network_address) + 1, int(one.subnet.broadcast_address)
    first, last = max(one.first, lowest), min(one.last, highest - (one.subnet.version == 4))
    gateway = one.gateway if first <= one.gateway <= last else None
    kind = type(one.subnet.network_address)
    total = max(0, last - first + 1 - (gateway is not None))
    used = sum(first <= address <= last for address in taken)
    return RangeUse(
        subnet=str(one.subnet),
        first=str(kind(first)),
        last=str(kind(last)),
        gateway=str(kind(one.gateway)),
        total=total,
        used=used,
        free=max(0, total - used),
    )
