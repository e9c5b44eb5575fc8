"""Cgroup names, Linux resources, priority and what a node has to give, by the kubelet's arithmetic."""

from __future__ import annotations

from collections.abc import Mapping

from kubenode.model.facts import NodeFacts
from kubenode.model.pod import Container, Pod, is_sidecar
from kubenode.model.quantity import milli, parse_quantity, whole
from kubenode.model.requests import (
    CPU,
    EPHEMERAL_STORAGE,
    HUGE_PAGES,
    MEMORY,
    Amounts,
    QosClass,
    aggregate,
    amounts,
    container_requests,
    has_pod_level,
    pod_limits,
    pod_requests,
    qos_class,
)
from kubenode.model.settings import DEFAULT_CPU_PERIOD_US, Settings
from kubenode.model.specs import LinuxResources

__all__ = (
    "Amounts",
    "QosClass",
    "allocatable",
    "cgroup_parent",
    "effective_priority",
    "huge_page_limits",
    "is_critical",
    "linux_resources",
    "oom_score_adj",
    "pod_limits",
    "pod_requests",
    "qos_class",
    "quota_of",
    "shares_of",
)

MIN_QUOTA_US = 1000
MIN_SHARES, MAX_SHARES = 2, 262_144
# Kubernetes' two built-in priority classes; all that is above the lower is critical.
CLUSTER_CRITICAL_PRIORITY = 2_000_000_000
NODE_CRITICAL_PRIORITY = 2_000_001_000
PRIORITY_CLASSES = {
    "system-node-critical": NODE_CRITICAL_PRIORITY,
    "system-cluster-critical": CLUSTER_CRITICAL_PRIORITY,
}
SPARED, KILLED_FIRST = -997, 1000


def effective_priority(pod: Pod) -> int:
    """A node alone knows the two built-in classes; of others it has the number only if the manifest gives it."""
    return PRIORITY_CLASSES.get(pod.spec.priority_class_name, pod.spec.priority)


def is_critical(pod: Pod) -> bool:
    """By priority only: coming from a manifest directory does not make a pod critical."""
    return effective_priority(pod) >= CLUSTER_CRITICAL_PRIORITY


def cgroup_parent(pod: Pod, root: str, driver: str) -> str:
    """The pod's cgroup as the runtime wants it named: a path (cgroupfs) or the name of a slice (systemd)."""
    qos = qos_class(pod)
    tiers = [] if qos is QosClass.GUARANTEED else [qos.lower()]
    return cgroup_name((*tiers, f"pod{pod.metadata.uid}"), root, driver)


def cgroup_name(below: tuple[str, ...], root: str, driver: str) -> str:
    """The cgroup that stands so far below `kubepods`, as the driver writes it."""
    if driver == "systemd":
        parts = [*root.strip("/").split("/"), "kubepods", *below]
        return "-".join(part.replace("-", "_") for part in parts if part) + ".slice"
    return "/".join([root.rstrip("/"), "kubepods", *below])


def shares_of(cpu: int) -> int:
    """CPU shares of a request in thousandths."""
    return min(MAX_SHARES, max(MIN_SHARES, cpu * 1024 // 1000))


def quota_of(cpu: int, period: int) -> int:
    """µs of CPU time in each period (µs) for a limit in thousandths; 0: none."""
    return max(MIN_QUOTA_US, cpu * period // 1000) if cpu and period else 0


def linux_resources(
    container: Container, pod: Pod, memory_capacity: int, period: int = DEFAULT_CPU_PERIOD_US
) -> LinuxResources:
    """What the container may use. `memory_capacity` is the node's, in bytes; `period` in µs, 0 for no quotas.

    A limit that is missing is the pod's own, if it has one.
    """
    limits = {**_own_limits(pod), **amounts(container.resources.limits)}
    requests = amounts(container.resources.requests)
    quota = quota_of(limits.get(CPU, 0), period)
    return LinuxResources(
        cpu_shares=shares_of(requests.get(CPU, limits.get(CPU, 0))),
        cpu_period=period if quota else 0,
        cpu_quota=quota,
        memory_limit=limits.get(MEMORY, 0),
        oom_score_adj=oom_score_adj(container, pod, memory_capacity),
        huge_pages=huge_page_limits(limits),
    )


def _own_limits(pod: Pod) -> Amounts:
    return {name: value for name, value in amounts(pod.spec.resources.limits).items() if name in (CPU, MEMORY)}


def huge_page_limits(limits: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    """Limits by page size as the kernel names it: `hugepages-2Mi` is `2MB`."""
    sizes = {name: whole(name.removeprefix(HUGE_PAGES)) for name in limits if name.startswith(HUGE_PAGES)}
    return tuple((_page_size(size), limits[name]) for name, size in sorted(sizes.items(), key=lambda item: item[1]))


def _page_size(size: int) -> str:
    for unit, factor in (("GB", 2**30), ("MB", 2**20)):
        if size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size // 2**10}KB"


def oom_score_adj(container: Container, pod: Pod, memory_capacity: int) -> int:
    """-997 is spared last, 1000 is killed first; Burstable lies between, by its share of the node's memory.

    A sidecar is spared at least as long as the app container that asks for least.
    """
    qos = qos_class(pod)
    if qos is QosClass.GUARANTEED or effective_priority(pod) >= NODE_CRITICAL_PRIORITY:
        return SPARED
    if qos is QosClass.BEST_EFFORT or memory_capacity <= 0:
        return KILLED_FIRST if qos is QosClass.BEST_EFFORT else 999
    request = container_requests(container).get(MEMORY, 0)
    if container in pod.spec.init_containers and is_sidecar(container):
        request = max(request, min(container_requests(one).get(MEMORY, 0) for one in pod.spec.containers))
    request += _unclaimed_memory(pod)
    return max(3, min(999, 1000 - 1000 * request // memory_capacity))


def _unclaimed_memory(pod: Pod) -> int:
    """Each container's part of what the pod as a whole asks for beyond its containers."""
    if not has_pod_level(pod):
        return 0
    own = pod_requests(pod).get(MEMORY, 0) - amounts(pod.spec.overhead).get(MEMORY, 0)
    claimed = aggregate(pod, container_requests).get(MEMORY, 0)
    return max(0, own - claimed) // (len(pod.spec.containers) + len(pod.spec.init_containers))


def capacity(node: NodeFacts) -> Amounts:
    """What is known of the node's resources."""
    known = {CPU: node.cpus, MEMORY: node.memory, EPHEMERAL_STORAGE: node.ephemeral_storage}
    return {name: value for name, value in known.items() if value} | dict(node.huge_pages)


def reserved(settings: Settings) -> Amounts:
    """What is kept for the system and for the agent and the runtime."""
    system, kube = amounts(settings.kubelet.system_reserved), amounts(settings.kubelet.kube_reserved)
    return {name: system.get(name, 0) + kube.get(name, 0) for name in system.keys() | kube.keys()}


def pods_share(settings: Settings, node: NodeFacts) -> Amounts:
    """Capacity without what is reserved: what all pods together are held to. Huge pages are not plain memory."""
    kept = reserved(settings)
    share = {name: max(0, value - kept.get(name, 0)) for name, value in capacity(node).items()}
    pages = sum(value for name, value in share.items() if name.startswith(HUGE_PAGES))
    if MEMORY in share:
        share[MEMORY] = max(0, share[MEMORY] - pages)
    return share


def allocatable(settings: Settings, node: NodeFacts) -> Amounts:
    """What pods may ask for: their share without the memory and disk at whose end pods are evicted.

    A resource of which the node's amount is not known is left out.
    """
    share, whole_node = pods_share(settings, node), capacity(node)
    for name, signal in ((MEMORY, "memory.available"), (EPHEMERAL_STORAGE, "nodefs.available")):
        if name in share:
            share[name] = max(0, share[name] - _threshold(settings.eviction_hard[signal], whole_node[name]))
    return share


def _threshold(text: str, of: int) -> int:
    if text.endswith("%"):
        return int(of * parse_quantity(text.removesuffix("%")) / 100)
    return whole(text)


def pod_limit(settings: Settings, node: NodeFacts) -> int:
    """How many pods the node takes: maxPods, or podsPerCore where that is less."""
    kubelet = settings.kubelet
    per_core = kubelet.pods_per_core * node.cpus // milli(1)
    return min(kubelet.max_pods, per_core) if kubelet.pods_per_core and node.cpus else kubelet.max_pods
