"""QoS, cgroups, limits, resize, admission (pod_resize.go, qos, pids, critical pods)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from kubenode.clients.cgroupfs import hierarchies
from support.agent import AgentProcess, container, pod

KUBELET = {"podPidsLimit": 200, "maxPods": 30}
FOREVER = "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"


def sized(name: str, limits: Any = None, requests: Any = None, **spec: Any) -> dict[str, Any]:
    resources = {"limits": limits or {}, "requests": requests or {}}
    return pod(name, containers=[container(resources=resources)], **spec)


SMALL = {"cpu": "100m", "memory": "64Mi"}
PODS = [
    sized("guaranteed", limits=SMALL),
    sized("burstable", requests={"cpu": "50m"}, limits={"memory": "64Mi"}),
    sized("best-effort"),
    sized("too-big", requests={"cpu": "1000"}),
    sized("too-much", requests={"memory": "1000Ti"}),
    sized("elsewhere", nodeSelector={"disk": "ssd"}),
    sized("windows", os={"name": "windows"}),
]


def value(uid: str, controller: str, name: str) -> str:
    """A file of the pod's cgroup, wherever its tier is."""
    for root in hierarchies():
        if controller in root.name.split(","):
            (path,) = root.glob(f"kubenode*/kubepods/**/pod{uid}")
            return (path / name).read_text().strip()
    raise AssertionError(f"no hierarchy of {controller}")


def tier(uid: str) -> str:
    path = next(path for root in hierarchies() for path in root.glob(f"kubenode*/kubepods/**/pod{uid}"))
    return path.parent.name


@pytest.mark.parametrize(
    ("name", "where"), [("guaranteed", "kubepods"), ("burstable", "burstable"), ("best-effort", "besteffort")]
)
def test_qos_cgroups(agent: AgentProcess, name: str, where: str) -> None:
    assert tier(agent.until_running(name)[name]["uid"]) == where


def test_a_pods_cgroup_holds_its_limits(agent: AgentProcess) -> None:
    uid = agent.until_running("guaranteed")["guaranteed"]["uid"]
    assert value(uid, "memory", "memory.limit_in_bytes") == str(64 * 2**20)
    assert value(uid, "cpu", "cpu.shares") == "102"
    assert value(uid, "cpu", "cpu.cfs_quota_us") == "10000"


def test_process_ids_are_limited(agent: AgentProcess) -> None:
    uid = agent.until_running("best-effort")["best-effort"]["uid"]
    assert value(uid, "pids", "pids.max") == "200"


@pytest.mark.parametrize(
    ("name", "reason", "word"),
    [
        ("too-big", "OutOfcpu", "cpu"),
        ("too-much", "OutOfmemory", "memory"),
        ("elsewhere", "NodeAffinity", "disk"),
        ("windows", "PodOSNotSupported", "windows"),
    ],
)
def test_what_cannot_run_here_is_refused(agent: AgentProcess, name: str, reason: str, word: str) -> None:
    told = agent.until_pod(name, lambda told: told.get("phase") == "Failed")
    assert told["reason"] == reason
    assert word in told["message"]


def test_cpu_and_memory_are_resized_in_place(agent: AgentProcess) -> None:
    agent.put_pods(sized("resized", limits=SMALL))
    before = agent.until_running("resized")["resized"]
    agent.put_pods(sized("resized", limits={"cpu": "200m", "memory": "96Mi"}))
    agent.until(lambda: value(before["uid"], "memory", "memory.limit_in_bytes") == str(96 * 2**20), "the pod's limit")

    def inside() -> bool:
        script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us"
        return agent.run("exec", before["name"], "--", "sh", "-c", script)[1].split() == [str(96 * 2**20), "20000"]

    agent.until(inside, "the container's limits")
    after = agent.pod("resized")
    assert (after["uid"], after["restarts"]) == (before["uid"], 0)
    assert after["containers"][0]["containerId"] == before["containers"][0]["containerId"]


def test_a_resize_may_ask_for_a_restart(agent: AgentProcess) -> None:
    def made(memory: str) -> dict[str, Any]:
        policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
        resources = {"limits": {"cpu": "100m", "memory": memory}}
        return pod("restarted", containers=[container(resources=resources, resizePolicy=policy)])

    agent.put_pods(made("64Mi"))
    before = agent.until_running("restarted")["restarted"]
    agent.put_pods(made("96Mi"))
    after = agent.until_pod("restarted", lambda told: told.get("restarts") == 1)
    assert after["uid"] == before["uid"]


def test_a_critical_pod_comes_first(agent: AgentProcess) -> None:
    cpus = os.cpu_count() or 1
    agent.put_pods(sized("filler", requests={"cpu": f"{cpus * 1000 - 1200}m"}))
    agent.until_running("filler")
    agent.put_pods(sized("common", requests={"cpu": "1000m"}))
    agent.until_pod("common", lambda told: told.get("reason") == "OutOfcpu")
    agent.put_pods(sized("critical", requests={"cpu": "1000m"}, priorityClassName="system-node-critical"))
    agent.until_running("critical")
    agent.until_pod("filler", lambda told: told.get("reason") == "OutOfcpu")
    agent.remove("filler", "critical", "common")


def test_nothing_is_left_of_a_pods_cgroup(agent: AgentProcess) -> None:
    agent.put_pods(sized("leaving", limits=SMALL))
    uid = agent.until_running("leaving")["leaving"]["uid"]
    agent.remove("leaving")
    agent.until(lambda: not agent.pod("leaving"), "leaving to be gone")
    left: list[Path] = [path for root in hierarchies() for path in root.glob(f"kubenode*/kubepods/**/pod{uid}")]
    assert left == []
