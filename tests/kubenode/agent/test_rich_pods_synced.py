"""`kubenode sync` without an agent, on pods with all that pods can have: turn by turn, each as its preview says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from support.agent import AgentProcess
from support.rich_pods import config_map, left_of_pods, rich_pod, secret, volume
from support.runtime_view import RuntimeView


def steps(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [(plan["pod"], step["action"]) for plan in report["pods"] for step in plan["steps"]]


def test_pods_are_set_up_changed_and_removed_as_previewed(beside_agent: AgentProcess, view: RuntimeView) -> None:
    agent = beside_agent
    agent.put_objects(config_map(word="old\n"), secret(key="k\n"))
    agent.put_pods(rich_pod("rich"))
    preview = agent.ask("sync", "--dry-run")
    assert not agent.root.exists()
    assert not left_of_pods(agent)
    actions = [action.split(" /")[0].split(" from ")[0] for _, action in steps(preview)]
    assert [action for action in actions if not action.startswith("set cgroup")] == [
        "make directory",
        "set up volume conf",
        "set up volume keys",
        "set up volume memory",
        "set up volume data",
        "run sandbox, attempt 0",
        "write",
        "create container prepare",
        "start container prepare",
    ]
    assert f"set cgroup {agent.cgroup_root}/kubepods/besteffort/pod" in str(steps(preview))

    assert steps(agent.ask("sync")) == steps(preview)
    code, _, errors = agent.run("sync", "--wait", "--timeout", "30")
    assert (code, errors) == (0, "")
    told = agent.ask("pods")["pods"][0]
    app = told["containers"][0]["containerId"]
    assert view.run(app, "cat /data/prepared /conf/word /keys/key; ls -d /part") == ["ran", "old", "k", "/part"]
    assert steps(agent.ask("sync")) == []

    agent.put_objects(config_map(word="new\n"))
    preview = agent.ask("sync", "--dry-run")
    assert steps(preview) == [("default/rich-testnode", "set up volume conf")]
    assert view.run(app, "cat /conf/word") == ["old"]
    assert steps(agent.ask("sync")) == steps(preview)
    assert view.run(app, "cat /conf/word") == ["new"]
    assert volume(agent, told, "secret", "keys").is_dir()

    agent.remove("rich")
    preview = agent.ask("sync", "--dry-run")
    assert app in view.running()
    assert steps(agent.ask("sync")) == steps(preview)
    assert any(action.startswith("remove") for _, action in steps(preview))
    assert view.pods() == {}
    assert left_of_pods(agent) == []
    assert agent.ask("sync")["pods"] == []


def test_two_syncs_at_once_do_not_mix(beside_agent: AgentProcess, view: RuntimeView) -> None:
    """One acts; the other is told who does, or finds nothing to do once it may."""
    agent = beside_agent
    agent.put_objects(config_map(word="w"), secret(key="k"))
    agent.put_pods(*(rich_pod(name) for name in ("one", "two")))
    with ThreadPoolExecutor() as side_by_side:
        said = list(side_by_side.map(agent.run, ["sync"] * 2))
    assert sorted(code for code, _, _ in said) in ([0, 0], [0, 3]), said
    assert all("already acts on this node" in errors for code, _, errors in said if code), said
    assert agent.run("sync", "--wait", "--timeout", "30")[0] == 0
    assert {name: (len(sandboxes), len(containers)) for name, (sandboxes, containers) in view.pods().items()} == {
        "one-testnode": (1, 3),
        "two-testnode": (1, 3),
    }
    agent.start()
    pods = agent.until_running("one", "two")
    assert {name: told["restarts"] for name, told in pods.items()} == {"one": 0, "two": 0}
