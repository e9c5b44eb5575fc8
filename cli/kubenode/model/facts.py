"""Facts about a node: what its health is judged by, and what its pods are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Amount:
    """What is left of something, in its own unit (bytes, inodes, process ids)."""

    available: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Features:
    """What not every runtime can: give pods users of their own, mount all below a volume read-only."""

    maps_users: bool = False
    recursive_read_only: bool = False


@dataclass(frozen=True, slots=True)
class RuntimeFacts:
    """`error` empty: it answered. `network_message` and `ready_message` are its own words.

    `features` are those of its default handler.
    """

    name: str = ""
    error: str = ""
    ready: bool = False
    ready_message: str = ""
    network_ready: bool = False
    network_message: str = ""
    image_filesystem: str = ""
    features: Features = Features()


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """`kind`: "kubenode", "kubelet" (the upstream one), or empty when neither runs; `error`: why it is not well."""

    kind: str = ""
    error: str = ""
    pleg_age: float | None = None
    pleg_healthy: bool = True
    stuck: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResolvConf:
    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What pods are told about their node, and what it has to give.

    `cpus` in thousandths, `memory` and `ephemeral_storage` in bytes, `huge_pages` in bytes by resource name
    ("hugepages-2Mi"); 0 where it is not known. `allocatable` is what of these pods may use, in the same units by
    resource name. `architecture` as Kubernetes writes it ("amd64"). `apparmor`: whether the kernel enforces it; None:
    not known.
    """

    ips: tuple[str, ...] = ()
    resolv: ResolvConf = ResolvConf()
    cpus: int = 0
    memory: int = 0
    ephemeral_storage: int = 0
    huge_pages: Mapping[str, int] = field(default_factory=dict)
    allocatable: Mapping[str, int] = field(default_factory=dict)
    architecture: str = ""
    apparmor: bool | None = None
