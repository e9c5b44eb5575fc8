"""Which pods this node takes in: what they ask for against what it has, in an order that new pods cannot upset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kubenode.model.facts import NodeFacts
from kubenode.model.names import PodKey
from kubenode.model.pod import Pod, PodSpec, all_containers
from kubenode.model.requests import CPU, HUGE_PAGES, Amounts, pod_requests
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod, Refusal
from kubenode.plan.affinity import LINUX, misfit, node_labels
from kubenode.plan.host_ports import HostPort, conflict, host_ports
from kubenode.plan.resources import allocatable, effective_priority, is_critical, pod_limit
from kubenode.plan.sysctls import forbidden_sysctl

# How many pods a sentence names.
NAMED_PODS = 5


def refusals(pods: Mapping[PodKey, DesiredPod], settings: Settings, node: NodeFacts) -> dict[PodKey, Refusal]:
    """The pods that may not run here, with why; all others may.

    Critical pods come first, by priority, then all by age: a younger pod never pushes out an older one unless it is
    critical. A refused pod holds nothing. Reasons are the kubelet's.
    """
    room = _Room(allocatable(settings, node), pod_limit(settings, node), _knows_pages(node))
    refused: dict[PodKey, Refusal] = {}
    for desired in sorted(pods.values(), key=_rank):
        refusal = _unfit(desired.pod, settings, node) or room.refusal(desired.pod)
        if refusal:
            refused[desired.key] = refusal
        else:
            room.take(desired.pod)
    return refused


def _rank(desired: DesiredPod) -> tuple[int, float, PodKey]:
    first = effective_priority(desired.pod) if is_critical(desired.pod) else 0
    return -first, desired.seen_at, desired.key


def _unfit(pod: Pod, settings: Settings, node: NodeFacts) -> Refusal | None:
    """What makes the node wrong for the pod whoever else is there."""
    spec = pod.spec
    if spec.os is not None and spec.os.name != LINUX:
        return Refusal("PodOSNotSupported", f"The pod is for {spec.os.name}; this node runs {LINUX}.")
    if why := misfit(spec, node_labels(settings, node), settings.node_name):
        return Refusal("NodeAffinity", f"The pod is not for this node: {why}.")
    if why := forbidden_sysctl(pod, settings):
        return Refusal("SysctlForbidden", f"The pod may not set one of its sysctls: {why}.")
    if node.apparmor is False and _wants_apparmor(spec):
        return Refusal("AppArmor", "The pod wants an AppArmor profile; the kernel of this node does not enforce any.")
    return None


def _wants_apparmor(spec: PodSpec) -> bool:
    own = [one.security_context.app_armor_profile for one in all_containers(spec)]
    profiles = [spec.security_context.app_armor_profile, *own]
    return any(profile is not None and profile.type != "Unconfined" for profile in profiles)


def _knows_pages(node: NodeFacts) -> bool:
    """Whether a page size that is not listed is one that the node does not have."""
    return bool(node.huge_pages or node.memory)


@dataclass(slots=True)
class _Room:
    """What pods may have in all, and what those that came before hold of it."""

    total: Amounts
    most_pods: int
    knows_pages: bool
    taken: Amounts = field(default_factory=dict)
    requests: dict[PodKey, Amounts] = field(default_factory=dict)
    ports: dict[HostPort, PodKey] = field(default_factory=dict)

    def refusal(self, pod: Pod) -> Refusal | None:
        if len(self.requests) >= self.most_pods:
            message = f"The node takes {self.most_pods} pods (maxPods, podsPerCore), and {len(self.requests)} are here."
            return Refusal("OutOfpods", message)
        for name, asked in sorted(pod_requests(pod).items(), key=_cpu_first):
            total = self.total.get(name, 0 if name.startswith(HUGE_PAGES) and self.knows_pages else None)
            if total is not None and asked and asked > total - self.taken.get(name, 0):
                return Refusal(f"OutOf{name}", self._shortage(name, asked, total))
        for port in host_ports(pod.spec):
            holder = conflict(port, self.ports)
            if holder is not None:
                return Refusal("NodePorts", f"The pod asks for {port}, which pod {holder} has.")
        return None

    def take(self, pod: Pod) -> None:
        asked = self.requests[pod.key] = pod_requests(pod)
        for name, value in asked.items():
            self.taken[name] = self.taken.get(name, 0) + value
        for port in host_ports(pod.spec):
            self.ports.setdefault(port, pod.key)

    def _shortage(self, name: str, asked: int, total: int) -> str:
        taken = self.taken.get(name, 0)
        holders = [(key, requests[name]) for key, requests in self.requests.items() if requests.get(name)]
        by = f" ({_largest(name, holders)})" if holders else ""
        return (
            f"The pod asks for {quantity(name, asked)} of {name}; of {quantity(name, total)} that pods may have, "
            f"{quantity(name, taken)} are taken{by}, and {quantity(name, max(0, total - taken))} are left."
        )


def _cpu_first(item: tuple[str, int]) -> tuple[bool, str]:
    return item[0] != CPU, item[0]


def _largest(name: str, holders: Iterable[tuple[PodKey, int]]) -> str:
    ranked = sorted(holders, key=lambda holder: (-holder[1], holder[0]))
    named = [f"{key}: {quantity(name, value)}" for key, value in ranked[:NAMED_PODS]]
    more = len(ranked) - len(named)
    return ", ".join((*named, f"{more} more") if more else named)


def quantity(name: str, amount: int) -> str:
    """The amount as a manifest would write it, without losing any of it."""
    if name == CPU:
        return f"{amount // 1000}" if amount % 1000 == 0 else f"{amount}m"
    for suffix, factor in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if amount and amount % factor == 0:
            return f"{amount // factor}{suffix}"
    return str(amount)
