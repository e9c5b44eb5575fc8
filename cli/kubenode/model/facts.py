"""Facts about a node that its health is judged by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Amount:
    """What is left of something, in its own unit (bytes, inodes, process ids)."""

    available: int
    capacity: int


@dataclass(frozen=True, slots=True)
class RuntimeFacts:
    """`error` empty: it answered. `network_message` and `ready_message` are its own words."""

    name: str = ""
    error: str = ""
    ready: bool = False
    ready_message: str = ""
    network_ready: bool = False
    network_message: str = ""
    image_filesystem: str = ""


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """`kind`: "kubenode", "kubelet" (the upstream one), or empty when neither runs; `error`: why it is not well."""

    kind: str = ""
    error: str = ""
    pleg_age: float | None = None
    pleg_healthy: bool = True
    stuck: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
