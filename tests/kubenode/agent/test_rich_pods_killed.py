"""The agent killed at any moment while pods with all that pods can have come, change and go."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from support.agent import AgentProcess, container, pod
from support.rich_pods import config_map, left_of_pods, rich_pod, secret, volume
from support.runtime_view import RuntimeView

NAMES = ("one", "two", "three")
KILLS = 3
SEED = int(os.environ.get("KUBENODE_TEST_SEED", "7"))


def kill_at_random(agent: AgentProcess, moments: random.Random) -> None:
    for _ in range(KILLS):
        agent.spawn()
        time.sleep(moments.uniform(0.5, 1.6))  # the moment of the kill is what is tested
        agent.kill()
    agent.start()


def lasting(view: RuntimeView) -> set[str]:
    """The ids of the running containers, without those that end by themselves."""
    running = view.running()
    return {one.id for one in view.containers() if one.id in running and one.metadata.name != "prepare"}


def check(agent: AgentProcess, view: RuntimeView, word: str) -> dict[str, Any]:
    """All pods run, prepared once, with this word in their configuration, and nothing is there beside them."""
    pods = agent.until_running(*NAMES)
    for name in NAMES:
        told = pods[name]
        assert told["restarts"] == 0
        app = told["containers"][0]["containerId"]
        assert view.run(app, "cat /data/prepared /part/../conf/word /keys/key") == ["ran", word, "k"]
        content = volume(agent, told, "configmap", "conf")
        assert len([path for path in content.iterdir() if path.name.startswith("..20")]) == 1
    uids = {pods[name]["uid"] for name in NAMES}
    assert {path.name for path in (agent.root / "pods").iterdir()} == uids
    assert {path.name.rpartition("_")[2] for path in agent.logs.iterdir()} == uids
    assert len(list(agent.links.iterdir())) == len(view.containers()) == 3 * len(NAMES)
    assert len(view.sandboxes()) == len(NAMES)
    return pods


def test_kills_at_any_moment_of_a_pods_life(beside_agent: AgentProcess, view: RuntimeView) -> None:
    agent, moments = beside_agent, random.Random(SEED)
    print(f"seed {SEED}")  # shown when the test fails
    agent.put_objects(config_map(word="old\n"), secret(key="k\n"))
    agent.put_pods(*(rich_pod(name) for name in NAMES))
    kill_at_random(agent, moments)
    started = lasting(view)
    check(agent, view, "old")
    assert started <= lasting(view)

    started = lasting(view)
    agent.kill()
    agent.put_objects(config_map(word="new\n"))
    kill_at_random(agent, moments)
    agent.until(lambda: all(has_word(agent, name, "new\n") for name in NAMES), "the update")
    before = check(agent, view, "new")
    assert started == lasting(view)

    agent.kill()
    agent.put_pods(*(rich_pod(name, env=[{"name": "CHANGED", "value": "yes"}]) for name in NAMES))
    kill_at_random(agent, moments)
    agent.until(lambda: all(agent.pod(name).get("uid") != before[name]["uid"] for name in NAMES), "the change")
    check(agent, view, "new")

    agent.kill()
    agent.remove(*NAMES)
    kill_at_random(agent, moments)
    agent.until(agent.empty, "nothing to be left")
    assert view.pods() == {}
    assert left_of_pods(agent) == []


def has_word(agent: AgentProcess, name: str, word: str) -> bool:
    return (volume(agent, agent.pod(name), "configmap", "conf") / "word").read_text() == word


def hooked(folder: Path, hook: str) -> dict[str, Any]:
    """A pod with a hook of two seconds; its words, and that of its end, stand in the file `said` of the folder."""
    said = "echo begun >> /host/said; sleep 2; echo through >> /host/said"
    hooks = {hook: {"exec": {"command": ["sh", "-c", said]}}}
    command = "trap 'echo term >> /host/said; exit 0' TERM; while :; do sleep 0.1 & wait; done"
    app = container(command=command, lifecycle=hooks, volumeMounts=[{"name": "host", "mountPath": "/host"}])
    volumes = [{"name": "host", "hostPath": {"path": str(folder), "type": "Directory"}}]
    return pod("hooked", containers=[app], volumes=volumes, terminationGracePeriodSeconds=20)


@pytest.mark.parametrize("hook", ["postStart", "preStop"])
def test_a_kill_while_a_hook_runs(beside_agent: AgentProcess, view: RuntimeView, tmp_path: Path, hook: str) -> None:
    agent = beside_agent
    folder = tmp_path / "host"
    folder.mkdir()
    said = folder / "said"
    agent.put_pods(hooked(folder, hook))
    agent.start()
    if hook == "preStop":
        agent.until_running("hooked")
        agent.remove("hooked")
    agent.until(said.exists, "the hook to begin")
    agent.kill()
    held = lasting(view)
    agent.start()
    if hook == "postStart":
        told = agent.until_running("hooked")["hooked"]
        assert (told["restarts"], lasting(view)) == (0, held)
        agent.remove("hooked")
    agent.until(agent.empty, "the pod to be gone")
    lines = said.read_text().split()
    assert lines[-1] == "term"
    if hook == "preStop":
        assert lines[-2] == "through", "the next agent runs the hook to its end before the signal"
    assert view.pods() == {}
    assert left_of_pods(agent) == []
