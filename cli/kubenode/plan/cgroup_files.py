"""What a cgroup's limits look like in the files of cgroup v1 and v2, and as properties of a slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kubenode.model.specs import CgroupSpec

DEFAULT_PERIOD_US = 100_000
# What cgroup v1 tells where nothing is limited begins here: the largest number, in whole pages.
V1_UNLIMITED = 2**62


@dataclass(frozen=True, slots=True)
class CgroupFile:
    """One line to be written to a file of a cgroup, in the controller's tree (v1) or the only one (v2)."""

    controller: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class CgroupValues:
    """What the kernel's files say; 0 for no limit, or no such file; `huge_pages` of the sizes that it can limit."""

    shares: int = 0
    quota: int = 0
    period: int = DEFAULT_PERIOD_US
    memory: int = 0
    pids: int = 0
    huge_pages: Mapping[str, int] = field(default_factory=dict)


def weight_of(shares: int) -> int:
    """cgroup v2's weight of v1's CPU shares: 2..262144 becomes 1..10000."""
    return 1 + (shares - 2) * 9999 // 262142


def shares_from_weight(weight: int) -> int:
    """The fewest shares that become this weight."""
    return 2 + -((1 - weight) * 262142 // 9999)


def cgroup_files(spec: CgroupSpec, *, unified: bool) -> tuple[CgroupFile, ...]:
    """The files to write, in order."""
    return tuple(_v2(spec) if unified else _v1(spec))


def _v1(spec: CgroupSpec) -> Iterator[CgroupFile]:
    if spec.cpu_shares:
        yield CgroupFile("cpu", "cpu.shares", str(spec.cpu_shares))
    if spec.cpu_quota:
        yield CgroupFile("cpu", "cpu.cfs_period_us", str(spec.cpu_period))
    yield CgroupFile("cpu", "cpu.cfs_quota_us", str(spec.cpu_quota or -1))
    yield CgroupFile("memory", "memory.limit_in_bytes", str(spec.memory_limit or -1))
    yield CgroupFile("pids", "pids.max", str(spec.pids or "max"))
    for size, limit in spec.huge_pages:
        yield CgroupFile("hugetlb", f"hugetlb.{size}.limit_in_bytes", str(limit))


def _v2(spec: CgroupSpec) -> Iterator[CgroupFile]:
    if spec.cpu_shares:
        yield CgroupFile("cpu", "cpu.weight", str(weight_of(spec.cpu_shares)))
    yield CgroupFile("cpu", "cpu.max", f"{spec.cpu_quota or 'max'} {spec.cpu_period or DEFAULT_PERIOD_US}")
    yield CgroupFile("memory", "memory.max", str(spec.memory_limit or "max"))
    yield CgroupFile("pids", "pids.max", str(spec.pids or "max"))
    for size, limit in spec.huge_pages:
        yield CgroupFile("hugetlb", f"hugetlb.{size}.max", str(limit))


def slice_properties(spec: CgroupSpec, *, unified: bool) -> tuple[str, ...]:
    """The same for a slice, in the words of systemctl set-property; systemd knows no huge pages."""
    properties = []
    if spec.cpu_shares:
        weight = f"CPUWeight={weight_of(spec.cpu_shares)}" if unified else f"CPUShares={spec.cpu_shares}"
        properties.append(weight)
    if spec.cpu_quota:
        properties.append(f"CPUQuotaPeriodSec={spec.cpu_period}us")
    percent = f"{100 * spec.cpu_quota / spec.cpu_period:.2f}%" if spec.cpu_quota else ""
    return (
        *properties,
        f"CPUQuota={percent}",
        f"MemoryMax={spec.memory_limit or 'infinity'}",
        f"TasksMax={spec.pids or 'infinity'}",
    )


def as_wanted(wanted: CgroupSpec, values: CgroupValues, *, page_size: int, unified: bool) -> CgroupSpec:
    """What is there, in the wanted's own numbers where the kernel only rounded them."""
    quota, period = _quota(wanted, values)
    return CgroupSpec(
        name=wanted.name,
        cpu_shares=_shares(wanted.cpu_shares, values.shares, unified=unified),
        cpu_quota=quota,
        cpu_period=period,
        memory_limit=_memory(wanted.memory_limit, values.memory, page_size),
        pids=values.pids,
        huge_pages=tuple((size, values.huge_pages.get(size, limit)) for size, limit in wanted.huge_pages),
    )


def _shares(wanted: int, there: int, *, unified: bool) -> int:
    return wanted if unified and wanted and weight_of(wanted) == weight_of(there) else there


def _quota(wanted: CgroupSpec, values: CgroupValues) -> tuple[int, int]:
    if not values.quota:
        return 0, 0
    if wanted.cpu_quota and wanted.cpu_quota * values.period == values.quota * wanted.cpu_period:
        return wanted.cpu_quota, wanted.cpu_period
    return values.quota, values.period


def _memory(wanted: int, there: int, page_size: int) -> int:
    return wanted if wanted // page_size * page_size == there else there
