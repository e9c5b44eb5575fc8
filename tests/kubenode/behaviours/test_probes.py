"""Probes (container_probe.go)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from support.agent import NODE, AgentProcess, container, pod

SOON = {"periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 1}
FOREVER = "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"
# Healthy for some seconds, then not.
FAILS_LATER = f"touch /tmp/ok; (sleep 3; rm /tmp/ok) & {FOREVER}"
HTTPD = f"mkdir -p /tmp/w; echo ok > /tmp/w/ok; httpd -p 8080 -h /tmp/w; {{0}} {FOREVER}"
CAT = {"exec": {"command": ["cat", "/tmp/ok"]}}
HTTP = {"httpGet": {"path": "/ok", "port": 8080}}
TCP = {"tcpSocket": {"port": 8080}}


def probed(name: str, command: str, termination: int = 2, **probes: Any) -> dict[str, Any]:
    return pod(name, containers=[container(command=command, **probes)], terminationGracePeriodSeconds=termination)


STARTUP_THEN_READY = probed(
    "startup-then-ready",
    f"touch /tmp/ok; {FOREVER}",
    startupProbe={**CAT, **SOON},
    readinessProbe={**CAT, "periodSeconds": 60},
)
PODS = [
    probed("delayed", FOREVER, readinessProbe={"exec": {"command": ["true"]}, **SOON, "initialDelaySeconds": 4}),
    probed("never-ready", FOREVER, readinessProbe={"exec": {"command": ["false"]}, **SOON}),
    probed("exec-fails", FAILS_LATER, livenessProbe={**CAT, **SOON}),
    probed("exec-passes", f"touch /tmp/ok; {FOREVER}", livenessProbe={**CAT, **SOON, "initialDelaySeconds": 1}),
    probed(
        "http-fails",
        HTTPD.format("(sleep 3; rm /tmp/w/ok) &"),
        livenessProbe={**HTTP, **SOON, "initialDelaySeconds": 1},
    ),
    probed("http-passes", HTTPD.format(""), livenessProbe={**HTTP, **SOON, "initialDelaySeconds": 1}),
    probed("tcp-fails", FOREVER, livenessProbe={**TCP, **SOON, "initialDelaySeconds": 1}),
    probed("tcp-passes", HTTPD.format(""), livenessProbe={**TCP, **SOON, "initialDelaySeconds": 1}),
    probed(
        "exec-times-out",
        FOREVER,
        livenessProbe={"exec": {"command": ["sleep", "30"]}, **SOON, "initialDelaySeconds": 1},
    ),
    probed("startup-fails", FOREVER, startupProbe={"exec": {"command": ["false"]}, **SOON, "failureThreshold": 2}),
    probed(
        "startup-holds",
        f"(sleep 4; touch /tmp/ok) & {FOREVER}",
        startupProbe={**CAT, **SOON, "failureThreshold": 60},
        livenessProbe={**CAT, **SOON},
    ),
    probed(
        "own-grace",
        "trap '' TERM; while :; do sleep 1; done",
        termination=20,
        livenessProbe={
            "exec": {"command": ["false"]},
            **SOON,
            "initialDelaySeconds": 1,
            "terminationGracePeriodSeconds": 2,
        },
    ),
]
ENDING = probed(
    "ending",
    "touch /tmp/ok; trap 'rm /tmp/ok; sleep 4; echo ended by itself; exit 0' TERM; while :; do sleep 0.2 & wait; done",
    termination=20,
    readinessProbe={**CAT, **SOON},
    livenessProbe={**CAT, **SOON, "initialDelaySeconds": 1, "terminationGracePeriodSeconds": 1},
)
KUBELET = {"crashLoopBackOff": {"maxContainerRestartPeriod": "1s"}}


def restarted(told: dict[str, Any]) -> bool:
    return bool(told.get("restarts", 0) >= 1)


def test_not_ready_before_the_initial_delay_and_no_restart(agent: AgentProcess) -> None:
    told = agent.until_pod("delayed", lambda told: told.get("ready") == 1)
    assert time.time() - told["containers"][0]["startedAt"] >= 4
    assert told["restarts"] == 0


def test_failing_readiness_is_never_ready_and_never_restarts(agent: AgentProcess) -> None:
    agent.until_pod("delayed", lambda told: told.get("ready") == 1)
    told = agent.pod("never-ready")
    assert (told["ready"], told["restarts"]) == (0, 0)
    assert told["containers"][0]["state"] == "running"
    said = [one["message"] for one in agent.ask("events", told["name"])["events"] if one["reason"] == "Unhealthy"]
    assert [message for message in said if message.startswith("Readiness probe failed")]


@pytest.mark.parametrize("name", ["exec-fails", "http-fails", "tcp-fails", "exec-times-out", "startup-fails"])
def test_what_fails_restarts(agent: AgentProcess, name: str) -> None:
    agent.until_pod(name, restarted)


@pytest.mark.parametrize("name", ["exec-passes", "http-passes", "tcp-passes", "startup-holds"])
def test_what_passes_does_not_restart(agent: AgentProcess, name: str) -> None:
    agent.until_pod("exec-fails", restarted)
    agent.until_pod("http-fails", restarted)
    told = agent.until_pod(name, lambda told: told.get("ready") == 1)
    assert told["restarts"] == 0


def test_startup_holds_liveness_back(agent: AgentProcess) -> None:
    told = agent.until_pod("startup-holds", lambda told: told.get("ready") == 1)
    assert time.time() - told["containers"][0]["startedAt"] >= 4
    assert told["restarts"] == 0


def test_ready_at_once_after_startup_succeeds(agent: AgentProcess) -> None:
    agent.put_pods(STARTUP_THEN_READY)
    told = agent.until_pod("startup-then-ready", lambda told: told.get("ready") == 1)
    assert time.time() - told["containers"][0]["startedAt"] < 15, "not a period of 60 s later"


def test_a_probe_may_have_a_grace_period_of_its_own(agent: AgentProcess) -> None:
    told = agent.until_pod("own-grace", restarted)
    last = told["containers"][0]["last"]
    assert last["finishedAt"] - last["startedAt"] < 15


def test_a_pod_that_ends_is_not_ready_and_no_longer_probed(agent: AgentProcess) -> None:
    agent.put_pods(ENDING)
    told = agent.until_pod("ending", lambda told: told.get("ready") == 1)
    with agent.log(told).open() as words:
        agent.remove("ending")
        assert agent.until_pod("ending", lambda told: told.get("phase") == "Terminating")["ready"] == 0
        agent.until(lambda: not agent.pod("ending"), "ending to be gone")
        assert "ended by itself" in words.read()
    assert "Unhealthy" not in {one["reason"] for one in agent.ask("events", told["name"])["events"]}


def test_the_restart_count_never_falls(agent: AgentProcess) -> None:
    seen = [agent.until_pod("tcp-fails", restarted)["restarts"]]
    while seen[-1] < 3:
        told = agent.until_pod("tcp-fails", lambda told: told.get("restarts", 0) != seen[-1])
        seen.append(told["restarts"])
    assert seen == sorted(seen)


def test_a_restart_of_the_agent_changes_no_readiness(agent: AgentProcess) -> None:
    agent.until_pod("startup-then-ready", lambda told: told.get("ready") == 1)
    agent.kill()
    alone = {one["name"]: one["ready"] for one in agent.ask("pods")["pods"]}
    assert alone[f"startup-then-ready-{NODE}"] == 1, "also for who looks while no agent runs"
    agent.start()
    unready = []

    def looked_at() -> bool:
        told = agent.pod("startup-then-ready")
        unready.extend([told] if told.get("ready", 1) != 1 else [])
        return bool(told.get("settled"))

    agent.until(looked_at, "the pod to be looked at")
    assert not unready
