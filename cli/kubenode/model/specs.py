"""What the runtime is asked for, as plain values: decided by plan/, translated to CRI messages by apply/."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Namespace(StrEnum):
    """Whose namespace a pod or container uses."""

    POD = "pod"
    CONTAINER = "container"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Namespaces:
    network: Namespace = Namespace.POD
    pid: Namespace = Namespace.CONTAINER
    ipc: Namespace = Namespace.POD


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
    seccomp: Seccomp = Seccomp("RuntimeDefault")
    runtime_handler: str = ""


@dataclass(frozen=True, slots=True)
class LinuxResources:
    """cpu_shares 2..262144; cpu_quota and cpu_period in µs (quota 0: no limit); memory_limit in bytes (0: none)."""

    cpu_shares: int
    cpu_period: int
    cpu_quota: int
    memory_limit: int
    oom_score_adj: int


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    name: str
    attempt: int
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    working_dir: str
    env: tuple[tuple[str, str], ...]
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
    read_only_root: bool = False
    no_new_privileges: bool = False
    add_capabilities: tuple[str, ...] = ()
    drop_capabilities: tuple[str, ...] = ()
    seccomp: Seccomp = Seccomp("Unconfined")
    masked_paths: tuple[str, ...] = ()
    readonly_paths: tuple[str, ...] = ()
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
