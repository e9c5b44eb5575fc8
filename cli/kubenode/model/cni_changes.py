"""What is attached, or is to be, and what is done about it: CNI as the collection's modules see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kubenode.model.files import FileStep

SHOWN_ID = 12


def shown(container_id: str) -> str:
    """Long ids as they are usually told."""
    return container_id[:SHOWN_ID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """An interface of a container on a network, as it is wanted, or as the cache has it.

    args: CNI_ARGS; config: the network's document, None where it is not known
    unfinished: an ADD of it was killed
    """

    network: str
    container_id: str
    ifname: str
    netns: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    capability_args: Mapping[str, Any] = field(default_factory=dict)
    config: object = None
    unfinished: bool = False

    @property
    def key(self) -> tuple[str, str]:
        return self.container_id, self.ifname

    def __str__(self) -> str:
        return f"{shown(self.container_id)} {self.ifname}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAddress:
    """An address that host-local has given out; ifname is empty where it names the container alone."""

    network: str
    address: str
    container_id: str
    ifname: str
    path: str
    age: float  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFile:
    """A file of a directory of networks. name: empty, and document None, where it cannot be read; mode: as "0600"."""

    path: str
    name: str
    document: object
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """A pod's sandbox that the container runtime has, with its interfaces and addresses."""

    id: str
    name: str
    interfaces: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MakeDirectory:
    path: str
    why: str

    @property
    def verb(self) -> str:
        return f"make the directory {self.path}"


@dataclass(frozen=True, slots=True)
class WriteNetwork:
    path: str
    network: str
    document: Mapping[str, Any]
    mode: str
    why: str

    @property
    def verb(self) -> str:
        return f"write network {self.network} to {self.path}"


ConfigAction = MakeDirectory | WriteNetwork | FileStep


@dataclass(frozen=True, slots=True)
class Attach:
    attached: Attached
    why: str

    @property
    def verb(self) -> str:
        return f"attach {self.attached} to network {self.attached.network}"


@dataclass(frozen=True, slots=True)
class Detach:
    attached: Attached
    why: str

    @property
    def verb(self) -> str:
        return f"detach {self.attached} from network {self.attached.network}"


@dataclass(frozen=True, slots=True)
class FreeAddress:
    held: HeldAddress
    why: str

    @property
    def verb(self) -> str:
        return f"free address {self.held.address} of network {self.held.network}"
