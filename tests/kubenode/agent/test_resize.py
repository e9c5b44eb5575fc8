"""CPU and memory that change while a container runs, seen in the host's own cgroups; and what a node does not take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import leave_out
from kubenode.clients.cgroupfs import MOUNT, hierarchies
from support.agent import AgentProcess, container, pod

MIB = 2**20
POLICY = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]


def sized(name: str, cpu: str, memory: str, **fields: Any) -> dict[str, Any]:
    limits = {"cpu": cpu, "memory": memory}
    app = container(resources={"limits": limits, "requests": limits}, **fields)
    return pod(name, containers=[app])


def place(uid: str) -> str:
    """Of the pod's cgroup, below the root of each tree."""
    (found,) = (MOUNT / "cpu").glob(f"kubenode*/kubepods/**/pod{uid}")
    return str(found.relative_to(MOUNT / "cpu"))


def limits(cgroup: str) -> tuple[int, int, int]:
    """Shares, quota (µs) and memory (bytes)."""
    files = ("cpu/{}/cpu.shares", "cpu/{}/cpu.cfs_quota_us", "memory/{}/memory.limit_in_bytes")
    shares, quota, memory = (int((MOUNT / file.format(cgroup)).read_text()) for file in files)
    return shares, quota, memory


@pytest.fixture(autouse=True)
def v1() -> None:
    if Path(MOUNT) in hierarchies():
        leave_out("this reads cgroup v1")


def both(agent: AgentProcess, told: dict[str, Any]) -> set[tuple[int, int, int]]:
    """The limits of the pod and of its container."""
    pods_own = place(told["uid"])
    return {limits(pods_own), limits(f"{pods_own}/{told['containers'][0]['containerId']}")}


@pytest.mark.parametrize(
    ("cpu", "memory", "expected"), [("400m", "96Mi", (409, 40_000, 96)), ("100m", "32Mi", (102, 10_000, 32))]
)
def test_a_running_container_gets_other_limits(
    agent: AgentProcess, cpu: str, memory: str, expected: tuple[int, int, int]
) -> None:
    name = f"resized-{cpu}"
    agent.put_pods(sized(name, "200m", "64Mi"))
    before = agent.until_running(name)[name]
    assert both(agent, before) == {(204, 20_000, 64 * MIB)}
    agent.put_pods(sized(name, cpu, memory))
    shares, quota, mebibytes = expected
    agent.until(lambda: both(agent, before) == {(shares, quota, mebibytes * MIB)}, "the new limits")
    after = agent.pod(name)
    assert (after["uid"], after["containers"], after["restarts"]) == (before["uid"], before["containers"], 0)
    assert not [plan for plan in agent.ask("sync", "--dry-run")["pods"] if plan["steps"]]
    agent.remove(name)


def test_a_policy_restarts_the_container_within_its_pod(agent: AgentProcess) -> None:
    agent.put_pods(sized("policy", "200m", "64Mi", resizePolicy=POLICY))
    before = agent.until_running("policy")["policy"]
    agent.put_pods(sized("policy", "200m", "96Mi", resizePolicy=POLICY))
    old = before["containers"][0]["containerId"]
    after = agent.until_pod("policy", lambda told: told["ready"] and told["containers"][0]["containerId"] != old)
    assert (after["uid"], after["restarts"]) == (before["uid"], 1)
    assert both(agent, after) == {(204, 20_000, 96 * MIB)}
    agent.remove("policy")


def test_a_limit_below_what_is_used_is_refused_with_both_figures(agent: AgentProcess) -> None:
    fill = "head -c 40000000 /dev/zero > /dev/shm/x; touch /tmp/done; trap 'exit 0' TERM; sleep 100000 & wait"
    agent.put_pods(sized("full", "200m", "64Mi", command=fill))
    told = agent.until_running("full")["full"]
    usage = MOUNT / "memory" / place(told["uid"]) / "memory.usage_in_bytes"
    agent.until(lambda: int(usage.read_text()) > 40_000_000, "the memory to be used")
    agent.put_pods(sized("full", "200m", "16Mi", command=fill))
    agent.until(lambda: "more than the new limit of 16777216" in agent.output.read_text(), "the refusal")
    assert agent.pod("full")["containers"][0]["containerId"] == told["containers"][0]["containerId"]
    assert both(agent, told) == {(204, 20_000, 64 * MIB)}
    agent.remove("full")


def test_a_pod_that_asks_for_too_much_says_what_is_left(agent: AgentProcess) -> None:
    agent.put_pods(pod("huge", containers=[container(resources={"requests": {"cpu": "1000"}})]))
    told = agent.until_pod("huge", lambda told: told.get("reason") == "OutOfcpu")
    assert told["phase"] == "Failed"
    assert "The pod asks for 1000 of cpu; of " in told["message"]
    agent.remove("huge")
