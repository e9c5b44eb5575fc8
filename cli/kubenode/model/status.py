"""A pod's condition for people and programs, derived from desired, observed and outcomes."""

from __future__ import annotations

import msgspec


class ContainerStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`state` is waiting, running or terminated; times in seconds since the epoch, 0 for not yet."""

    name: str
    state: str
    reason: str = ""
    message: str = ""
    restarts: int = 0
    container_id: str = ""
    image: str = ""
    exit_code: int = 0
    started_at: float = 0.0
    finished_at: float = 0.0


class PodStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One row of `kubenode pods`. `settled`: nothing is left to do now, whether the pod runs, is done or waits."""

    namespace: str
    name: str
    uid: str = ""
    phase: str
    reason: str = ""
    message: str = ""
    ready: int = 0
    containers: tuple[ContainerStatus, ...] = ()
    restarts: int = 0
    started_at: float = 0.0
    ips: tuple[str, ...] = ()
    source: str = ""
    source_state: str = ""
    source_reason: str = ""
    source_line: int = 0
    settled: bool = False
