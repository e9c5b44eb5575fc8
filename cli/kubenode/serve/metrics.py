"""The agent's metrics, under the kubelet's names, so that dashboards and alerts made for it work here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kubenode.clients.errors import ClientError
from kubenode.model.actions import Action, Outcome, Result, RunSandbox, StartContainer
from kubenode.model.observed import ObservedPod

# The kubelet's names of runtime operations, where they are not the RPC's in snake case.
OPERATIONS = {
    "RunPodSandbox": "run_podsandbox",
    "StopPodSandbox": "stop_podsandbox",
    "RemovePodSandbox": "remove_podsandbox",
    "PodSandboxStatus": "podsandbox_status",
    "ListPodSandbox": "list_podsandbox",
    "ListContainers": "list_containers",
    "CreateContainer": "create_container",
    "StartContainer": "start_container",
    "StopContainer": "stop_container",
    "RemoveContainer": "remove_container",
    "ContainerStatus": "container_status",
    "PullImage": "pull_image",
    "ImageStatus": "image_status",
    "ListImages": "list_images",
    "RemoveImage": "remove_image",
    "ImageFsInfo": "image_fs_info",
    "ExecSync": "exec_sync",
    "Version": "version",
    "Status": "status",
    "GetContainerEvents": "get_container_events",
}
# A start-up may take an hour; the objective stands at 5 s.
START_BUCKETS = (
    *(0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240),
    *(300, 360, 480, 600, 900, 1200, 1800, 2700, 3600),
)
WORKER_BUCKETS = (0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
SHORT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """One registry an agent. `pods` is asked at each scrape for what is observed now."""

    def __init__(self, node_name: str, pods: Callable[[], Iterable[ObservedPod]]) -> None:
        self._registry = registry = CollectorRegistry()
        Gauge("kubelet_node_name", "The node's name, 1.", ["node"], registry=registry).labels(node_name).set(1)
        Gauge("kubelet_node_config_error", "Whether the configuration is in error.", registry=registry).set(0)
        tasks = Gauge("go_goroutines", "Concurrent tasks of the agent.", registry=registry)
        tasks.set_function(lambda: len(asyncio.all_tasks()))
        ProcessCollector(registry=registry)
        registry.register(_Running(pods))
        self._operations = Counter(
            "kubelet_runtime_operations", "Calls of the runtime.", ["operation_type"], registry=registry
        )
        self._operation_errors = Counter(
            "kubelet_runtime_operations_errors", "Failed calls of the runtime.", ["operation_type"], registry=registry
        )
        self._operation_seconds = Histogram(
            "kubelet_runtime_operations_duration_seconds",
            "Seconds of calls of the runtime.",
            ["operation_type"],
            buckets=SHORT_BUCKETS,
            registry=registry,
        )
        self._relist = Histogram(
            "kubelet_pleg_relist_duration_seconds", "Seconds of a relist.", buckets=SHORT_BUCKETS, registry=registry
        )
        self._relist_interval = Histogram(
            "kubelet_pleg_relist_interval_seconds",
            "Seconds between the ends of relists.",
            buckets=SHORT_BUCKETS,
            registry=registry,
        )
        self._worker = Histogram(
            "kubelet_pod_worker_duration_seconds",
            "Seconds of a turn for one pod.",
            ["operation_type"],
            buckets=WORKER_BUCKETS,
            registry=registry,
        )
        self._pod_start = Histogram(
            "kubelet_pod_start_duration_seconds",
            "Seconds from a pod's first sight to all its containers running.",
            buckets=START_BUCKETS,
            registry=registry,
        )
        self._pod_start_sli = Histogram(
            "kubelet_pod_start_sli_duration_seconds",
            "As kubelet_pod_start_duration_seconds, without image pulls.",
            buckets=START_BUCKETS,
            registry=registry,
        )
        self._started_pods = Counter("kubelet_started_pods", "Sandboxes run.", registry=registry)
        self._pod_errors = Counter("kubelet_started_pods_errors", "Sandboxes that failed to run.", registry=registry)
        self._started_containers = Counter(
            "kubelet_started_containers", "Containers started.", ["container_type"], registry=registry
        )
        self._container_errors = Counter(
            "kubelet_started_containers_errors",
            "Containers that failed to start.",
            ["container_type", "code"],
            registry=registry,
        )

    def call(self, rpc: str, seconds: float, error: ClientError | None) -> None:
        """One call of the runtime."""
        operation = OPERATIONS.get(rpc, rpc)
        self._operations.labels(operation).inc()
        self._operation_seconds.labels(operation).observe(seconds)
        if error is not None:
            self._operation_errors.labels(operation).inc()

    def relisted(self, seconds: float, interval: float) -> None:
        self._relist.observe(seconds)
        self._relist_interval.observe(interval)

    def turned(self, actions: Sequence[Action], outcomes: Sequence[Outcome], seconds: float) -> None:
        """One turn of a pod's worker."""
        kind = "sync"
        if actions:
            kind = "create" if any(isinstance(action, RunSandbox) for action in actions) else "update"
        self._worker.labels(kind).observe(seconds)
        for outcome in outcomes:
            self._started(outcome)

    def pod_started(self, seconds: float, pulling_seconds: float) -> None:
        """All containers of a new pod run for the first time."""
        self._pod_start.observe(seconds)
        self._pod_start_sli.observe(max(0.0, seconds - pulling_seconds))

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def _started(self, outcome: Outcome) -> None:
        match outcome.action, outcome.result:
            case RunSandbox(), Result.DONE:
                self._started_pods.inc()
            case RunSandbox(), Result.FAILED:
                self._pod_errors.inc()
            case StartContainer(), Result.DONE:
                self._started_containers.labels("container").inc()
            case StartContainer(), Result.FAILED:
                self._container_errors.labels("container", outcome.reason).inc()


class _Running(Collector):
    """Counted when scraped, so that nothing has to be kept in step."""

    def __init__(self, pods: Callable[[], Iterable[ObservedPod]]) -> None:
        self._pods = pods

    def collect(self) -> Iterator[Metric]:
        pods = list(self._pods())
        running = GaugeMetricFamily("kubelet_running_pods", "Pods with a ready sandbox.")
        running.add_metric([], sum(any(sandbox.ready for sandbox in pod.sandboxes) for pod in pods))
        yield running
        states: dict[str, int] = {}
        for pod in pods:
            for container in pod.containers:
                states[container.state.value] = states.get(container.state.value, 0) + 1
        containers = GaugeMetricFamily("kubelet_running_containers", "Containers by state.", labels=["container_state"])
        for state, count in states.items():
            containers.add_metric([state], count)
        yield containers
