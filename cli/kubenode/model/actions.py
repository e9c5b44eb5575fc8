"""What can be done to a node, and how it went: a plan is these values and nothing else acts.

Each action says by its `verb`, in the words a person reads in a plan, what it does, and on which object.

An action that needs the id of something made earlier in the same plan leaves it empty: the executor knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kubenode.model.names import PodKey
from kubenode.model.specs import (
    CgroupSpec,
    ContainerSpec,
    Hook,
    HostsFile,
    LinuxResources,
    RegistryAuth,
    SandboxSpec,
)
from kubenode.model.volume_specs import SubPath, VolumeSpec


@dataclass(frozen=True, slots=True)
class MakePodDirectory:
    """A pod's own directory, marked with the key and UID it is for, so that it is found when all else is gone.

    The mark also tells what the pod leaves elsewhere, before any of it is there.
    """

    path: str
    key: PodKey
    uid: str
    why: str
    log_directory: str = ""
    cgroup_parent: str = ""

    @property
    def verb(self) -> str:
        return f"make directory {self.path}"


@dataclass(frozen=True, slots=True)
class SetUpVolume:
    """Make a volume, or bring one that is there up to date."""

    volume: VolumeSpec
    why: str

    @property
    def verb(self) -> str:
        return f"set up volume {self.volume.name}"


@dataclass(frozen=True, slots=True)
class SetCgroup:
    """Make a pod's cgroup, or give it other limits."""

    spec: CgroupSpec
    why: str

    @property
    def verb(self) -> str:
        return f"set cgroup {self.spec.name}"


@dataclass(frozen=True, slots=True)
class RunSandbox:
    spec: SandboxSpec
    why: str

    @property
    def verb(self) -> str:
        return f"run sandbox, attempt {self.spec.attempt}"


@dataclass(frozen=True, slots=True)
class PullImage:
    image: str
    why: str
    container: str
    auths: tuple[RegistryAuth, ...] = ()

    @property
    def verb(self) -> str:
        return f"pull image {self.image}"


@dataclass(frozen=True, slots=True)
class WriteHosts:
    spec: HostsFile
    why: str

    @property
    def verb(self) -> str:
        return "write /etc/hosts"


@dataclass(frozen=True, slots=True)
class BindSubPath:
    container: str
    sub_path: SubPath
    why: str

    @property
    def verb(self) -> str:
        return f"bind {self.sub_path.path} for container {self.container}"


@dataclass(frozen=True, slots=True)
class CreateContainer:
    spec: ContainerSpec
    sandbox: SandboxSpec
    sandbox_id: str
    why: str

    @property
    def container(self) -> str:
        return self.spec.name

    @property
    def verb(self) -> str:
        return f"create container {self.container} from {self.spec.image}"


@dataclass(frozen=True, slots=True)
class StartContainer:
    """`log_path`: of a container that an earlier plan made, and may not have come to link."""

    container: str
    container_id: str
    why: str
    log_path: str = ""

    @property
    def verb(self) -> str:
        return f"start container {self.container}"


@dataclass(frozen=True, slots=True)
class PostStart:
    """Carry out the hook of a container that was just started; while it lasts the pod's other steps wait."""

    container: str
    container_id: str
    hook: Hook
    why: str
    pod_ip: str = ""

    @property
    def verb(self) -> str:
        return f"run the postStart hook of container {self.container}"


@dataclass(frozen=True, slots=True)
class UpdateContainer:
    """Give a running container other resources."""

    container: str
    container_id: str
    resources: LinuxResources
    why: str

    @property
    def verb(self) -> str:
        return f"resize container {self.container}"


@dataclass(frozen=True, slots=True)
class StopContainer:
    """Hook first, then the signal, within the grace together.

    Stops that stand next to each other run side by side, those of a higher `order` once the lower have ended; the
    grace of all counts from the first.
    """

    container: str
    container_id: str
    grace_seconds: int
    why: str
    hook: Hook | None = None
    order: int = 0
    pod_ip: str = ""

    @property
    def verb(self) -> str:
        return f"stop container {self.container} within {self.grace_seconds} s"


@dataclass(frozen=True, slots=True)
class StopSandbox:
    sandbox_id: str
    why: str

    @property
    def verb(self) -> str:
        return f"stop sandbox {self.sandbox_id[:13]}"


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    container: str
    container_id: str
    log_path: str
    why: str

    @property
    def verb(self) -> str:
        return f"remove container {self.container} {self.container_id[:13]}"


@dataclass(frozen=True, slots=True)
class CleanUpPod:
    """Remove what a pod leaves outside the runtime: its logs, its cgroup, and its directory with all mounts in it."""

    log_directory: str
    cgroup_parent: str
    why: str
    directory: str = ""

    @property
    def verb(self) -> str:
        if self.log_directory:
            return f"remove logs {self.log_directory}"
        return f"remove directory {self.directory}" if self.directory else "remove cgroup"


@dataclass(frozen=True, slots=True)
class RemoveSandbox:
    sandbox_id: str
    why: str

    @property
    def verb(self) -> str:
        return f"remove sandbox {self.sandbox_id[:13]}"


Action = (
    MakePodDirectory
    | SetUpVolume
    | SetCgroup
    | RunSandbox
    | WriteHosts
    | PullImage
    | BindSubPath
    | CreateContainer
    | StartContainer
    | PostStart
    | UpdateContainer
    | StopContainer
    | StopSandbox
    | RemoveContainer
    | CleanUpPod
    | RemoveSandbox
)


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
