"""A pod's condition for people and programs, derived from desired, observed and outcomes.

Times are seconds since the epoch, 0 for not yet or not known.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """Which part a container has in its pod."""

    APP = "app"
    INIT = "init"
    SIDECAR = "sidecar"


class Exit(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How a run of a container ended. `message` is its termination message."""

    exit_code: int
    reason: str
    message: str = ""
    started_at: float = 0.0
    finished_at: float = 0.0
    container_id: str = ""


class ContainerStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`state` is waiting, running or terminated; `last` is the run before, or, while it waits, the one that ended."""

    name: str
    state: str
    kind: Kind = Kind.APP
    reason: str = ""
    message: str = ""
    ready: bool = False
    started: bool = False
    restarts: int = 0
    container_id: str = ""
    image: str = ""
    image_id: str = ""
    exit_code: int = 0
    started_at: float = 0.0
    finished_at: float = 0.0
    last: Exit | None = None


class Condition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of Kubernetes' pod conditions; `since` is when it became so."""

    type: str
    status: bool
    reason: str = ""
    message: str = ""
    since: float = 0.0


class PodStatus(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One row of `kubenode pods`. `settled`: nothing is left to do now, whether the pod runs, is done or waits.

    ready, total: containers that serve and that should, sidecars too; `column` says in a word how the pod is, as
    kubectl's column STATUS does; `start_time` is when the node took the pod on.
    """

    namespace: str
    name: str
    uid: str = ""
    phase: str
    column: str = ""
    reason: str = ""
    message: str = ""
    ready: int = 0
    total: int = 0
    init_containers: tuple[ContainerStatus, ...] = ()
    containers: tuple[ContainerStatus, ...] = ()
    conditions: tuple[Condition, ...] = ()
    restarts: int = 0
    started_at: float = 0.0
    start_time: float = 0.0
    ips: tuple[str, ...] = ()
    host_ips: tuple[str, ...] = ()
    qos_class: str = ""
    source: str = ""
    source_state: str = ""
    source_reason: str = ""
    source_line: int = 0
    settled: bool = False
