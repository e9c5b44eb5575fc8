"""Making cgroups and reading them back: the host's own v1, a made-up v2 tree, and slices over a fake systemctl."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import leave_out
from kubenode.apply.cgroups import set_cgroup
from kubenode.clients import cgroupfs
from kubenode.clients.errors import RuntimeFailure
from kubenode.model.specs import CgroupSpec, LinuxResources
from kubenode.observe.cgroups import cgroup_fact, container_resources
from kubenode.plan.cgroups import differs

MIB = 2**20
LIMITED = CgroupSpec(
    "/kubepods/podu1", cpu_shares=512, cpu_quota=50_000, cpu_period=100_000, memory_limit=64 * MIB, pids=50
)
FILES = {
    "cpu.weight": "100",
    "cpu.max": "max 100000",
    "memory.max": "max",
    "pids.max": "max",
    "hugetlb.2MB.max": "max",
}


class Tree:
    """A v2 hierarchy of plain files: the kernel's part, new files in new cgroups, is played by `populate`."""

    def __init__(self, mount: Path) -> None:
        self.mount = mount
        self.populate("", {})

    def populate(self, name: str, files: dict[str, str]) -> None:
        directory = self.mount / name
        directory.mkdir(parents=True, exist_ok=True)
        controllers = {"cgroup.controllers": "cpuset cpu io memory hugetlb pids rdma", "cgroup.subtree_control": ""}
        for file, text in {**controllers, **files}.items():
            (directory / file).write_text(text)

    def text(self, name: str, file: str) -> str:
        return (self.mount / name / file).read_text()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.populate("kubepods", {})
    made.populate("kubepods/podu1", FILES)
    return made


def test_v2_gets_weights_and_maxima(tree: Tree) -> None:
    set_cgroup(LIMITED, tree.mount)
    found = {file: tree.text("kubepods/podu1", file) for file in FILES}
    assert found["cpu.weight"].startswith("20")
    # Plain files keep what a shorter value does not cover; cgroup's do not.
    assert found["cpu.max"].startswith("50000 100000")
    assert found["memory.max"].startswith(str(64 * MIB))
    assert found["pids.max"].startswith("50")


def test_v2_controllers_are_switched_on_above(tree: Tree) -> None:
    set_cgroup(LIMITED, tree.mount)
    for above in ("", "kubepods"):
        assert tree.text(above, "cgroup.subtree_control") == "+cpu +cpuset +hugetlb +io +memory +pids"
    assert tree.text("kubepods/podu1", "cgroup.subtree_control") == ""


READ = [
    ({}, CgroupSpec("/kubepods/podu1", cpu_shares=2598)),
    ({"cpu.weight": "20"}, CgroupSpec("/kubepods/podu1", cpu_shares=512)),
    ({"cpu.weight": "21"}, CgroupSpec("/kubepods/podu1", cpu_shares=527)),
    ({"cpu.weight": "20", "cpu.max": "50000 100000"}, LIMITED),
    ({"cpu.weight": "20", "cpu.max": "25000 50000"}, LIMITED),
]


@pytest.mark.parametrize(("files", "expected"), READ)
def test_v2_is_read_in_the_terms_of_what_is_wanted(tree: Tree, files: dict[str, str], expected: CgroupSpec) -> None:
    tree.populate("kubepods/podu1", {**FILES, **files})
    found = cgroup_fact(LIMITED, tree.mount)
    assert found is not None
    assert (found.cpu_shares, found.cpu_quota, found.cpu_period) == (
        expected.cpu_shares,
        expected.cpu_quota,
        expected.cpu_period,
    )


def test_pages_that_the_kernel_rounds_to_are_no_difference(tree: Tree) -> None:
    wanted = CgroupSpec("/kubepods/podu1", cpu_shares=2, memory_limit=10_000_000)
    tree.populate("kubepods/podu1", {**FILES, "cpu.weight": "1", "memory.max": str(10_000_000 // 4096 * 4096)})
    there = cgroup_fact(wanted, tree.mount)
    assert there is not None
    assert not differs(wanted, there)


def test_what_is_not_there_is_none(tree: Tree) -> None:
    assert cgroup_fact(CgroupSpec("/kubepods/podu2"), tree.mount) is None
    assert container_resources("/kubepods/podu2", "c1", tree.mount) is None
    assert container_resources("/", "c1", tree.mount) is None


@pytest.mark.parametrize("name", ["c1", "cri-containerd-c1.scope"])
def test_a_container_is_found_by_its_id(tree: Tree, name: str) -> None:
    tree.populate(f"kubepods/podu1/{name}", {**FILES, "cpu.max": "20000 100000", "memory.max": "4096"})
    expected = LinuxResources(2598, 100_000, 20_000, 4096, 0)
    assert container_resources("/kubepods/podu1", "c1", tree.mount) == expected


@pytest.mark.parametrize("name", ["/", "", "/kubepods/../..", "../x"])
def test_nothing_is_written_outside_of_the_tree(tree: Tree, name: str) -> None:
    with pytest.raises(RuntimeFailure, match="not a place below the root of cgroups"):
        set_cgroup(CgroupSpec(name, cpu_shares=2), tree.mount)


@pytest.fixture
def v1() -> Iterator[str]:
    """The name of a cgroup of the test's own in the host's v1 trees."""
    if os.geteuid() != 0 or not (cgroupfs.MOUNT / "cpu" / "cpu.shares").exists():
        leave_out("cgroup v1 and root are needed")
    name = f"/kubenode-test-{uuid.uuid4().hex[:8]}"
    yield name
    cgroupfs._remove_trees(name, cgroupfs.MOUNT)
    assert not list(cgroupfs.MOUNT.glob(f"*{name}"))


def test_v1_gives_what_is_asked_for_and_takes_it_back(v1: str) -> None:
    name = f"{v1}/kubepods/podu1"
    limited = CgroupSpec(name, 512, 50_000, 100_000, 64 * MIB + 1, 50)
    assert cgroup_fact(limited) is None
    for wanted in (limited, CgroupSpec(name, 2048, 20_000, 10_000, 128 * MIB), CgroupSpec(name, 2), limited):
        set_cgroup(wanted)
        there = cgroup_fact(wanted)
        assert there == wanted
    assert (cgroupfs.MOUNT / f"memory{name}/memory.limit_in_bytes").read_text().strip() == str(64 * MIB)
    assert container_resources(f"{v1}/kubepods", "podu1") == LinuxResources(512, 100_000, 50_000, 64 * MIB, 0)


def test_a_limit_that_the_kernel_refuses_is_a_sentence(v1: str) -> None:
    set_cgroup(CgroupSpec(f"{v1}/pod", cpu_quota=50_000, cpu_period=100_000))
    with pytest.raises(RuntimeFailure) as raised:
        set_cgroup(CgroupSpec(f"{v1}/pod/over", cpu_quota=90_000, cpu_period=100_000))
    assert str(raised.value) == (
        f"limiting of cgroup {v1}/pod/over failed at /sys/fs/cgroup: 90000 for cpu.cfs_quota_us: Invalid argument. "
        "A limit below what is in use, or above the parent's, is not taken; it is tried again."
    )


FAKE = """#!/bin/sh
printf '%s\\n' "$*" >> "$(dirname "$0")/calls"
"""


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemctl that notes what it is called with, one line a call."""
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program.parent / "calls"


SLICE = "kubepods-podu1.slice"


def test_a_slice_is_limited_and_started(tree: Tree, systemctl: Path) -> None:
    set_cgroup(CgroupSpec(SLICE, 512, 12_345, 100_000, 64 * MIB, 50), tree.mount)
    limited, started = systemctl.read_text().splitlines()
    assert limited == (
        f"--no-ask-password set-property --runtime -- {SLICE} CPUWeight=20 CPUQuotaPeriodSec=100000us CPUQuota=12.35% "
        f"MemoryMax={64 * MIB} TasksMax=50"
    )
    assert started == f"--no-ask-password start -- {SLICE}"


def test_a_slice_without_limits_says_so(tree: Tree, systemctl: Path) -> None:
    set_cgroup(CgroupSpec(SLICE, cpu_shares=2), tree.mount)
    assert systemctl.read_text().splitlines()[0].endswith("CPUWeight=1 CPUQuota= MemoryMax=infinity TasksMax=infinity")


def test_a_slice_is_stopped_and_its_properties_forgotten(systemctl: Path) -> None:
    asyncio.run(cgroupfs.remove(SLICE))
    calls = [line.split()[1] for line in systemctl.read_text().splitlines()]
    assert calls == ["stop", "revert"]


async def test_a_host_without_systemd_is_told_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeFailure, match=r"systemctl cannot be run: .* Set cgroupDriver to cgroupfs"):
        await cgroupfs.remove(SLICE)


def test_where_slices_stand() -> None:
    assert str(cgroupfs.relative("a-b-podx_y.slice")) == "a.slice/a-b.slice/a-b-podx_y.slice"
    assert str(cgroupfs.relative("/a/b.slice")) == "a/b.slice"
