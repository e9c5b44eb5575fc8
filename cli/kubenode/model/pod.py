"""The part of `v1.Pod` that this version runs, decoded strictly: a field not listed here is an error with its path.

`NOT_RUN_YET` are fields that Kubernetes knows and this version cannot honour. They are refused rather than ignored,
since a pod without its volumes or probes is not the pod that was asked for.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kubenode.model.names import PodKey


class Object(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """Base of all manifest types. Defaults are left out when encoded, so that hashes outlive new fields."""


class EnvVar(Object, frozen=True, kw_only=True):
    name: str
    value: str = ""


class ContainerPort(Object, frozen=True, kw_only=True):
    container_port: int
    host_port: int = 0
    host_ip: str = msgspec.field(name="hostIP", default="")
    protocol: str = "TCP"
    name: str = ""


class Resources(Object, frozen=True, kw_only=True):
    limits: dict[str, str | int | float] = {}
    requests: dict[str, str | int | float] = {}


class Capabilities(Object, frozen=True, kw_only=True):
    add: list[str] = []
    drop: list[str] = []


class SeccompProfile(Object, frozen=True, kw_only=True):
    type: str
    localhost_profile: str = ""


class SecurityContext(Object, frozen=True, kw_only=True):
    """A container's security context; unset fields fall back to the pod's."""

    privileged: bool = False
    allow_privilege_escalation: bool | None = None
    read_only_root_filesystem: bool = False
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    capabilities: Capabilities = Capabilities()
    seccomp_profile: SeccompProfile | None = None


class PodSecurityContext(Object, frozen=True, kw_only=True):
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    supplemental_groups: list[int] = []
    seccomp_profile: SeccompProfile | None = None


class Container(Object, frozen=True, kw_only=True):
    name: str
    image: str
    command: list[str] = []
    args: list[str] = []
    working_dir: str = ""
    env: list[EnvVar] = []
    ports: list[ContainerPort] = []
    resources: Resources = Resources()
    image_pull_policy: str = ""
    security_context: SecurityContext = SecurityContext()
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False


class PodSpec(Object, frozen=True, kw_only=True):
    containers: list[Container]
    restart_policy: str = "Always"
    termination_grace_period_seconds: int = 30
    host_network: bool = False
    host_pid: bool = msgspec.field(name="hostPID", default=False)
    host_ipc: bool = msgspec.field(name="hostIPC", default=False)
    share_process_namespace: bool = False
    hostname: str = ""
    runtime_class_name: str = ""
    security_context: PodSecurityContext = PodSecurityContext()
    dns_policy: str = "ClusterFirst"
    priority: int = 0
    priority_class_name: str = ""
    node_name: str = ""
    # Placement is decided already when a pod stands in a node's own directory.
    tolerations: list[Any] = []
    affinity: Any = None
    scheduler_name: str = ""
    topology_spread_constraints: list[Any] = []
    preemption_policy: str = ""
    # Without an API server there are no services and no tokens.
    enable_service_links: bool = True
    automount_service_account_token: bool = False
    service_account_name: str = ""
    service_account: str = ""


class Metadata(Object, frozen=True, kw_only=True):
    name: str
    namespace: str = "default"
    uid: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    # Written by API servers and generators; without meaning on a node.
    creation_timestamp: str | None = None
    generate_name: str = ""
    generation: int = 0
    resource_version: str = ""
    self_link: str = ""
    owner_references: list[Any] = []
    managed_fields: list[Any] = []


class Pod(Object, frozen=True, kw_only=True):
    api_version: str
    kind: str
    metadata: Metadata
    spec: PodSpec
    status: Any = None

    @property
    def key(self) -> PodKey:
        return PodKey(self.metadata.namespace, self.metadata.name)


NOT_RUN_YET = frozenset(
    {
        # of the pod
        *("volumes", "initContainers", "ephemeralContainers", "activeDeadlineSeconds", "nodeSelector", "hostAliases"),
        *("subdomain", "setHostnameAsFQDN", "dnsConfig", "imagePullSecrets", "readinessGates", "overhead", "os"),
        *("hostUsers", "resourceClaims", "schedulingGates", "finalizers", "deletionGracePeriodSeconds"),
        # of a container
        *("envFrom", "valueFrom", "volumeMounts", "volumeDevices", "livenessProbe", "readinessProbe", "startupProbe"),
        *("lifecycle", "terminationMessagePath", "terminationMessagePolicy", "resizePolicy", "restartPolicy", "claims"),
        *("restartPolicyRules",),
        # of the security contexts
        *("fsGroup", "fsGroupChangePolicy", "sysctls", "appArmorProfile", "seLinuxOptions", "windowsOptions"),
        *("procMount", "supplementalGroupsPolicy", "seLinuxChangePolicy"),
    }
)
