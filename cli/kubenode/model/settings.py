"""The agent's settings: a `KubeletConfiguration` as operators know it, and what is ours alone beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from kubenode.model.duration import parse_duration
from kubenode.model.schema import Quantity

KUBELET_API_VERSION = "kubelet.config.k8s.io/v1beta1"
KUBENODE_API_VERSION = "kubenode.io/v1alpha1"
DEFAULT_CPU_PERIOD_US = 100_000


class Section(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of configuration sections."""


class CrashLoopBackOff(Section, frozen=True, kw_only=True):
    max_container_restart_period: str = "5m"


class KubeletConfiguration(Section, frozen=True, kw_only=True):
    """The fields of kubelet.config.k8s.io/v1beta1 that this version honours. Durations are Go duration strings.

    Where the kubelet has a default that its users suffer from (serial image pulls) ours differs; docs/configuration.md
    lists every field.
    """

    api_version: str = KUBELET_API_VERSION
    kind: str = "KubeletConfiguration"
    static_pod_path: str = ""
    static_pod_url: str = msgspec.field(name="staticPodURL", default="")
    static_pod_url_header: dict[str, list[str]] = msgspec.field(name="staticPodURLHeader", default_factory=dict)
    file_check_frequency: str = "20s"
    http_check_frequency: str = "20s"
    sync_frequency: str = "1m"
    container_runtime_endpoint: str = ""
    image_service_endpoint: str = ""
    runtime_request_timeout: str = "2m"
    serialize_image_pulls: bool = False
    max_parallel_image_pulls: int = 5
    healthz_bind_address: str = "127.0.0.1"
    healthz_port: int = 10248
    cgroup_driver: str = "cgroupfs"
    cgroup_root: str = ""
    pod_logs_dir: str = "/var/log/pods"
    seccomp_default: bool = False
    allowed_unsafe_sysctls: list[str] = []
    cluster_dns: list[str] = msgspec.field(name="clusterDNS", default_factory=list)
    cluster_domain: str = ""
    resolv_conf: str = "/etc/resolv.conf"
    oom_score_adj: int = -999
    eviction_hard: dict[str, str] = {}
    crash_loop_back_off: CrashLoopBackOff = CrashLoopBackOff()
    max_pods: int = 110
    pods_per_core: int = 0
    pod_pids_limit: int = -1
    kube_reserved: dict[str, Quantity] = {}
    system_reserved: dict[str, Quantity] = {}
    enforce_node_allocatable: list[str] = msgspec.field(default_factory=lambda: ["pods"])
    cgroups_per_qos: bool = msgspec.field(name="cgroupsPerQOS", default=True)
    cpu_cfs_quota: bool = msgspec.field(name="cpuCFSQuota", default=True)
    cpu_cfs_quota_period: str = msgspec.field(name="cpuCFSQuotaPeriod", default="100ms")


class KubenodeConfiguration(Section, frozen=True, kw_only=True):
    """What no kubelet has. It stands as a second document in the same file."""

    api_version: str = KUBENODE_API_VERSION
    kind: str = "KubenodeConfiguration"
    node_name: str = ""
    root_directory: str = "/var/lib/kubelet"
    run_directory: str = "/run/kubenode"
    container_logs_directory: str = "/var/log/containers"
    max_parallel_pod_starts: int = 4
    node_labels: dict[str, str] = {}
    local_objects_path: str = ""
    # One address, or one of each family after a comma; empty: those that the default routes lead through.
    node_ip: str = msgspec.field(name="nodeIP", default="")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The two sections together, with durations as seconds and paths joined. `warnings` are for people."""

    kubelet: KubeletConfiguration = KubeletConfiguration()
    kubenode: KubenodeConfiguration = KubenodeConfiguration()
    node_name: str
    memory_capacity: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def node_ips(self) -> tuple[str, ...]:
        """As configured; empty where the node is to find out."""
        return tuple(ip.strip() for ip in self.kubenode.node_ip.split(",") if ip.strip())

    @property
    def admin_socket(self) -> Path:
        return Path(self.kubenode.run_directory) / "agent.sock"

    @property
    def lock_file(self) -> Path:
        return Path(self.kubenode.run_directory) / "lock"

    @property
    def state_directory(self) -> Path:
        return Path(self.kubenode.root_directory) / "kubenode"

    @property
    def kept_probes(self) -> Path:
        return self.state_directory / "probes.json"

    @property
    def file_check_seconds(self) -> float:
        return parse_duration(self.kubelet.file_check_frequency)

    @property
    def http_check_seconds(self) -> float:
        return parse_duration(self.kubelet.http_check_frequency)

    @property
    def sync_seconds(self) -> float:
        return parse_duration(self.kubelet.sync_frequency)

    @property
    def request_timeout_seconds(self) -> float:
        return parse_duration(self.kubelet.runtime_request_timeout)

    @property
    def max_backoff_seconds(self) -> float:
        return parse_duration(self.kubelet.crash_loop_back_off.max_container_restart_period)

    @property
    def parallel_pulls(self) -> int:
        return 1 if self.kubelet.serialize_image_pulls else self.kubelet.max_parallel_image_pulls

    @property
    def cpu_quota_period(self) -> int:
        """In µs; 0 where CPU limits are not enforced."""
        seconds = parse_duration(self.kubelet.cpu_cfs_quota_period) if self.kubelet.cpu_cfs_quota else 0.0
        return round(seconds * 1_000_000)

    @property
    def eviction_hard(self) -> dict[str, str]:
        """The kubelet's hard thresholds, each replaceable by the configuration."""
        return {**DEFAULT_EVICTION_HARD, **self.kubelet.eviction_hard}


DEFAULT_EVICTION_HARD = {
    "memory.available": "100Mi",
    "nodefs.available": "10%",
    "nodefs.inodesFree": "5%",
    "imagefs.available": "15%",
    "imagefs.inodesFree": "5%",
    "pid.available": "0",
}

# Fields that the kubelet has and this version does not act on: accepted, and said so.
UNSUPPORTED_FIELDS = frozenset(
    (
        "address authentication authorization "
        "configMapAndSecretChangeDetectionStrategy containerLogMaxFiles containerLogMaxSize containerLogMaxWorkers "
        "containerLogMonitorInterval contentType cpuManagerPolicy "
        "cpuManagerPolicyOptions cpuManagerReconcilePeriod draManagerReconcilePeriod "
        "enableContentionProfiling enableControllerAttachDetach "
        "enableDebugFlagsHandler enableDebuggingHandlers enableProfilingHandler enableServer enableSystemLogHandler "
        "enableSystemLogQuery eventBurst eventRecordQPS evictionMaxPodGracePeriod "
        "evictionMinimumReclaim evictionPressureTransitionPeriod evictionSoft evictionSoftGracePeriod failCgroupV1 "
        "failSwapOn featureGates hairpinMode imageGCHighThresholdPercent imageGCLowThresholdPercent "
        "imageMaximumGCAge imageMinimumGCAge imagePullCredentialsVerificationPolicy iptablesDropBit "
        "iptablesMasqueradeBit kernelMemcgNotification kubeAPIBurst kubeAPIQPS kubeReservedCgroup "
        "kubeletCgroups localStorageCapacityIsolation logging makeIPTablesUtilChains maxOpenFiles "
        "memoryManagerPolicy memoryReservationPolicy memorySwap memoryThrottlingFactor "
        "mergeDefaultEvictionSettings nodeLeaseDurationSeconds "
        "nodeStatusMaxImages nodeStatusReportFrequency nodeStatusUpdateFrequency podCIDR "
        "port preloadedImagesVerificationAllowlist protectKernelDefaults providerID qosReserved readOnlyPort "
        "registerNode registerWithTaints registryBurst registryPullQPS reservedMemory reservedSystemCPUs "
        "rotateCertificates runOnce serverTLSBootstrap showHiddenMetricsForVersion shutdownGracePeriod "
        "shutdownGracePeriodByPodPriority shutdownGracePeriodCriticalPods singleProcessOOMKill "
        "streamingConnectionIdleTimeout systemCgroups systemReservedCgroup "
        "tlsCertFile tlsCipherSuites tlsCurvePreferences tlsMinVersion tlsPrivateKeyFile topologyManagerPolicy "
        "topologyManagerPolicyOptions topologyManagerScope tracing userNamespaces volumePluginDir "
        "volumeStatsAggPeriod"
    ).split()
)


def split_unsupported(section: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The section without the fields that this version does not act on, and the names of those, sorted."""
    unsupported = sorted(UNSUPPORTED_FIELDS & section.keys())
    return {name: value for name, value in section.items() if name not in UNSUPPORTED_FIELDS}, unsupported
