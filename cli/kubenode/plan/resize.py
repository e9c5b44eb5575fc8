"""Giving a running container other CPU and memory.

A resizePolicy of RestartContainer is part of the container's hash: such a change makes another container.
"""

from __future__ import annotations

import dataclasses
import math

from kubenode.model.actions import UpdateContainer
from kubenode.model.observed import ObservedContainer, State
from kubenode.model.pod import Container, all_containers
from kubenode.model.settings import Settings
from kubenode.model.specs import CgroupSpec, LinuxResources
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.cgroup_files import shares_from_weight, weight_of
from kubenode.plan.resources import linux_resources
from kubenode.plan.situation import Situation

# The kernel counts memory in these, whatever the machine.
PAGE_SIZES = (4096, 16384, 65536)
NO_LIMIT = -1


def resize(
    container: Container, current: ObservedContainer, desired: DesiredPod, settings: Settings
) -> UpdateContainer | None:
    """What brings the running container to what its manifest says; None when it has that, or nobody can tell."""
    there = current.resources
    if there is None:
        return None
    wanted = linux_resources(container, desired.pod, settings.memory_capacity, settings.cpu_quota_period)
    changes = changed_resources(wanted, there)
    if not changes:
        return None
    why = f"its {' and '.join(changes)} are not those of the manifest"
    return UpdateContainer(container.name, current.id, update_of(wanted, settings.cpu_quota_period), why)


def changed_resources(wanted: LinuxResources, there: LinuxResources) -> list[str]:
    """Which of CPU and memory a container is yet to get."""
    changes = []
    if not (same_shares(wanted.cpu_shares, there.cpu_shares) and _same_quota(wanted, there)):
        changes.append("CPU")
    if not _same_memory(wanted.memory_limit, there.memory_limit):
        changes.append("memory")
    return changes


def update_of(wanted: LinuxResources, period: int) -> LinuxResources:
    """As a container that runs is told: there a value of 0 leaves what it has. `period` in µs."""
    return dataclasses.replace(
        wanted,
        cpu_period=wanted.cpu_period or period,
        cpu_quota=wanted.cpu_quota or NO_LIMIT,
        memory_limit=wanted.memory_limit or NO_LIMIT,
    )


def resizing(situation: Situation) -> bool:
    """Whether a container that runs is yet to get other resources."""
    for container in all_containers(situation.desired.pod.spec):
        current = situation.latest.get(container.name)
        if current is None or current.state is not State.RUNNING:
            continue
        if resize(container, current, situation.desired, situation.settings):
            return True
    return False


def widest(wanted: CgroupSpec, there: CgroupSpec) -> CgroupSpec:
    """Limits that hold before and after containers are resized: none of theirs may be over the pod's."""
    roomier = max((wanted, there), key=_cpu_room)
    return dataclasses.replace(
        wanted,
        cpu_quota=roomier.cpu_quota,
        cpu_period=roomier.cpu_period,
        memory_limit=_larger(wanted.memory_limit, there.memory_limit),
    )


def _cpu_room(spec: CgroupSpec) -> float:
    return spec.cpu_quota / spec.cpu_period if spec.cpu_quota and spec.cpu_period else math.inf


def _larger(one: int, other: int) -> int:
    """Of two limits; 0 is none."""
    return max(one, other) if one and other else 0


def same_shares(wanted: int, there: int) -> bool:
    """cgroup v2 keeps weights, in coarser steps; runtimes convert by the kubelet's old rule or by runc's new one."""
    if wanted == there:
        return True
    if there != shares_from_weight(weight_of(there)):
        return False
    return weight_of(there) in (weight_of(wanted), _newer_weight(wanted))


def _newer_weight(shares: int) -> int:
    """What runc 1.4 and crun 1.23 make of CPU shares: 1024 becomes 100."""
    power = math.log2(max(2, shares))
    return math.ceil(10 ** ((power**2 + 125 * power) / 612 - 7 / 34))


def _same_quota(wanted: LinuxResources, there: LinuxResources) -> bool:
    if wanted.cpu_quota <= 0 or there.cpu_quota <= 0:
        return max(0, wanted.cpu_quota) == max(0, there.cpu_quota)
    return wanted.cpu_quota * there.cpu_period == there.cpu_quota * wanted.cpu_period


def _same_memory(wanted: int, there: int) -> bool:
    there = max(0, there)
    return wanted == there or any(wanted // size * size == there for size in PAGE_SIZES if wanted >= size)
