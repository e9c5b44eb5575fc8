"""What the runtime is asked for, as plain values: decided by plan/, translated to CRI messages by apply/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Namespace(StrEnum):
    """Whose namespace a pod or container uses."""

    POD = "pod"
    CONTAINER = "container"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class UserNamespace:
    """Users 0 to `length` - 1 inside are `host_id` and on outside."""

    host_id: int
    length: int


@dataclass(frozen=True, slots=True)
class Namespaces:
    """`user` None: the host's users."""

    network: Namespace = Namespace.POD
    pid: Namespace = Namespace.CONTAINER
    ipc: Namespace = Namespace.POD
    user: UserNamespace | None = None


@dataclass(frozen=True, slots=True)
class PortMapping:
    protocol: str
    container_port: int
    host_port: int
    host_ip: str = ""


@dataclass(frozen=True, slots=True)
class Seccomp:
    """`type` is RuntimeDefault, Unconfined or Localhost; `path` the profile's absolute path for Localhost."""

    type: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class AppArmor:
    """`type` as in Seccomp; `profile` the name of a profile that the kernel has, for Localhost."""

    type: str
    profile: str = ""


@dataclass(frozen=True, slots=True)
class SELinux:
    user: str = ""
    role: str = ""
    type: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class Dns:
    """The lines of a sandbox's resolv.conf. All empty: the runtime uses the host's."""

    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


class Propagation(StrEnum):
    NONE = "None"
    HOST_TO_CONTAINER = "HostToContainer"
    BIDIRECTIONAL = "Bidirectional"


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of the host, or the content of an image, in a container.

    With `image` the runtime mounts that image, or `image_sub_path` in it, and `host_path` is empty.
    """

    container_path: str
    host_path: str = ""
    read_only: bool = False
    recursive_read_only: bool = False
    propagation: Propagation = Propagation.NONE
    image: str = ""
    image_sub_path: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the host; permissions: of r (read), w (write) and m (mknod)."""

    container_path: str
    host_path: str
    permissions: str


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    name: str
    namespace: str
    uid: str
    attempt: int
    hostname: str
    log_directory: str
    cgroup_parent: str
    namespaces: Namespaces
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    ports: tuple[PortMapping, ...] = ()
    privileged: bool = False
    run_as_user: int | None = None
    run_as_group: int | None = None
    supplemental_groups: tuple[int, ...] = ()
    supplemental_groups_policy: str = "Merge"
    seccomp: Seccomp = Seccomp("RuntimeDefault")
    selinux: SELinux | None = None
    sysctls: Mapping[str, str] = field(default_factory=dict)
    dns: Dns = Dns()
    runtime_handler: str = ""


@dataclass(frozen=True, slots=True)
class LinuxResources:
    """cpu_shares 2..262144; cpu_quota and cpu_period in µs (quota 0: no limit); memory_limit in bytes (0: none).

    `huge_pages` are limits in bytes by page size as the runtime writes it ("2MB", "1GB"). To a container that runs 0
    means no change: there -1 takes a quota or a limit away.
    """

    cpu_shares: int
    cpu_period: int
    cpu_quota: int
    memory_limit: int
    oom_score_adj: int
    huge_pages: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    name: str
    attempt: int
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    working_dir: str
    # Values of Secrets stand here: no representation shows them.
    env: tuple[tuple[str, str], ...] = field(repr=False)
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    log_path: str
    resources: LinuxResources
    namespaces: Namespaces
    privileged: bool = False
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool = False
    supplemental_groups: tuple[int, ...] = ()
    supplemental_groups_policy: str = "Merge"
    read_only_root: bool = False
    no_new_privileges: bool = False
    add_capabilities: tuple[str, ...] = ()
    drop_capabilities: tuple[str, ...] = ()
    seccomp: Seccomp = Seccomp("Unconfined")
    apparmor: AppArmor | None = None
    selinux: SELinux | None = None
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    devices: tuple[Device, ...] = ()
    # The host's file behind terminationMessagePath; empty: none is made.
    termination_log: str = ""
    stop_signal: str = ""
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True)
class ExecHook:
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HttpHook:
    """`host` empty: the pod's own address."""

    scheme: str
    host: str
    port: int
    path: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SleepHook:
    seconds: int


# What is carried out right after a container's start, or before its stop.
Hook = ExecHook | HttpHook | SleepHook


@dataclass(frozen=True, slots=True)
class HostsFile:
    """A pod's /etc/hosts, kept at `path` on the host; `ips` empty: those of the sandbox made in the same plan.

    `copied_from`: the node's file that it begins with, instead of the pod's own names.
    """

    path: str
    hostnames: tuple[str, ...]
    ips: tuple[str, ...] = ()
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()
    copied_from: str = ""


@dataclass(frozen=True, slots=True)
class RegistryAuth:
    """Credentials for the registries whose names match `registry`, by the rules of image pull secrets."""

    registry: str
    username: str = ""
    password: str = field(default="", repr=False)
    auth: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CgroupSpec:
    """A cgroup of our own: `name` as the driver writes it; quota, period and limit as in LinuxResources; `pids` 0: no
    limit.

    `cpu_shares` 0 leaves them as they are.
    """

    name: str
    cpu_shares: int = 0
    cpu_quota: int = 0
    cpu_period: int = 0
    memory_limit: int = 0
    pids: int = 0
    huge_pages: tuple[tuple[str, int], ...] = ()
