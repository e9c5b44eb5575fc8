"""`v1.Pod`, decoded strictly: a field not listed here is an error with its path.

`NOT_RUN` are fields that Kubernetes knows and a node alone cannot honour. They are refused rather than ignored, since
a pod without its claim or its token is not the pod that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from kubenode.model.names import PodKey
from kubenode.model.probes import Lifecycle, Probe
from kubenode.model.schema import Object, Quantity
from kubenode.model.security import PodSecurityContext, SecurityContext
from kubenode.model.volumes import ObjectFieldSelector, ResourceFieldSelector, Volume, VolumeMount


class KeySelector(Object, frozen=True, kw_only=True):
    """A key of a ConfigMap or a Secret."""

    name: str = ""
    key: str
    optional: bool = False


class EnvVarSource(Object, frozen=True, kw_only=True):
    """Exactly one is set."""

    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None


class EnvVar(Object, frozen=True, kw_only=True):
    name: str
    value: str = ""
    value_from: EnvVarSource | None = None


class ObjectReference(Object, frozen=True, kw_only=True):
    name: str = ""
    optional: bool = False


class EnvFromSource(Object, frozen=True, kw_only=True):
    """Exactly one reference is set."""

    prefix: str = ""
    config_map_ref: ObjectReference | None = None
    secret_ref: ObjectReference | None = None


class ContainerPort(Object, frozen=True, kw_only=True):
    container_port: int
    host_port: int = 0
    host_ip: str = msgspec.field(name="hostIP", default="")
    protocol: str = "TCP"
    name: str = ""


class Resources(Object, frozen=True, kw_only=True):
    limits: dict[str, Quantity] = {}
    requests: dict[str, Quantity] = {}


class ResizePolicy(Object, frozen=True, kw_only=True):
    resource_name: str
    restart_policy: str


class ExitCodes(Object, frozen=True, kw_only=True):
    """`operator` is In or NotIn."""

    operator: str
    values: list[int] = []


class RestartRule(Object, frozen=True, kw_only=True):
    """`action` is Restart."""

    action: str
    exit_codes: ExitCodes | None = None


class Container(Object, frozen=True, kw_only=True):
    """A container of any of the pod's lists; `restart_policy` Always makes an init container a sidecar."""

    name: str
    image: str
    command: list[str] = []
    args: list[str] = []
    working_dir: str = ""
    env: list[EnvVar] = []
    env_from: list[EnvFromSource] = []
    ports: list[ContainerPort] = []
    resources: Resources = Resources()
    resize_policy: list[ResizePolicy] = []
    restart_policy: str = ""
    restart_policy_rules: list[RestartRule] = []
    image_pull_policy: str = ""
    security_context: SecurityContext = SecurityContext()
    volume_mounts: list[VolumeMount] = []
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle = Lifecycle()
    termination_message_path: str = "/dev/termination-log"
    termination_message_policy: str = "File"
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False


class HostAlias(Object, frozen=True, kw_only=True):
    ip: str
    hostnames: list[str] = []


class DnsOption(Object, frozen=True, kw_only=True):
    name: str
    value: str | None = None


class DnsConfig(Object, frozen=True, kw_only=True):
    nameservers: list[str] = []
    searches: list[str] = []
    options: list[DnsOption] = []


class PodOS(Object, frozen=True, kw_only=True):
    name: str


class LocalObjectReference(Object, frozen=True, kw_only=True):
    name: str = ""


class PodSpec(Object, frozen=True, kw_only=True):
    containers: list[Container]
    init_containers: list[Container] = []
    volumes: list[Volume] = []
    restart_policy: str = "Always"
    termination_grace_period_seconds: int = 30
    active_deadline_seconds: int | None = None
    host_network: bool = False
    host_pid: bool = msgspec.field(name="hostPID", default=False)
    host_ipc: bool = msgspec.field(name="hostIPC", default=False)
    host_users: bool = True
    share_process_namespace: bool = False
    hostname: str = ""
    subdomain: str = ""
    set_hostname_as_fqdn: bool = msgspec.field(name="setHostnameAsFQDN", default=False)
    hostname_override: str | None = None
    host_aliases: list[HostAlias] = []
    dns_policy: str = "ClusterFirst"
    dns_config: DnsConfig | None = None
    runtime_class_name: str = ""
    overhead: dict[str, Quantity] = {}
    resources: Resources = Resources()
    security_context: PodSecurityContext = PodSecurityContext()
    image_pull_secrets: list[LocalObjectReference] = []
    os: PodOS | None = None
    priority: int = 0
    priority_class_name: str = ""
    node_name: str = ""
    node_selector: dict[str, str] = {}
    # Placement is decided already when a pod stands in a node's own directory.
    tolerations: list[Any] = []
    affinity: Any = None
    scheduler_name: str = "default-scheduler"
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


def is_sidecar(container: Container) -> bool:
    """Of an init container: whether it keeps running beside the others."""
    return container.restart_policy == "Always"


def all_containers(spec: PodSpec) -> Iterator[Container]:
    """Init containers first, each list in the order of the manifest."""
    yield from spec.init_containers
    yield from spec.containers


NOT_RUN = {
    "ephemeralContainers": "they are added to a running pod through an API server, not written in a manifest",
    "readinessGates": "their conditions are set by controllers of a cluster",
    "resourceClaims": "devices are claimed through an API server",
    "claims": "devices are claimed through an API server",
    "schedulingGates": "a pod in a manifest directory is placed already",
    "windowsOptions": "kubenode runs on Linux",
    "volumeDevices": "block devices come from a cluster's persistent volumes",
    "persistentVolumeClaim": "claims are bound in a cluster: mount the directory with hostPath",
    "serviceAccountToken": "tokens are issued by an API server",
    "clusterTrustBundle": "trust bundles are kept by an API server: use a ConfigMap",
    "podCertificate": "certificates are issued by an API server: use a Secret",
    "ephemeral": "claims are bound in a cluster: use emptyDir",
    "csi": "CSI volumes in pods are not supported by this version",
    "nfs": "mount it on the node, and the directory with hostPath",
    "iscsi": "mount it on the node, and the directory with hostPath",
    **dict.fromkeys(
        "awsElasticBlockStore azureDisk azureFile cephfs cinder fc flexVolume flocker gcePersistentDisk glusterfs "
        "photonPersistentDisk portworxVolume quobyte rbd scaleIO storageos vsphereVolume".split(),
        "mount it on the node, and the directory with hostPath",
    ),
    "gitRepo": "clone it in an init container, into an emptyDir",
    "fileKeyRef": "variables from a container's files are not supported by this version",
    "finalizers": "they are for controllers of a cluster",
    "deletionTimestamp": "a pod ends when its manifest is gone",
    "deletionGracePeriodSeconds": "a pod ends when its manifest is gone",
}
