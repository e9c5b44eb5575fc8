"""What the runtime holds of a pod, in our own values. Times are seconds since the epoch; 0 means not yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kubenode.model.facts import NodeFacts
from kubenode.model.names import PodKey
from kubenode.model.specs import CgroupSpec, Hook, LinuxResources
from kubenode.model.volume_specs import PodDirectory, VolumeFact

# A pod's sandboxes and containers by id, each with its state: equal signatures mean that nothing happened.
Signature = frozenset[tuple[str, int]]


class State(StrEnum):
    """A container's state in the runtime.

    CREATED ──start──▶ RUNNING ──exit──▶ EXITED
       └────────start failed────────────────▲       UNKNOWN: the runtime lost track of it
    """

    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Sandbox:
    id: str
    uid: str
    attempt: int
    ready: bool
    created_at: float
    ips: tuple[str, ...] = ()
    log_directory: str = ""
    cgroup_parent: str = ""
    # When the pod began, whatever sandboxes it had before this one.
    pod_started_at: float = 0.0


class ProbeKind(StrEnum):
    STARTUP = "startup"
    READINESS = "readiness"
    LIVENESS = "liveness"


@dataclass(frozen=True, slots=True)
class ProbeState:
    """The last verdict of one probe: `passed` None before there is one. `message` is that of the last failure."""

    passed: bool | None = None
    message: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class ObservedContainer:
    id: str
    sandbox_id: str
    uid: str
    name: str
    attempt: int
    state: State
    created_at: float
    hash: str = ""
    started_at: float = 0.0
    finished_at: float = 0.0
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    image: str = ""
    image_id: str = ""
    restart_count: int = 0
    backoff_seconds: float | None = None
    grace_seconds: int = 30
    log_path: str = ""
    # What the container itself carries, for the time when its manifest is gone.
    pre_stop: Hook | None = None
    stop_order: int = 0
    # What the runtime says it gives; None where it does not tell.
    resources: LinuxResources | None = None
    probes: Mapping[ProbeKind, ProbeState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImageFact:
    """An image that is here, and the user it runs as: by number, by name, or neither (root)."""

    id: str
    uid: int | None = None
    username: str = ""


@dataclass(frozen=True, slots=True)
class ObservedPod:
    """All that the runtime holds under one pod key, of whatever UID; newest first.

    `images` answers for each image that was asked about: what is here, or None where it is missing. `volumes` does so
    by name for the volumes of the desired pod, `cgroup` for its cgroup (None: there is none, or nobody looked).
    """

    key: PodKey
    sandboxes: tuple[Sandbox, ...] = ()
    containers: tuple[ObservedContainer, ...] = ()
    images: Mapping[str, ImageFact | None] = field(default_factory=dict)
    volumes: Mapping[str, VolumeFact] = field(default_factory=dict)
    directories: tuple[PodDirectory, ...] = ()
    cgroup: CgroupSpec | None = None
    node: NodeFacts = field(default_factory=NodeFacts)
    # What the runtime's lists said when it was looked at.
    signature: Signature = field(default=frozenset(), compare=False, repr=False)

    @property
    def uids(self) -> frozenset[str]:
        return frozenset((*(one.uid for one in self.sandboxes), *(one.uid for one in self.directories)))

    @property
    def empty(self) -> bool:
        return not self.sandboxes and not self.containers and not self.directories


def addresses(first: str, more: Iterable[str]) -> tuple[str, ...]:
    """A sandbox's addresses as the runtime gives them, without the empty ones."""
    return tuple(ip for ip in (first, *more) if ip)
