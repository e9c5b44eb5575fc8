"""`kubenode sync` without an agent acts itself, with one asks it, and beside a kubelet refuses."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from support.agent import AgentProcess, container, pod
from support.runtime_view import RuntimeView


def steps(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(pod, action, why) of each, with the ids that only an executed plan knows left out."""
    return [(plan["pod"], step["action"], step["why"]) for plan in report["pods"] for step in plan["steps"]]


def test_without_an_agent_the_preview_is_what_then_happens(own_agent: AgentProcess, view: RuntimeView) -> None:
    # One that no other test has made cgroups in.
    own_agent.configure(cgroupRoot=f"{own_agent.cgroup_root}/sync")
    own_agent.put_pods(pod("one"), pod("two", containers=[container("first"), container("second")]))
    preview = own_agent.ask("sync", "--dry-run")
    assert view.pods() == {}
    assert not own_agent.logs.exists()
    told = [action for name, action, _ in steps(preview) if name == "default/one-testnode"]
    assert [action.partition(" /")[0] for action in told] == [
        "make directory",
        "set cgroup",
        "run sandbox, attempt 0",
        "write",
        "create container app from kubenode.test/busybox:1",
        "start container app",
    ]

    done = own_agent.ask("sync")
    assert steps(done) == steps(preview)
    assert [step["action"] for step in done["steps"]] == [step["action"] for step in preview["steps"]]
    assert {step["result"] for step in done["steps"]} == {"done"}
    assert {step["result"] for plan in done["pods"] for step in plan["steps"]} == {"done"}
    assert sorted(view.running().values()) == ["one-testnode", "two-testnode", "two-testnode"]
    assert steps(own_agent.ask("sync")) == []
    assert own_agent.run("sync")[1] == "nothing to do for 2 pods\n"

    own_agent.remove("two")
    held = view.pods()
    preview = own_agent.ask("sync", "--dry-run")
    assert view.pods() == held
    assert steps(own_agent.ask("sync")) == steps(preview)
    assert list(view.pods()) == ["one-testnode"]


def test_with_an_agent_it_is_the_agent_that_acts(own_agent: AgentProcess, view: RuntimeView) -> None:
    own_agent.configure(fileCheckFrequency="10m")
    own_agent.start()
    own_agent.put_pods(pod("asked", "exit 0", restartPolicy="Never"))
    code, _, errors = own_agent.run("sync", "--wait", "--timeout", "20")
    assert (code, errors) == (0, "")
    # It may be seen while it still runs.
    own_agent.until(lambda: own_agent.pod("asked")["phase"] == "Succeeded", "the pod to be done")
    own_agent.remove("asked")
    own_agent.ask("sync")
    own_agent.until(lambda: not own_agent.pods(), "the agent to remove it")
    assert view.pods() == {}


def test_a_step_that_fails_is_said_and_seen_in_the_exit_code(own_agent: AgentProcess) -> None:
    own_agent.put_pods(pod("lost", containers=[container() | {"command": ["/bin/nothing"]}]))
    code, output, _ = own_agent.run("sync")
    assert code == 1
    assert "✗ start container app" in output
    assert "/bin/nothing" in output


def test_beside_a_kubelet_only_the_preview_works(own_agent: AgentProcess, view: RuntimeView, tmp_path: Path) -> None:
    program = shutil.copy("/bin/sleep", tmp_path / "kubelet")
    own_agent.put_pods(pod("one"))
    with subprocess.Popen([program, "60"]) as kubelet:
        try:
            code, output, errors = own_agent.run("sync")
            preview = own_agent.ask("sync", "--dry-run")
        finally:
            kubelet.kill()
    assert (code, output) == (3, "")
    assert f"a kubelet runs on this node (process {kubelet.pid})" in errors
    assert len(steps(preview)) == 6
    assert view.pods() == {}
