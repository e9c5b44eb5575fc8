"""When a running container gets other resources, and what its pod's cgroup has meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from kubenode.model.specs import CgroupSpec, LinuxResources
from kubenode.plan.cgroup_files import shares_from_weight, weight_of
from kubenode.plan.resize import resize, same_shares, widest
from support.plans import container, desired_pod, settings

MIB = 2**20


def _change(limits: dict[str, Any], there: LinuxResources | None) -> LinuxResources | None:
    desired = desired_pod({"containers": [{"name": "app", "resources": {"limits": limits}}]})
    found = resize(desired.pod.spec.containers[0], container("app-0", desired, resources=there), desired, settings())
    return found.resources if found else None


HALF = {"cpu": "500m", "memory": "64Mi"}
SAME = [
    LinuxResources(512, 100_000, 50_000, 64 * MIB, 0),
    LinuxResources(512, 50_000, 25_000, 64 * MIB, 1000),
    LinuxResources(shares_from_weight(weight_of(512)), 100_000, 50_000, 64 * MIB, 0),
    # What runc's newer rule makes of 512: a weight of 59.
    LinuxResources(shares_from_weight(59), 100_000, 50_000, 64 * MIB, 0),
]


@pytest.mark.parametrize("there", [None, *SAME])
def test_who_has_it_or_does_not_tell_is_left_alone(there: LinuxResources | None) -> None:
    assert _change(HALF, there) is None


def test_pages_are_rounded_by_the_kernel() -> None:
    assert _change({"memory": "1000000"}, LinuxResources(2, 0, 0, 1000000 // 4096 * 4096, 0)) is None


OTHER = [
    (HALF, LinuxResources(1024, 100_000, 50_000, 64 * MIB, 0), (512, 50_000, 64 * MIB)),
    (HALF, LinuxResources(512, 0, 0, 64 * MIB, 0), (512, 50_000, 64 * MIB)),
    (HALF, LinuxResources(512, 100_000, 50_000, 0, 0), (512, 50_000, 64 * MIB)),
    # -1 takes away what 0 would leave.
    ({"cpu": "500m"}, LinuxResources(512, 100_000, 50_000, 64 * MIB, 0), (512, 50_000, -1)),
    ({"memory": "64Mi"}, LinuxResources(2, 100_000, 50_000, 64 * MIB, 0), (2, -1, 64 * MIB)),
]


@pytest.mark.parametrize(("limits", "there", "expected"), OTHER)
def test_what_is_not_as_the_manifest_says_is_updated(
    limits: dict[str, str], there: LinuxResources, expected: tuple[int, int, int]
) -> None:
    found = _change(limits, there)
    assert found is not None
    assert (found.cpu_shares, found.cpu_quota, found.memory_limit) == expected
    assert found.cpu_period == 100_000


@pytest.mark.parametrize(("wanted", "there", "same"), [(102, 102, True), (112, 102, False), (102, 1024, False)])
def test_shares_that_differ_a_little_differ(wanted: int, there: int, same: bool) -> None:
    assert same_shares(wanted, there) is same


@pytest.mark.parametrize("weight", [1, 39, 100, 9999, 10_000])
def test_weights_come_back_from_shares(weight: int) -> None:
    assert weight_of(shares_from_weight(weight)) == weight


SMALL, LARGE = CgroupSpec("/x", 100, 10_000, 100_000, MIB), CgroupSpec("/x", 200, 50_000, 100_000, 2 * MIB)
UNLIMITED = CgroupSpec("/x", 100)


def test_a_pods_cgroup_is_wide_enough_before_and_after() -> None:
    assert widest(LARGE, SMALL) == LARGE
    assert widest(SMALL, LARGE) == CgroupSpec("/x", 100, 50_000, 100_000, 2 * MIB)
    assert widest(SMALL, UNLIMITED) == widest(UNLIMITED, SMALL) == UNLIMITED
