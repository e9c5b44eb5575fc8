"""The cgroups of our own: what each may use, by the kubelet's arithmetic."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from kubenode.model.facts import NodeFacts
from kubenode.model.pod import Pod, all_containers
from kubenode.model.requests import (
    CPU,
    HUGE_PAGES,
    MEMORY,
    QosClass,
    container_limits,
    pod_limits,
    pod_requests,
    qos_class,
)
from kubenode.model.settings import Settings
from kubenode.model.specs import CgroupSpec
from kubenode.plan.resources import (
    MIN_SHARES,
    cgroup_name,
    cgroup_parent,
    huge_page_limits,
    pods_share,
    quota_of,
    shares_of,
)

TIERS = (QosClass.BURSTABLE.lower(), QosClass.BEST_EFFORT.lower())


def pod_cgroup(pod: Pod, settings: Settings) -> CgroupSpec:
    """The cgroup that holds all of the pod's containers.

    It limits CPU or memory only where the pod as a whole, or each of its containers, has a limit.
    """
    kubelet = settings.kubelet
    limits, requests = pod_limits(pod), pod_requests(pod)
    period = settings.cpu_quota_period
    quota = quota_of(limits.get(CPU, 0), period) if _limited(pod, CPU) else 0
    return CgroupSpec(
        name=cgroup_parent(pod, kubelet.cgroup_root, kubelet.cgroup_driver),
        cpu_shares=shares_of(requests.get(CPU, 0)),
        cpu_quota=quota,
        cpu_period=period if quota else 0,
        memory_limit=limits.get(MEMORY, 0) if _limited(pod, MEMORY) else 0,
        pids=max(0, kubelet.pod_pids_limit),
        huge_pages=huge_page_limits({name: value for name, value in requests.items() if name.startswith(HUGE_PAGES)}),
    )


def _limited(pod: Pod, resource: str) -> bool:
    if resource in pod.spec.resources.limits:
        return True
    return all(container_limits(one).get(resource) for one in all_containers(pod.spec))


def node_cgroups(pods: Iterable[Pod], settings: Settings, node: NodeFacts) -> tuple[CgroupSpec, ...]:
    """What stands above the pods, outermost first: all pods, the burstable ones, those of best effort.

    `pods` are those that the node runs. All together are held to what is not reserved, if that is enforced; the memory
    at whose end pods are evicted is theirs until then.
    """
    kubelet = settings.kubelet
    if not kubelet.cgroups_per_qos:
        return ()
    enforced = "pods" in kubelet.enforce_node_allocatable
    share = pods_share(settings, node)
    asked = sum(pod_requests(pod).get(CPU, 0) for pod in pods if qos_class(pod) is QosClass.BURSTABLE)
    everything, burstable, best_effort = (
        cgroup_name(below, kubelet.cgroup_root, kubelet.cgroup_driver) for below in ((), *((tier,) for tier in TIERS))
    )
    return (
        CgroupSpec(
            everything,
            cpu_shares=shares_of(share[CPU] if enforced else node.cpus) if node.cpus else 0,
            memory_limit=share.get(MEMORY, 0) if enforced else 0,
        ),
        CgroupSpec(burstable, cpu_shares=shares_of(asked)),
        CgroupSpec(best_effort, cpu_shares=MIN_SHARES),
    )


def differs(wanted: CgroupSpec, there: CgroupSpec) -> bool:
    """Whether the cgroup has to be written; `there` as observe tells it, the kernel's rounding undone."""
    if not wanted.cpu_shares:
        there = dataclasses.replace(there, cpu_shares=0)
    return wanted != there
