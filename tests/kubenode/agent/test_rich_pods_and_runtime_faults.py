"""The runtime goes, comes back or hangs while pods are being prepared, run a hook or are probed: none pays for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from support.agent import FOREVER, AgentProcess, container, pod
from support.containerd import RealRuntime
from support.rich_pods import left_of_pods
from support.runtime_view import RuntimeView

# Longer than a probe and its margin, so that a command is asked for in vain.
HUNG_SECONDS = 8.0
PROBE = {"exec": {"command": ["true"]}, "periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 1}
SLOW_HOOK = {"postStart": {"exec": {"command": ["sh", "-c", "echo begun > /proc/1/fd/1; sleep 3"]}}}
PODS = [
    pod("probed", containers=[container(readinessProbe=PROBE, livenessProbe=PROBE)]),
    pod("prepared", initContainers=[container("slow", "echo begun; sleep 3"), container("next", "true")]),
    pod("hooked", containers=[container(command=FOREVER, lifecycle=SLOW_HOOK)]),
]
NAMES = ("probed", "prepared", "hooked")


def go(runtime: RealRuntime, wait: Callable[[], None]) -> None:
    runtime.kill()
    try:
        wait()
    finally:
        runtime.start()


def hang(runtime: RealRuntime, _wait: Callable[[], None]) -> None:
    runtime.pause()
    try:
        time.sleep(HUNG_SECONDS)  # how long it hangs is what is tested
    finally:
        runtime.resume()


@pytest.mark.parametrize("fault", [go, hang])
def test_nothing_restarts_and_nothing_flips(
    beside_agent: AgentProcess,
    containerd16: RealRuntime,
    view: RuntimeView,
    fault: Callable[[RealRuntime, Callable[[], None]], None],
) -> None:
    agent = beside_agent
    agent.configure(runtimeRequestTimeout="2s")
    agent.put_pods(PODS[0])
    agent.start()
    agent.until_running("probed")
    agent.until(lambda: agent.pod("probed")["ready"], "the probe to pass")
    agent.put_pods(*PODS[1:])
    agent.until(lambda: begun(agent, "hooked", "app"), "the hook to run")
    agent.until(lambda: begun(agent, "prepared", "slow"), "the init container to run")
    held = view.running()
    fault(containerd16, lambda: agent.until(lambda: bool(agent.state()["runtimeError"]), "the agent to notice"))
    after = agent.until_running(*NAMES)
    agent.until(lambda: not agent.state()["runtimeError"], "the agent to see the runtime again")
    assert {name: after[name]["restarts"] for name in NAMES} == dict.fromkeys(NAMES, 0)
    lasting = {one for one, name in held.items() if name != "prepared-testnode"}
    assert lasting <= view.running().keys()
    assert [one["state"] for one in after["prepared"]["initContainers"]] == ["terminated"] * 2
    events = [event for event in agent.ask("events")["events"] if event["pod"].startswith(("probed", "hooked"))]
    assert not flips(events), events
    agent.remove(*NAMES)
    agent.until(agent.empty, "no pods")
    assert left_of_pods(agent) == []


def begun(agent: AgentProcess, name: str, container: str) -> bool:
    return any("begun" in log.read_text() for log in agent.logs.glob(f"*_{name}-*/{container}/0.log"))


def flips(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What tells of a container that was not well; that it could not be asked may be told."""
    told = [event for event in events if "could not be asked" not in event["message"]]
    return [event for event in told if event["reason"] in ("Unhealthy", "Killing", "FailedPostStartHook", "BackOff")]
