"""All fields of kubelet.config.k8s.io/v1beta1 as of Kubernetes 1.36, with their types.

model/settings.py has those that the agent acts on. Here a file is checked that a kubelet may read.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from kubenode.model.schema import Object, Quantity

Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
Int64 = int


class X509Authentication(Object, frozen=True, kw_only=True):
    client_ca_file: str | None = msgspec.field(name="clientCAFile", default=None)


class WebhookAuthentication(Object, frozen=True, kw_only=True):
    enabled: bool | None = None
    cache_ttl: str | None = msgspec.field(name="cacheTTL", default=None)


class AnonymousAuthentication(Object, frozen=True, kw_only=True):
    enabled: bool | None = None


class Authentication(Object, frozen=True, kw_only=True):
    x509: X509Authentication | None = None
    webhook: WebhookAuthentication | None = None
    anonymous: AnonymousAuthentication | None = None


class WebhookAuthorization(Object, frozen=True, kw_only=True):
    cache_authorized_ttl: str | None = msgspec.field(name="cacheAuthorizedTTL", default=None)
    cache_unauthorized_ttl: str | None = msgspec.field(name="cacheUnauthorizedTTL", default=None)


class Authorization(Object, frozen=True, kw_only=True):
    mode: str | None = None
    webhook: WebhookAuthorization | None = None


class MemorySwap(Object, frozen=True, kw_only=True):
    swap_behavior: str | None = None


class VModule(Object, frozen=True, kw_only=True):
    file_pattern: str | None = None
    verbosity: Int32 | None = None


class OutputRouting(Object, frozen=True, kw_only=True):
    split_stream: bool | None = None
    info_buffer_size: Quantity | None = None


class FormatOptions(Object, frozen=True, kw_only=True):
    text: OutputRouting | None = None
    json: OutputRouting | None = None


class Logging(Object, frozen=True, kw_only=True):
    """`flush_frequency` is a duration, or nanoseconds."""

    format: str | None = None
    flush_frequency: str | int | None = None
    verbosity: Int32 | None = None
    vmodule: list[VModule] | None = None
    options: FormatOptions | None = None


class ShutdownByPriority(Object, frozen=True, kw_only=True):
    priority: Int32
    shutdown_grace_period_seconds: Int64


class CrashLoop(Object, frozen=True, kw_only=True):
    max_container_restart_period: str | None = None


class ReservedMemory(Object, frozen=True, kw_only=True):
    numa_node: Int32
    limits: dict[str, Quantity]


class Taint(Object, frozen=True, kw_only=True):
    key: str
    value: str | None = None
    effect: str
    time_added: str | None = None


class Tracing(Object, frozen=True, kw_only=True):
    endpoint: str | None = None
    sampling_rate_per_million: Int32 | None = None


class UserNamespaces(Object, frozen=True, kw_only=True):
    ids_per_pod: Int64 | None = msgspec.field(name="idsPerPod", default=None)


class KubeletV1Beta1(Object, frozen=True, kw_only=True):
    """A field that is not here is in no kubelet. Durations are Go duration strings."""

    api_version: str | None = None
    kind: str | None = None
    # Pods' sources.
    static_pod_path: str | None = None
    static_pod_url: str | None = msgspec.field(name="staticPodURL", default=None)
    static_pod_url_header: dict[str, list[str]] | None = msgspec.field(name="staticPodURLHeader", default=None)
    file_check_frequency: str | None = None
    http_check_frequency: str | None = None
    sync_frequency: str | None = None
    run_once: bool | None = None
    pod_logs_dir: str | None = None
    # The server.
    enable_server: bool | None = None
    address: str | None = None
    port: Int32 | None = None
    read_only_port: Int32 | None = None
    healthz_port: Int32 | None = None
    healthz_bind_address: str | None = None
    tls_cert_file: str | None = None
    tls_private_key_file: str | None = None
    tls_cipher_suites: list[str] | None = None
    tls_curve_preferences: list[Int32] | None = None
    tls_min_version: str | None = None
    rotate_certificates: bool | None = None
    server_tls_bootstrap: bool | None = msgspec.field(name="serverTLSBootstrap", default=None)
    authentication: Authentication | None = None
    authorization: Authorization | None = None
    enable_debugging_handlers: bool | None = None
    enable_contention_profiling: bool | None = None
    enable_profiling_handler: bool | None = None
    enable_debug_flags_handler: bool | None = None
    enable_system_log_handler: bool | None = None
    enable_system_log_query: bool | None = None
    streaming_connection_idle_timeout: str | None = None
    show_hidden_metrics_for_version: str | None = None
    # Images and containers.
    container_runtime_endpoint: str | None = None
    image_service_endpoint: str | None = None
    runtime_request_timeout: str | None = None
    registry_pull_qps: Int32 | None = msgspec.field(name="registryPullQPS", default=None)
    registry_burst: Int32 | None = None
    serialize_image_pulls: bool | None = None
    max_parallel_image_pulls: Int32 | None = None
    image_pull_credentials_verification_policy: str | None = None
    preloaded_images_verification_allowlist: list[str] | None = None
    image_minimum_gc_age: str | None = msgspec.field(name="imageMinimumGCAge", default=None)
    image_maximum_gc_age: str | None = msgspec.field(name="imageMaximumGCAge", default=None)
    image_gc_high_threshold_percent: Int32 | None = msgspec.field(name="imageGCHighThresholdPercent", default=None)
    image_gc_low_threshold_percent: Int32 | None = msgspec.field(name="imageGCLowThresholdPercent", default=None)
    crash_loop_back_off: CrashLoop | None = None
    container_log_max_size: str | None = None
    container_log_max_files: Int32 | None = None
    container_log_max_workers: Int32 | None = None
    container_log_monitor_interval: str | None = None
    seccomp_default: bool | None = None
    user_namespaces: UserNamespaces | None = None
    # The API server, and what it is told.
    register_node: bool | None = None
    register_with_taints: list[Taint] | None = None
    provider_id: str | None = msgspec.field(name="providerID", default=None)
    node_status_update_frequency: str | None = None
    node_status_report_frequency: str | None = None
    node_status_max_images: Int32 | None = None
    node_lease_duration_seconds: Int32 | None = None
    event_record_qps: Int32 | None = msgspec.field(name="eventRecordQPS", default=None)
    event_burst: Int32 | None = None
    content_type: str | None = None
    kube_api_qps: Int32 | None = msgspec.field(name="kubeAPIQPS", default=None)
    kube_api_burst: Int32 | None = msgspec.field(name="kubeAPIBurst", default=None)
    config_map_and_secret_change_detection_strategy: str | None = None
    # What pods get.
    cluster_domain: str | None = None
    cluster_dns: list[str] | None = msgspec.field(name="clusterDNS", default=None)
    resolv_conf: str | None = None
    pod_cidr: str | None = msgspec.field(name="podCIDR", default=None)
    hairpin_mode: str | None = None
    max_pods: Int32 | None = None
    pods_per_core: Int32 | None = None
    pod_pids_limit: Int64 | None = None
    allowed_unsafe_sysctls: list[str] | None = None
    volume_plugin_dir: str | None = None
    volume_stats_agg_period: str | None = None
    enable_controller_attach_detach: bool | None = None
    local_storage_capacity_isolation: bool | None = None
    # Cgroups and resources.
    cgroup_root: str | None = None
    cgroups_per_qos: bool | None = msgspec.field(name="cgroupsPerQOS", default=None)
    cgroup_driver: str | None = None
    kubelet_cgroups: str | None = None
    system_cgroups: str | None = None
    cpu_cfs_quota: bool | None = msgspec.field(name="cpuCFSQuota", default=None)
    cpu_cfs_quota_period: str | None = msgspec.field(name="cpuCFSQuotaPeriod", default=None)
    cpu_manager_policy: str | None = None
    cpu_manager_policy_options: dict[str, str] | None = None
    cpu_manager_reconcile_period: str | None = None
    dra_manager_reconcile_period: str | None = None
    memory_manager_policy: str | None = None
    memory_throttling_factor: float | None = None
    memory_reservation_policy: str | None = None
    memory_swap: MemorySwap | None = None
    topology_manager_policy: str | None = None
    topology_manager_scope: str | None = None
    topology_manager_policy_options: dict[str, str] | None = None
    qos_reserved: dict[str, str] | None = None
    single_process_oom_kill: bool | None = msgspec.field(name="singleProcessOOMKill", default=None)
    system_reserved: dict[str, Quantity] | None = None
    kube_reserved: dict[str, Quantity] | None = None
    reserved_system_cpus: str | None = msgspec.field(name="reservedSystemCPUs", default=None)
    system_reserved_cgroup: str | None = None
    kube_reserved_cgroup: str | None = None
    enforce_node_allocatable: list[str] | None = None
    reserved_memory: list[ReservedMemory] | None = None
    # Eviction.
    eviction_hard: dict[str, str] | None = None
    eviction_soft: dict[str, str] | None = None
    eviction_soft_grace_period: dict[str, str] | None = None
    eviction_pressure_transition_period: str | None = None
    eviction_max_pod_grace_period: Int32 | None = None
    eviction_minimum_reclaim: dict[str, str] | None = None
    merge_default_eviction_settings: bool | None = None
    kernel_memcg_notification: bool | None = None
    # The node's end.
    shutdown_grace_period: str | None = None
    shutdown_grace_period_critical_pods: str | None = None
    shutdown_grace_period_by_pod_priority: list[ShutdownByPriority] | None = None
    # The kubelet itself.
    feature_gates: dict[str, bool] | None = None
    fail_swap_on: bool | None = None
    fail_cgroup_v1: bool | None = msgspec.field(name="failCgroupV1", default=None)
    protect_kernel_defaults: bool | None = None
    make_iptables_util_chains: bool | None = msgspec.field(name="makeIPTablesUtilChains", default=None)
    iptables_masquerade_bit: Int32 | None = None
    iptables_drop_bit: Int32 | None = None
    max_open_files: Int64 | None = None
    oom_score_adj: Int32 | None = None
    logging: Logging | None = None
    tracing: Tracing | None = None


FIELDS = frozenset(field.encode_name for field in msgspec.structs.fields(KubeletV1Beta1))
