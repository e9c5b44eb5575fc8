"""What can be done to a node, and how it went: a plan is these values and nothing else acts.

An action that needs the id of something made earlier in the same plan leaves it empty: the executor knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kubenode.model.names import PodKey
from kubenode.model.specs import ContainerSpec, SandboxSpec


@dataclass(frozen=True, slots=True)
class RunSandbox:
    spec: SandboxSpec
    why: str


@dataclass(frozen=True, slots=True)
class PullImage:
    image: str
    why: str
    container: str


@dataclass(frozen=True, slots=True)
class CreateContainer:
    spec: ContainerSpec
    sandbox: SandboxSpec
    sandbox_id: str
    why: str

    @property
    def container(self) -> str:
        return self.spec.name


@dataclass(frozen=True, slots=True)
class StartContainer:
    container: str
    container_id: str
    why: str


@dataclass(frozen=True, slots=True)
class StopContainer:
    container: str
    container_id: str
    grace_seconds: int
    why: str


@dataclass(frozen=True, slots=True)
class StopSandbox:
    sandbox_id: str
    why: str


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    container: str
    container_id: str
    log_path: str
    why: str


@dataclass(frozen=True, slots=True)
class CleanUpPod:
    """Remove what a pod leaves outside the runtime: its log directory and its cgroup."""

    log_directory: str
    cgroup_parent: str
    why: str


@dataclass(frozen=True, slots=True)
class RemoveSandbox:
    sandbox_id: str
    why: str


Action = (
    RunSandbox
    | PullImage
    | CreateContainer
    | StartContainer
    | StopContainer
    | StopSandbox
    | RemoveContainer
    | CleanUpPod
    | RemoveSandbox
)


def verb(action: Action) -> str:
    """The action in words a person reads in a plan: what, and on which object."""
    match action:
        case RunSandbox():
            return f"run sandbox, attempt {action.spec.attempt}"
        case PullImage():
            return f"pull image {action.image}"
        case CreateContainer():
            return f"create container {action.container} from {action.spec.image}"
        case StartContainer():
            return f"start container {action.container}"
        case StopContainer():
            return f"stop container {action.container} within {action.grace_seconds} s"
        case StopSandbox():
            return f"stop sandbox {action.sandbox_id[:13]}"
        case RemoveContainer():
            return f"remove container {action.container} {action.container_id[:13]}"
        case CleanUpPod():
            return f"remove logs {action.log_directory}" if action.log_directory else "remove cgroup"
        case RemoveSandbox():
            return f"remove sandbox {action.sandbox_id[:13]}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do for one pod now, in order, and when to look again (seconds since the epoch; None: on news only)."""

    key: PodKey
    actions: tuple[Action, ...] = ()
    wake_at: float | None = None


class Result(StrEnum):
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one action went, and how many seconds it took.

    A failure carries Kubernetes' reason for it and a sentence that says what came back.
    """

    action: Action
    result: Result
    reason: str = ""
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """The last of `count` failures in a row at the same thing; `at` in seconds since the epoch."""

    count: int
    at: float
    reason: str
    message: str
