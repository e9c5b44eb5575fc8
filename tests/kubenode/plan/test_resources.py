"""QoS, cgroups, CPU and memory by the kubelet's arithmetic."""

from __future__ import annotations

from typing import Any

import pytest

from kubenode.plan.resources import cgroup_parent, linux_resources, oom_score_adj, qos_class
from support.plans import desired_pod

GIB = 2**30
NODE_CRITICAL = 2_000_001_000


def _container(name: str = "app", limits: dict[str, Any] | None = None, **requests: Any) -> dict[str, Any]:
    return {"name": name, "resources": {"limits": limits or {}, "requests": requests}}


BOTH = {"cpu": "1", "memory": "1Gi"}
QOS = [
    ([_container()], "BestEffort"),
    ([_container(limits={"cpu": 0, "memory": "0"})], "BestEffort"),
    ([_container(limits={"ephemeral-storage": "1Gi"})], "BestEffort"),
    ([_container(limits=BOTH)], "Guaranteed"),
    ([_container(limits=BOTH, cpu="1000m", memory="1024Mi")], "Guaranteed"),
    ([_container(limits=BOTH, cpu="500m")], "Burstable"),
    ([_container(limits=BOTH, cpu=0)], "Burstable"),
    ([_container(limits={"cpu": "1"})], "Burstable"),
    ([_container(memory="1Gi")], "Burstable"),
    ([_container(limits=BOTH), _container("side")], "Burstable"),
    ([_container(limits=BOTH), _container("side", limits=BOTH)], "Guaranteed"),
]


@pytest.mark.parametrize(("containers", "expected"), QOS)
def test_qos_class(containers: list[dict[str, Any]], expected: str) -> None:
    assert qos_class(desired_pod({"containers": containers}).pod) == expected


CGROUPS = [
    ([_container()], "", "cgroupfs", "/kubepods/besteffort/poda-b"),
    ([_container(memory=1)], "/", "cgroupfs", "/kubepods/burstable/poda-b"),
    ([_container(limits=BOTH)], "/node/x/", "cgroupfs", "/node/x/kubepods/poda-b"),
    ([_container()], "", "systemd", "kubepods-besteffort-poda_b.slice"),
    ([_container(memory=1)], "/", "systemd", "kubepods-burstable-poda_b.slice"),
    ([_container(limits=BOTH)], "/node/my-x", "systemd", "node-my_x-kubepods-poda_b.slice"),
]


@pytest.mark.parametrize(("containers", "root", "driver", "expected"), CGROUPS)
def test_cgroup_parent(containers: list[dict[str, Any]], root: str, driver: str, expected: str) -> None:
    assert cgroup_parent(desired_pod({"containers": containers}, uid="a-b").pod, root, driver) == expected


CPU = [
    # limits, requests, shares, period, quota
    ({}, {}, 2, 0, 0),
    ({}, {"cpu": "1m"}, 2, 0, 0),
    ({}, {"cpu": "100m"}, 102, 0, 0),
    ({}, {"cpu": "1"}, 1024, 0, 0),
    ({}, {"cpu": "300"}, 262_144, 0, 0),
    ({"cpu": "500m"}, {}, 512, 100_000, 50_000),
    ({"cpu": "2"}, {"cpu": "250m"}, 256, 100_000, 200_000),
    ({"cpu": "1m"}, {}, 2, 100_000, 1000),
    ({"cpu": 1.5}, {}, 1536, 100_000, 150_000),
]


@pytest.mark.parametrize(("limits", "requests", "shares", "period", "quota"), CPU)
def test_cpu(limits: dict[str, Any], requests: dict[str, Any], shares: int, period: int, quota: int) -> None:
    pod = desired_pod({"containers": [_container(limits=limits, **requests)]}).pod
    found = linux_resources(pod.spec.containers[0], pod, 8 * GIB)
    assert (found.cpu_shares, found.cpu_period, found.cpu_quota) == (shares, period, quota)


@pytest.mark.parametrize(("limit", "expected"), [("128Mi", 134_217_728), ("1G", 10**9), ("100m", 1), (1024, 1024)])
def test_memory_limit(limit: Any, expected: int) -> None:
    pod = desired_pod({"containers": [_container(limits={"memory": limit})]}).pod
    assert linux_resources(pod.spec.containers[0], pod, 8 * GIB).memory_limit == expected


OOM = [
    ([_container()], 0, 8 * GIB, 1000),
    ([_container(limits=BOTH)], 0, 8 * GIB, -997),
    ([_container()], NODE_CRITICAL, 8 * GIB, -997),
    ([_container(memory="2Gi")], 0, 8 * GIB, 750),
    ([_container(limits={"memory": "2Gi"})], 0, 8 * GIB, 750),
    ([_container(memory="1")], 0, 8 * GIB, 999),
    ([_container(memory="8Gi")], 0, 8 * GIB, 3),
    ([_container(memory="80Gi")], 0, 8 * GIB, 3),
    ([_container(memory="1Gi")], 0, 0, 999),
    # Of two containers each is judged by its own request.
    ([_container(), _container("side", memory="1Gi")], 0, 8 * GIB, 999),
]


@pytest.mark.parametrize(("containers", "priority", "capacity", "expected"), OOM)
def test_oom_score(containers: list[dict[str, Any]], priority: int, capacity: int, expected: int) -> None:
    pod = desired_pod({"containers": containers, "priority": priority}).pod
    assert oom_score_adj(pod.spec.containers[0], pod, capacity) == expected
