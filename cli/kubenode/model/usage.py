"""What containers and pods use, as a runtime counts it. None for what it does not tell. `timestamp`: ns since 1970."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """`usage_core_nanoseconds`: since the start, over all cores; `usage_nanocores`: the rate, 1e9 is a whole core."""

    timestamp: int
    usage_core_nanoseconds: int | None
    usage_nanocores: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`available_bytes`: the limit less the working set, None without a limit. Faults are counts since the start."""

    timestamp: int
    working_set_bytes: int | None
    available_bytes: int | None
    usage_bytes: int | None
    rss_bytes: int | None
    page_faults: int | None
    major_page_faults: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    timestamp: int
    available_bytes: int | None
    usage_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WritableLayer:
    timestamp: int
    mountpoint: str
    used_bytes: int | None
    inodes_used: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """Counts since the interface was made."""

    name: str
    rx_bytes: int | None
    rx_errors: int | None
    tx_bytes: int | None
    tx_errors: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerUsage:
    id: str
    name: str
    pod: str
    namespace: str
    pod_id: str
    attempt: int
    labels: dict[str, str]
    cpu: Cpu | None
    memory: Memory | None
    swap: Swap | None
    filesystem: WritableLayer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodUsage:
    """`interfaces`: the default one first; `processes`: how many there are."""

    id: str
    name: str
    namespace: str
    uid: str
    labels: dict[str, str]
    cpu: Cpu | None
    memory: Memory | None
    interfaces: list[Interface] | None
    processes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTold:
    """What the runtime could not tell of. `kind`: "container" or "pod"."""

    kind: str
    id: str
    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSample:
    containers: tuple[ContainerUsage, ...]
    pods: tuple[PodUsage, ...]
    not_told: tuple[NotTold, ...]
