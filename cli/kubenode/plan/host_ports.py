"""Ports of the host that pods ask for, and who holds them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kubenode.model.names import PodKey
from kubenode.model.pod import PodSpec, is_sidecar

ALL_ADDRESSES = frozenset(("", "0.0.0.0", "::"))


class HostPort(NamedTuple):
    protocol: str
    number: int
    ip: str

    def __str__(self) -> str:
        where = "all addresses" if self.ip in ALL_ADDRESSES else self.ip
        return f"{self.protocol} port {self.number} of the host on {where}"


def host_ports(spec: PodSpec) -> Iterator[HostPort]:
    """Those of all containers that run side by side; on the host's network every container port is the host's."""
    for container in (*spec.containers, *filter(is_sidecar, spec.init_containers)):
        for port in container.ports:
            number = port.host_port or (port.container_port if spec.host_network else 0)
            if number:
                yield HostPort(port.protocol, number, port.host_ip)


def conflict(wanted: HostPort, taken: Mapping[HostPort, PodKey]) -> PodKey | None:
    """The pod that holds the port; all addresses conflict with any."""
    for port, holder in taken.items():
        same = (port.protocol, port.number) == (wanted.protocol, wanted.number)
        if same and (port.ip == wanted.ip or not ALL_ADDRESSES.isdisjoint((port.ip, wanted.ip))):
            return holder
    return None
