"""The cgroups of pods, and those above them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kubenode.model.facts import NodeFacts
from kubenode.model.settings import KubeletConfiguration, Settings
from kubenode.model.specs import CgroupSpec
from kubenode.plan.cgroups import differs, node_cgroups, pod_cgroup
from support.plans import desired_pod

GIB = 2**30
NODE = NodeFacts(cpus=4000, memory=8 * GIB)


def _settings(**kubelet: Any) -> Settings:
    return Settings(kubelet=msgspec.convert(kubelet, KubeletConfiguration), node_name="node", memory_capacity=8 * GIB)


def _container(name: str = "app", limits: dict[str, Any] | None = None, **requests: Any) -> dict[str, Any]:
    return {"name": name, "resources": {"limits": limits or {}, "requests": requests}}


BOTH = {"cpu": "1", "memory": "1Gi"}
PODS = [
    # spec, shares, quota, memory
    ({"containers": [_container()]}, 2, 0, 0),
    ({"containers": [_container(limits=BOTH)]}, 1024, 100_000, GIB),
    ({"containers": [_container(limits=BOTH, cpu="500m")]}, 512, 100_000, GIB),
    ({"containers": [_container(limits=BOTH), _container("side", limits=BOTH)]}, 2048, 200_000, 2 * GIB),
    # One without a limit leaves the pod without one.
    ({"containers": [_container(limits=BOTH), _container("side", limits={"cpu": "1"})]}, 2048, 200_000, 0),
    ({"containers": [_container(limits=BOTH)], "initContainers": [_container("first")]}, 1024, 0, 0),
    ({"containers": [_container(limits=BOTH)], "initContainers": [_container("first", BOTH)]}, 1024, 100_000, GIB),
    (
        {"containers": [_container(limits=BOTH)], "overhead": {"cpu": "250m", "memory": "1Mi"}},
        1280,
        125_000,
        GIB + 2**20,
    ),
    ({"containers": [_container()], "resources": {"limits": BOTH}}, 1024, 100_000, GIB),
    ({"containers": [_container(cpu="2")], "resources": {"limits": {"cpu": "4"}}}, 2048, 400_000, 0),
    ({"containers": [_container(limits=BOTH)], "resources": {"requests": {"cpu": "3"}}}, 3072, 100_000, GIB),
]


@pytest.mark.parametrize(("spec", "shares", "quota", "memory"), PODS)
def test_a_pods_cgroup(spec: dict[str, Any], shares: int, quota: int, memory: int) -> None:
    found = pod_cgroup(desired_pod(spec).pod, _settings())
    assert (found.cpu_shares, found.cpu_quota, found.memory_limit) == (shares, quota, memory)
    assert found.cpu_period == (100_000 if quota else 0)


def test_a_pods_cgroup_is_the_one_that_the_runtime_is_told() -> None:
    pod = desired_pod({"containers": [_container(limits=BOTH)]}).pod
    assert pod_cgroup(pod, _settings()).name == "/kubepods/podu1"
    assert pod_cgroup(pod, _settings(cgroupDriver="systemd")).name == "kubepods-podu1.slice"


def test_processes_and_huge_pages() -> None:
    pod = desired_pod({"containers": [_container(limits={"hugepages-2Mi": "4Mi", "hugepages-1Gi": "1Gi"})]}).pod
    found = pod_cgroup(pod, _settings(podPidsLimit=100))
    assert (found.pids, found.huge_pages) == (100, (("2MB", 4 * 2**20), ("1GB", GIB)))
    assert pod_cgroup(pod, _settings()).pids == 0


QUOTAS = [({"cpuCFSQuota": False}, 0, 0), ({"cpuCFSQuotaPeriod": "10ms"}, 10_000, 10_000)]


@pytest.mark.parametrize(("kubelet", "quota", "period"), QUOTAS)
def test_cpu_limits_as_configured(kubelet: dict[str, Any], quota: int, period: int) -> None:
    found = pod_cgroup(desired_pod({"containers": [_container(limits=BOTH)]}).pod, _settings(**kubelet))
    assert (found.cpu_quota, found.cpu_period) == (quota, period)


def test_the_cgroups_above_the_pods() -> None:
    pods = [desired_pod({"containers": [_container(cpu=cpu)]}).pod for cpu in ("250m", "750m")]
    pods += [desired_pod().pod, desired_pod({"containers": [_container(limits=BOTH)]}).pod]
    reserved = {"systemReserved": {"cpu": "1", "memory": "1Gi"}, "kubeReserved": {"memory": "1Gi"}}
    assert node_cgroups(pods, _settings(**reserved), NODE) == (
        CgroupSpec("/kubepods", cpu_shares=3072, memory_limit=6 * GIB),
        CgroupSpec("/kubepods/burstable", cpu_shares=1024),
        CgroupSpec("/kubepods/besteffort", cpu_shares=2),
    )


def test_without_enforcement_pods_may_use_what_is_reserved() -> None:
    configured = {"systemReserved": {"cpu": "1", "memory": "1Gi"}, "enforceNodeAllocatable": ["none"]}
    everything, *_ = node_cgroups([], _settings(**configured), NODE)
    assert everything == CgroupSpec("/kubepods", cpu_shares=4096)


def test_what_the_node_does_not_know_of_itself_is_not_limited() -> None:
    assert node_cgroups([], _settings(), NodeFacts())[0] == CgroupSpec("/kubepods")


def test_slices_above_the_pods() -> None:
    found = node_cgroups([], _settings(cgroupDriver="systemd", cgroupRoot="/x"), NODE)
    assert [spec.name for spec in found] == [
        "x-kubepods.slice",
        "x-kubepods-burstable.slice",
        "x-kubepods-besteffort.slice",
    ]


def test_what_differs_is_written() -> None:
    wanted = CgroupSpec("/x", cpu_shares=100, memory_limit=4096)
    assert not differs(wanted, wanted)
    assert differs(wanted, CgroupSpec("/x", cpu_shares=100))
    assert not differs(CgroupSpec("/x"), CgroupSpec("/x", cpu_shares=1024))
