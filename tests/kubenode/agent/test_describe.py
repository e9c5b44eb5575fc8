"""What a real agent tells of single pods: descriptions, explanations, events."""

from __future__ import annotations

from typing import Any

from support.agent import AgentProcess, container, pod


def _reasons(agent: AgentProcess, name: str) -> list[str]:
    return [event["reason"] for event in agent.ask("events", name)["events"]]


def test_a_pod_that_runs(agent: AgentProcess) -> None:
    agent.put_pods(pod("well"))
    agent.until_running("well")
    described = agent.ask("describe", "well")
    (status,) = described["status"]["containerStatuses"]
    assert described["status"]["phase"] == "Running"
    assert {one["type"]: one["status"] for one in described["status"]["conditions"]} == {
        "ContainersReady": "True",
        "Initialized": "True",
        "PodReadyToStartContainers": "True",
        "PodScheduled": "True",
        "Ready": "True",
    }
    assert (status["ready"], status["started"], status["restartCount"]) == (True, True, 0)
    assert agent.run("explain", "well")[0] == 0
    reasons = _reasons(agent, "well")
    assert reasons.index("Created") < reasons.index("Started")
    code, text, _ = agent.run("describe", "well")
    assert code == 0
    assert "Status:            Running" in text
    assert "Started container app" in text
    agent.remove("well")
    agent.until(lambda: not agent.pod("well"), "the pod to go")
    assert "Killing" in _reasons(agent, "well")


def test_a_container_that_ends_again_and_again(agent: AgentProcess) -> None:
    agent.put_pods(pod("crashing", "echo so long; exit 3"))
    agent.until_pod("crashing", lambda found: found.get("reason") == "CrashLoopBackOff")
    code, text, _ = agent.run("explain", "crashing")
    assert code == 1
    assert "container app: exit: Error: it ended with exit code 3" in text.splitlines()[0]
    assert "kubenode logs default/crashing-testnode -c app --previous" in text
    assert "BackOff" in _reasons(agent, "crashing")
    agent.remove("crashing")
    agent.until(lambda: not agent.pod("crashing"), "the pod to go")


def test_an_image_that_is_nowhere(agent: AgentProcess) -> None:
    missing: dict[str, Any] = {**container(), "image": "kubenode.test/nowhere:1", "imagePullPolicy": "Never"}
    agent.put_pods(pod("imageless", containers=[missing]))
    agent.until_pod("imageless", lambda found: found.get("column") == "ErrImageNeverPull")
    code, text, _ = agent.run("explain", "imageless")
    assert code == 1
    assert "image kubenode.test/nowhere:1 is not on the node and imagePullPolicy is Never" in text.splitlines()[0]
    agent.remove("imageless")
    agent.until(lambda: not agent.pod("imageless"), "the pod to go")


def test_a_manifest_that_is_no_pod(agent: AgentProcess) -> None:
    path = agent.put("wrong.yaml", "kind: Pod\n")
    agent.until(
        lambda: any(one["source"] == str(path) for one in agent.ask("pods")["manifests"]), "the manifest to be read"
    )
    code, text, _ = agent.run("explain", "wrong")
    assert code == 1
    assert f"{path}" in text.splitlines()[0]
    assert "is invalid" in text.splitlines()[0]
    path.unlink()
