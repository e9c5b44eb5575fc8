"""Restart counts, ends, messages (runtime.go, pods.go, kubelet.go)."""

from __future__ import annotations

import time

import pytest

from support.agent import AgentProcess, container, pod
from support.runtime_view import RuntimeView

KUBELET = {"crashLoopBackOff": {"maxContainerRestartPeriod": "1s"}}
OOM = "a=x; while :; do a=$a$a; done"
PODS = [
    pod("always", "exit 0"),
    pod("on-failure", "exit 0", restartPolicy="OnFailure"),
    pod("on-failure-fails", "exit 1", restartPolicy="OnFailure"),
    pod("never", "exit 1", restartPolicy="Never"),
    pod(
        "message-path",
        restartPolicy="Never",
        containers=[
            container(
                command="echo -n DONE > /dev/my/log",
                terminationMessagePath="/dev/my/log",
                securityContext={"runAsUser": 1000},
            )
        ],
    ),
    pod(
        "message-log",
        restartPolicy="Never",
        containers=[container(command="echo last words; exit 1", terminationMessagePolicy="FallbackToLogsOnError")],
    ),
    pod(
        "message-empty",
        restartPolicy="Never",
        containers=[container(command="echo words; exit 0", terminationMessagePolicy="FallbackToLogsOnError")],
    ),
    pod(
        "message-file",
        restartPolicy="Never",
        containers=[
            container(
                command="echo -n OK > /dev/termination-log; echo words; exit 1",
                terminationMessagePolicy="FallbackToLogsOnError",
            )
        ],
    ),
    pod("speaks", "echo to stdout; echo to stderr >&2; trap 'exit 0' TERM; while :; do sleep 1 & wait; done"),
    pod("deadline", activeDeadlineSeconds=4),
    pod(
        "oom",
        restartPolicy="Never",
        containers=[container(command=OOM, resources={"limits": {"memory": "20Mi"}})],
    ),
    pod("policy-of-one", restartPolicy="Never", containers=[container(command="exit 1", restartPolicy="Always")]),
    pod(
        "policy-by-code",
        restartPolicy="Never",
        containers=[
            container(
                command="exit 42",
                restartPolicy="Never",
                restartPolicyRules=[{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}],
            )
        ],
    ),
]


@pytest.mark.parametrize("name", ["always", "on-failure-fails", "policy-of-one", "policy-by-code"])
def test_what_is_to_run_again_does(agent: AgentProcess, name: str) -> None:
    agent.until_pod(name, lambda told: told.get("restarts", 0) >= 2)


def test_of_dead_containers_only_the_last_is_kept(agent: AgentProcess, view: RuntimeView) -> None:
    told = agent.until_pod("on-failure-fails", lambda told: told.get("restarts", 0) >= 2 and told["settled"])
    _, containers = view.pods()[told["name"]]
    assert len(containers) <= 2, "one that is dead, and one that may run"
    assert not agent.log(told).exists(), "what is no longer kept has no log"


@pytest.mark.parametrize(("name", "phase"), [("on-failure", "Succeeded"), ("never", "Failed")])
def test_what_is_done_stays_so(agent: AgentProcess, name: str, phase: str) -> None:
    told = agent.until_pod(name, lambda told: told.get("phase") == phase)
    assert told["restarts"] == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [("message-path", "DONE"), ("message-log", "last words"), ("message-empty", ""), ("message-file", "OK")],
)
def test_termination_message(agent: AgentProcess, name: str, message: str) -> None:
    told = agent.until_pod(name, lambda told: told.get("phase") in ("Succeeded", "Failed"))
    assert told["containers"][0]["message"] == message


def test_stdout_and_stderr_are_in_the_log(agent: AgentProcess) -> None:
    told = agent.until_running("speaks")["speaks"]
    agent.until(lambda: sorted(agent.said(told)) == ["to stderr", "to stdout"], "both words")
    code, output, errors = agent.run("logs", told["name"])
    assert (code, sorted(output.split("\n"))) == (0, ["", "to stderr", "to stdout"]), errors


def test_a_failing_container_has_a_reason(agent: AgentProcess) -> None:
    told = agent.until_pod("never", lambda told: told.get("phase") == "Failed")
    (status,) = told["containers"]
    assert (status["state"], status["reason"], status["exitCode"]) == ("terminated", "Error", 1)


def test_what_needs_more_memory_than_its_limit_is_oom_killed(agent: AgentProcess) -> None:
    told = agent.until_pod("oom", lambda told: told.get("phase") == "Failed")
    (status,) = told["containers"]
    assert (status["reason"], status["exitCode"]) == ("OOMKilled", 137)


def test_an_active_deadline_ends_the_pod(agent: AgentProcess, view: RuntimeView) -> None:
    told = agent.until_pod("deadline", lambda told: told.get("phase") == "Failed")
    assert told["reason"] == "DeadlineExceeded"
    agent.until(lambda: told["name"] not in view.running().values(), "its containers to end")
    agent.kill()
    agent.start()
    told = agent.until_pod("deadline", lambda told: told.get("settled"))
    assert (told["phase"], told["reason"]) == ("Failed", "DeadlineExceeded")


def test_exec(agent: AgentProcess) -> None:
    told = agent.until_running("speaks")["speaks"]
    assert agent.run("exec", told["name"], "--", "echo", "from inside")[:2] == (0, "from inside\n")
    assert agent.run("exec", told["name"], "--", "sh", "-c", "exit 7")[0] == 7


def test_grace_is_honoured_on_delete(agent: AgentProcess) -> None:
    agent.put_pods(pod("graceful", "trap 'sleep 2; exit 0' TERM; while :; do sleep 0.2 & wait; done"))
    agent.until_running("graceful")
    agent.put_pods(
        pod(
            "graceful-long",
            "trap 'sleep 3; exit 0' TERM; while :; do sleep 0.2 & wait; done",
            terminationGracePeriodSeconds=20,
        )
    )
    agent.until_running("graceful-long")
    began = time.monotonic()
    agent.remove("graceful-long")
    agent.until(lambda: not agent.pod("graceful-long"), "graceful-long to be gone")
    assert 3 <= time.monotonic() - began < 15
