"""A pod over its time: it ends, changes, goes; and what a bad manifest does not do to it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from kubenode.clients.cgroupfs import hierarchies
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from support.agent import AgentProcess, container, pod
from support.runtime_view import RuntimeView

STUBBORN = "trap '' TERM; while :; do sleep 1; done"


def wake_at(agent: AgentProcess, name: str) -> float:
    """When the agent says it looks at the pod again."""
    (plan,) = [plan for plan in agent.ask("sync", "--dry-run")["pods"] if plan["pod"] == f"default/{name}-testnode"]
    return float(plan["wakeAt"])


def cgroups(uid: str) -> list[Path]:
    return [path for root in hierarchies() for path in root.glob(f"kubenode*/kubepods/**/pod{uid}")]


def test_a_container_that_ends_restarts_at_once_then_backs_off(agent: AgentProcess) -> None:
    agent.put_pods(pod("crasher", "sleep 1; exit 3"))
    (first,) = agent.until_running("crasher")["crasher"]["containers"]
    told = agent.until_pod("crasher", lambda told: told.get("reason") == "CrashLoopBackOff")
    (second,) = told["containers"]
    assert (told["phase"], told["restarts"]) == ("Running", 1)
    assert second["startedAt"] - first["startedAt"] < 4
    assert "exit code 3; starts again in " in told["message"]
    assert wake_at(agent, "crasher") == pytest.approx(second["finishedAt"] + 10, abs=0.01)
    assert agent.log(told, attempt=1).exists()
    agent.remove("crasher")


@pytest.mark.parametrize(
    ("policy", "command", "phase", "reason", "restarts"),
    [
        ("Never", "exit 0", "Succeeded", "", 0),
        ("Never", "exit 5", "Failed", "", 0),
        ("OnFailure", "exit 0", "Succeeded", "", 0),
        ("OnFailure", "exit 5", "Running", "CrashLoopBackOff", 1),
    ],
)
def test_restart_policies(
    agent: AgentProcess, policy: str, command: str, phase: str, reason: str, restarts: int
) -> None:
    name = f"{policy}{command[-1]}".lower()
    agent.put_pods(pod(name, command, restartPolicy=policy))
    told = agent.until_pod(name, lambda told: (told.get("phase"), told.get("reason")) == (phase, reason))
    assert told["restarts"] == restarts
    assert told["containers"][0]["exitCode"] == int(command[-1])
    agent.remove(name)


def test_a_finished_pod_gives_its_network_back(agent: AgentProcess, view: RuntimeView) -> None:
    agent.put_pods(pod("done", "exit 0", restartPolicy="Never"))
    agent.until_pod("done", lambda told: told.get("phase") == "Succeeded" and told["settled"])
    (sandbox,) = view.sandboxes({names.POD_NAME: "done-testnode"})
    assert sandbox.state == pb.SANDBOX_NOTREADY
    agent.remove("done")


def test_a_changed_manifest_replaces_the_pod_one_after_the_other(agent: AgentProcess, view: RuntimeView) -> None:
    agent.put_pods(pod("changing", STUBBORN, terminationGracePeriodSeconds=1))
    before = agent.until_running("changing")["changing"]
    agent.put_pods(pod("changing"))
    both = []
    deadline = time.monotonic() + 20
    while agent.pod("changing").get("uid") == before["uid"] or not agent.pod("changing").get("ready"):
        running = [one for one in view.running().values() if one == "changing-testnode"]
        both += running[1:]
        assert time.monotonic() < deadline, agent.output.read_text()
    after = agent.until_running("changing")["changing"]
    assert both == []
    assert after["restarts"] == 0
    assert not agent.log(before).exists()
    sandboxes, containers = view.pods()["changing-testnode"]
    assert (len(sandboxes), [one.id for one in containers]) == (1, [after["containers"][0]["containerId"]])


def test_a_removed_manifest_takes_all_of_its_pod_with_it(agent: AgentProcess, view: RuntimeView) -> None:
    agent.put_pods(pod("obeys"), pod("ignores", STUBBORN))
    pods = agent.until_running("obeys", "ignores")
    ids = {name: pods[name]["containers"][0]["containerId"] for name in ("obeys", "ignores")}
    assert all(cgroups(pods[name]["uid"]) for name in ids)
    agent.remove("obeys", "ignores")
    began = time.monotonic()
    agent.until(lambda: "obeys" not in agent.pods(), "the obedient one to go")
    early = time.monotonic() - began
    agent.until(lambda: "ignores" not in agent.pods(), "the stubborn one to go")
    late = time.monotonic() - began
    assert early < 2 <= late < 6
    assert view.pods().keys().isdisjoint(("obeys-testnode", "ignores-testnode"))
    for name, container_id in ids.items():
        assert not cgroups(pods[name]["uid"])
        assert not agent.log(pods[name]).parent.parent.exists()
        assert not list(agent.links.glob(f"*{container_id}*"))


def test_an_invalid_edit_keeps_the_pod_and_is_pointed_at(agent: AgentProcess) -> None:
    path = agent.put("edited.yaml", pod("edited"))
    before = agent.until_running("edited")["edited"]
    agent.put("edited.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: edited\nspec:\n  containres: []\n")
    after = agent.until_pod("edited", lambda told: told.get("sourceState") == "held")
    code, pods, _ = agent.run("pods")
    assert (code, after["containers"]) == (0, before["containers"])
    assert f"{path}:6: $.spec.containres: no such field; did you mean containers?" in " ".join(pods.split())
    code, health, _ = agent.run("health")
    assert code == 1
    assert f"{path}:6 is held" in " ".join(health.split())
    agent.put("edited.yaml", pod("edited"))
    again = agent.until_pod("edited", lambda told: told.get("sourceState") == "valid")
    assert again["containers"] == before["containers"]
    agent.remove("edited")


def test_a_copy_of_a_manifest_changes_nothing(agent: AgentProcess, view: RuntimeView) -> None:
    agent.put_pods(pod("original"))
    before = agent.until_running("original")["original"]
    backup = agent.put("original.yaml.bak", pod("original"))
    copy = agent.put("copy.yaml", pod("original"))
    report = agent.ask("sync")
    states = {manifest["source"]: manifest["state"] for manifest in report["manifests"]}
    assert (states[str(backup)], states[str(copy)]) == ("superseded", "superseded")
    assert not [plan for plan in report["pods"] if plan["steps"] and "original" in plan["pod"]]
    assert agent.pod("original") == before
    assert len(view.pods()["original-testnode"][1]) == 1
    backup.unlink()
    copy.unlink()
    agent.remove("original")


def test_an_image_that_may_not_be_pulled_is_said(agent: AgentProcess) -> None:
    app = container(image="kubenode.test/absent:1", imagePullPolicy="Never")
    agent.put_pods(pod("absent", containers=[app]))
    told = agent.until_pod("absent", lambda told: told.get("reason") == "ErrImageNeverPull")
    assert told["phase"] == "Pending"
    assert "kubenode.test/absent:1 is not on the node" in told["message"]
    agent.remove("absent")


def test_a_command_that_is_not_there_is_said(agent: AgentProcess) -> None:
    agent.put_pods(pod("lost", containers=[container(command="") | {"command": ["/bin/nothing"]}]))
    told = agent.until_pod("lost", lambda told: told.get("reason") in ("RunContainerError", "CrashLoopBackOff"))
    assert "/bin/nothing" in told["message"]
    agent.remove("lost")
