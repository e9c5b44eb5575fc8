"""QoS class, cgroup names and Linux resources of a pod, by the kubelet's arithmetic."""

from __future__ import annotations

from enum import StrEnum

from kubenode.model.pod import Container, Pod
from kubenode.model.quantity import milli, whole
from kubenode.model.specs import LinuxResources

CPU_PERIOD_US = 100_000
MIN_QUOTA_US = 1000
MIN_SHARES, MAX_SHARES = 2, 262_144
NODE_CRITICAL_PRIORITY = 2_000_000_000


class QosClass(StrEnum):
    GUARANTEED = "Guaranteed"
    BURSTABLE = "Burstable"
    BEST_EFFORT = "BestEffort"


def qos_class(pod: Pod) -> QosClass:
    """BestEffort asks for nothing; Guaranteed limits CPU and memory of every container to what it requests."""
    pairs = [
        (container.resources.limits.get(name), container.resources.requests.get(name))
        for container in pod.spec.containers
        for name in ("cpu", "memory")
    ]
    if not any(_positive(limit) or _positive(request) for limit, request in pairs):
        return QosClass.BEST_EFFORT
    if all(_positive(limit) and (request is None or milli(request) == milli(limit or 0)) for limit, request in pairs):
        return QosClass.GUARANTEED
    return QosClass.BURSTABLE


def _positive(text: str | float | None) -> bool:
    return text is not None and milli(text) > 0


def cgroup_parent(pod: Pod, root: str, driver: str) -> str:
    """The pod's cgroup as the runtime wants it named: a path (cgroupfs) or the name of a slice (systemd)."""
    uid = pod.metadata.uid
    qos = qos_class(pod)
    tiers = [] if qos is QosClass.GUARANTEED else [qos.lower()]
    if driver == "systemd":
        parts = [*root.strip("/").split("/"), "kubepods", *tiers, f"pod{uid}"]
        return "-".join(part.replace("-", "_") for part in parts if part) + ".slice"
    return "/".join([root.rstrip("/"), "kubepods", *tiers, f"pod{uid}"])


def linux_resources(container: Container, pod: Pod, memory_capacity: int) -> LinuxResources:
    """`memory_capacity` is the node's, in bytes; a missing request is taken from the limit."""
    limits, requests = container.resources.limits, container.resources.requests
    cpu_request = milli(requests.get("cpu", limits.get("cpu", 0)))
    cpu_limit = milli(limits.get("cpu", 0))
    quota = max(MIN_QUOTA_US, cpu_limit * CPU_PERIOD_US // 1000) if cpu_limit else 0
    return LinuxResources(
        cpu_shares=min(MAX_SHARES, max(MIN_SHARES, cpu_request * 1024 // 1000)),
        cpu_period=CPU_PERIOD_US if quota else 0,
        cpu_quota=quota,
        memory_limit=whole(limits.get("memory", 0)),
        oom_score_adj=oom_score_adj(container, pod, memory_capacity),
    )


def oom_score_adj(container: Container, pod: Pod, memory_capacity: int) -> int:
    """-997 is spared last, 1000 is killed first; Burstable lies between, by its share of the node's memory."""
    qos = qos_class(pod)
    if qos is QosClass.GUARANTEED or pod.spec.priority >= NODE_CRITICAL_PRIORITY:
        return -997
    if qos is QosClass.BEST_EFFORT or memory_capacity <= 0:
        return 1000 if qos is QosClass.BEST_EFFORT else 999
    request = whole(container.resources.requests.get("memory", container.resources.limits.get("memory", 0)))
    return max(3, min(999, 1000 - 1000 * request // memory_capacity))
