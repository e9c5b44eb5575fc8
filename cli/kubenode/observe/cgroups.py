"""What cgroups are there, and what the kernel gives them."""

from __future__ import annotations

import os
from pathlib import Path

from kubenode.clients import cgroupfs
from kubenode.model.specs import CgroupSpec, LinuxResources
from kubenode.plan.cgroup_files import V1_UNLIMITED, CgroupValues, as_wanted, shares_from_weight

PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


def cgroup_fact(wanted: CgroupSpec, mount: Path = cgroupfs.MOUNT) -> CgroupSpec | None:
    """The cgroup as the kernel has it, in the terms of what is wanted; None where there is none. It blocks."""
    if not cgroupfs.exists(wanted.name, mount):
        return None
    sizes = tuple(size for size, _ in wanted.huge_pages)
    values = _values(wanted.name, sizes, mount)
    return as_wanted(wanted, values, page_size=PAGE_SIZE, unified=cgroupfs.is_unified(mount))


def container_resources(parent: str, container_id: str, mount: Path = cgroupfs.MOUNT) -> LinuxResources | None:
    """What the kernel gives a container, found by its id below the pod's cgroup; None where there is none. It blocks.

    Runtimes call it by the id alone (cgroupfs), or `cri-containerd-<id>.scope` and the like (systemd).
    """
    if not parent.strip("/."):
        return None
    name = next((child for child in cgroupfs.children(parent, mount) if container_id in child), None)
    if name is None:
        return None
    values = _values(name, (), mount)
    quota = values.quota
    return LinuxResources(values.shares, values.period if quota else 0, quota, values.memory, 0)


def _values(name: str, sizes: tuple[str, ...], mount: Path) -> CgroupValues:
    unified = cgroupfs.is_unified(mount)

    def number(controller: str, file: str) -> int:
        return _number(cgroupfs.read(name, controller, file, mount))

    suffix = "max" if unified else "limit_in_bytes"
    texts = {size: cgroupfs.read(name, "hugetlb", f"hugetlb.{size}.{suffix}", mount) for size in sizes}
    pages = {size: _number(text) for size, text in texts.items() if text is not None}
    if not unified:
        return CgroupValues(
            shares=number("cpu", "cpu.shares"),
            quota=number("cpu", "cpu.cfs_quota_us"),
            period=number("cpu", "cpu.cfs_period_us"),
            memory=number("memory", "memory.limit_in_bytes"),
            pids=number("pids", "pids.max"),
            huge_pages=pages,
        )
    quota, _, period = (cgroupfs.read(name, "cpu", "cpu.max", mount) or "max 100000").partition(" ")
    weight = number("cpu", "cpu.weight")
    return CgroupValues(
        shares=shares_from_weight(weight) if weight else 0,
        quota=_number(quota),
        period=_number(period),
        memory=number("memory", "memory.max"),
        pids=number("pids", "pids.max"),
        huge_pages=pages,
    )


def _number(text: str | None) -> int:
    """0 where there is no limit: none is written as max, -1 or more than there can be."""
    if text is None or text == "max":
        return 0
    value = int(text)
    return 0 if value < 0 or value >= V1_UNLIMITED else value
