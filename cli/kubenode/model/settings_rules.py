"""The rules of those settings that say what the node gives to its pods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address

from kubenode.model.duration import parse_duration
from kubenode.model.names import DNS_SUBDOMAIN, key_path
from kubenode.model.quantity import parse_quantity
from kubenode.model.schema import Quantity
from kubenode.model.settings import KubeletConfiguration, KubenodeConfiguration

RESERVABLE = ("cpu", "memory", "ephemeral-storage", "pid")
ENFORCED, ENFORCED_ELSEWHERE = "pods", ("system-reserved", "kube-reserved")
# The kernel takes no other period.
SHORTEST_PERIOD, LONGEST_PERIOD = 0.001, 1.0
# More than any machine can hold.
MOST_PODS, MOST_PIDS = 100_000, 2**22

_LABEL_PART = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def resource_problems(kubelet: KubeletConfiguration, kubenode: KubenodeConfiguration) -> Iterator[str]:
    """Each as `field: what is wrong: what to write`."""
    yield from _ranges(kubelet)
    for field, values in (("kubeReserved", kubelet.kube_reserved), ("systemReserved", kubelet.system_reserved)):
        yield from _reserved(field, values)
    yield from _enforced(kubelet.enforce_node_allocatable)
    if not kubelet.cgroups_per_qos and kubelet.enforce_node_allocatable:
        yield "cgroupsPerQOS: false leaves no cgroup that could be limited: write enforceNodeAllocatable: [] too"
    yield from _period(kubelet.cpu_cfs_quota_period)
    yield from _node_ip(kubenode.node_ip)
    for key, value in kubenode.node_labels.items():
        yield from _label(key, value)


def _node_ip(text: str) -> Iterator[str]:
    for part in filter(None, text.split(",")):
        try:
            ip_address(part.strip())
        except ValueError:
            yield f"nodeIP: {part.strip()!r} is not an IP address: write one, or one of each family after a comma"


def resource_warnings(kubelet: KubeletConfiguration) -> Iterator[str]:
    """What is taken and not acted upon."""
    for name in kubelet.enforce_node_allocatable:
        if name in ENFORCED_ELSEWHERE:
            yield f"enforceNodeAllocatable: {name} has no effect in this version: limit its cgroup with systemd"


def _ranges(kubelet: KubeletConfiguration) -> Iterator[str]:
    for field, value, least, most in (
        ("maxPods", kubelet.max_pods, 0, MOST_PODS),
        ("podsPerCore", kubelet.pods_per_core, 0, MOST_PODS),
        ("podPidsLimit", kubelet.pod_pids_limit, -1, MOST_PIDS),
    ):
        if not least <= value <= most:
            yield f"{field}: {value} is out of range: write {least} to {most}"


def _reserved(field: str, values: Mapping[str, Quantity]) -> Iterator[str]:
    for name, text in values.items():
        where = key_path(field, name)
        if name not in RESERVABLE:
            yield f"{where}: there is no such resource to keep: write one of {', '.join(RESERVABLE)}"
            continue
        try:
            negative = parse_quantity(text) < 0
        except ValueError as error:
            yield f"{where}: {error}"
            continue
        if negative:
            yield f"{where}: {text!r} is negative: write how much is kept for the system, such as 500m or 1Gi"


def _enforced(names: list[str]) -> Iterator[str]:
    known = (ENFORCED, *ENFORCED_ELSEWHERE, "none")
    for name in names:
        if name not in known:
            yield f"enforceNodeAllocatable: there is no {name!r}: write one of {', '.join(known)}"
    if "none" in names and len(names) > 1:
        yield "enforceNodeAllocatable: none excludes all others: write none alone, or leave it out"


def _period(text: str) -> Iterator[str]:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        yield f"cpuCFSQuotaPeriod: {error}"
        return
    if not SHORTEST_PERIOD <= seconds <= LONGEST_PERIOD:
        yield f"cpuCFSQuotaPeriod: {text!r} is out of range: write 1ms to 1s"


def _label(key: str, value: str) -> Iterator[str]:
    where = key_path("nodeLabels", key)
    prefix, _, name = key.rpartition("/")
    good_prefix = not prefix or (len(prefix) <= 253 and DNS_SUBDOMAIN.fullmatch(prefix))
    if not good_prefix or ("/" in key and not prefix) or not _LABEL_PART.fullmatch(name):
        yield f"{where}: this cannot name a label: write it as role or example.com/role"
    if value and not _LABEL_PART.fullmatch(value):
        yield f"{where}: {value!r} cannot be a label's value: at most 63 letters, digits, '-', '_' and '.'"
