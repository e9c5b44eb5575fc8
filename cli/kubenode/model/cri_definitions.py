"""Sandboxes and containers as tasks of the collection define them: one at a time, without a pod's manifest.

Names of fields are those of the modules' options. A field that is not set is its default, and no part of a definition.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kubenode.model.schema import Quantity

# YAML makes numbers of some texts. True and 1.10 are refused: how they were spelled is lost.
Text = str | int


class Definition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all parts of a definition."""


class Port(Definition, frozen=True, kw_only=True):
    container_port: int
    host_port: int
    host_ip: str = ""
    protocol: Literal["TCP", "UDP", "SCTP"] = "TCP"


class DnsOptions(Definition, frozen=True, kw_only=True):
    servers: list[str] = []
    searches: list[str] = []
    options: list[str] = []


class SeccompOptions(Definition, frozen=True, kw_only=True):
    """`path`: of a profile on the node, for Localhost."""

    type: Literal["RuntimeDefault", "Unconfined", "Localhost"] = "RuntimeDefault"
    path: str = ""


class AppArmorOptions(Definition, frozen=True, kw_only=True):
    """`profile`: the name under which the kernel has it, for Localhost."""

    type: Literal["RuntimeDefault", "Unconfined", "Localhost"] = "RuntimeDefault"
    profile: str = ""


class SELinuxLabels(Definition, frozen=True, kw_only=True):
    user: str = ""
    role: str = ""
    type: str = ""
    level: str = ""


class PodSecurity(Definition, frozen=True, kw_only=True):
    privileged: bool = False
    run_as_user: int | None = None
    run_as_group: int | None = None
    supplemental_groups: list[int] = []
    seccomp: SeccompOptions = SeccompOptions()
    selinux: SELinuxLabels | None = None


class PodDefinition(Definition, frozen=True, kw_only=True):
    """A sandbox. `config`: a PodSandboxConfig of the CRI in proto-JSON, merged into what the rest comes to."""

    uid: str = ""
    hostname: str = ""
    labels: dict[str, Text] = {}
    annotations: dict[str, Text] = {}
    ports: list[Port] = []
    dns: DnsOptions = DnsOptions()
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_process_namespace: bool = False
    sysctls: dict[str, Text] = {}
    log_directory: str = ""
    cgroup_parent: str = ""
    runtime_handler: str = ""
    security: PodSecurity = PodSecurity()
    config: dict[str, Any] = {}


class MountOptions(Definition, frozen=True, kw_only=True):
    """Something of the host, or the content of an image: one of `host_path` and `image` is set."""

    container_path: str
    host_path: str = ""
    image: str = ""
    image_sub_path: str = ""
    read_only: bool = False
    recursive_read_only: bool = False
    propagation: Literal["None", "HostToContainer", "Bidirectional"] = "None"


class DeviceOptions(Definition, frozen=True, kw_only=True):
    """`container_path` empty: as on the host."""

    host_path: str
    container_path: str = ""
    permissions: str = "rwm"


class ResourceOptions(Definition, frozen=True, kw_only=True):
    """requests: cpu; limits: cpu, memory and huge pages (hugepages-2Mi)."""

    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}
    oom_score_adj: int = 0


class CapabilityOptions(Definition, frozen=True, kw_only=True):
    add: list[str] = []
    drop: list[str] = []


class ContainerSecurity(Definition, frozen=True, kw_only=True):
    privileged: bool = False
    run_as_user: int | None = None
    run_as_group: int | None = None
    supplemental_groups: list[int] = []
    capabilities: CapabilityOptions = CapabilityOptions()
    read_only_root: bool = False
    no_new_privileges: bool = False
    seccomp: SeccompOptions = SeccompOptions()
    apparmor: AppArmorOptions | None = None
    selinux: SELinuxLabels | None = None


class ContainerDefinition(Definition, frozen=True, kw_only=True):
    """A container. `config`: a ContainerConfig of the CRI in proto-JSON, merged into what the rest comes to.

    `image` empty: the container is only named, and keeps the definition it has.
    """

    name: str
    image: str = ""
    command: list[Text] = []
    args: list[Text] = []
    env: dict[str, Text] = {}
    working_dir: str = ""
    mounts: list[MountOptions] = []
    devices: list[DeviceOptions] = []
    labels: dict[str, Text] = {}
    annotations: dict[str, Text] = {}
    log_path: str = ""
    resources: ResourceOptions = ResourceOptions()
    security: ContainerSecurity = ContainerSecurity()
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False
    stop_grace_seconds: int | None = None
    config: dict[str, Any] = {}

    def __repr__(self) -> str:
        """Without values of env, which are often secrets."""
        return f"ContainerDefinition({self.name!r}, {self.image!r})"
