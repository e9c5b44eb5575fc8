"""The runtime stops, dies, hangs, or cannot pull: pods go on, and the agent says what is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.agent import AgentProcess, container, pod
from support.containerd import RealRuntime
from support.runtime_view import RuntimeView

MUTE, NOBODY = "127.0.0.1:5999", "127.0.0.1:5998"
REGISTRY = """
import socket
listener = socket.create_server(("127.0.0.1", 5999))
print("listens", flush=True)
held = []
while True:
    held.append(listener.accept())
"""


@pytest.fixture
def settled(own_agent: AgentProcess) -> AgentProcess:
    """An agent that runs a pod, and soon notices a runtime that hangs."""
    own_agent.configure(runtimeRequestTimeout="2s")
    own_agent.put_pods(pod("before"))
    own_agent.start()
    own_agent.until_running("before")
    return own_agent


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_runtime_goes_and_comes(
    settled: AgentProcess, containerd16: RealRuntime, view: RuntimeView, end: str
) -> None:
    before, held = settled.pod("before"), view.running()
    getattr(containerd16, end)()
    try:
        settled.until(lambda: bool(settled.state()["runtimeError"]), "the agent to notice")
        code, output, _ = settled.run("health")
        assert code == 2
        assert f"CRITICAL runtime            Version failed at {containerd16.endpoint}" in output
        settled.put_pods(pod("meanwhile"))
    finally:
        containerd16.start()
    after = settled.until_running("before", "meanwhile")
    assert after["before"]["containers"] == before["containers"]
    assert held.items() <= view.running().items()
    settled.until(lambda: not settled.state()["runtimeError"], "the agent to see the runtime again")


def test_a_hung_runtime_is_said_and_survived(
    settled: AgentProcess, containerd16: RealRuntime, view: RuntimeView
) -> None:
    before = settled.pod("before")
    containerd16.pause()
    try:
        settled.put_pods(pod("meanwhile"))
        settled.until(lambda: bool(settled.state()["runtimeError"]), "the agent to notice")
        told = settled.until_pod("meanwhile", lambda told: told.get("reason") == "RuntimeUnavailable")
        assert "no answer within" in told["message"] or "in 2 s" in told["message"]
        code, output, _ = settled.run("pods")
        assert (code, "The runtime was last seen" in output) == (0, True)
        code, output, _ = settled.run("health")
        assert code == 2
        assert "CRITICAL runtime" in output
    finally:
        containerd16.resume()
    after = settled.until_running("before", "meanwhile")
    assert after["before"]["containers"] == before["containers"]
    assert sorted(view.running().values()) == ["before-testnode", "meanwhile-testnode"]


def test_without_an_agent_too_a_hung_runtime_is_said(own_agent: AgentProcess, containerd16: RealRuntime) -> None:
    own_agent.configure(runtimeRequestTimeout="1s")
    containerd16.pause()
    try:
        code, output, errors = own_agent.run("pods")
        assert (code, output) == (3, "")
        assert f"failed at {containerd16.endpoint}" in errors
        assert "Traceback" not in errors
        assert own_agent.run("health")[0] == 2
    finally:
        containerd16.resume()


def test_a_pull_that_hangs_delays_no_other_pod(own_agent: AgentProcess, containerd16: RealRuntime) -> None:
    own_agent.start()
    with mute_registry(containerd16):
        images = [f"{MUTE}/absent:{number}" for number in range(6)]
        own_agent.put_pods(*(pod(f"pulls{image[-1]}", containers=[container(image=image)]) for image in images))
        own_agent.until_pod("pulls0", lambda told: told.get("containers"))
        own_agent.put_pods(pod("runs"))
        own_agent.until_running("runs", within=5)
        waiting = own_agent.pod("pulls0")
        assert (waiting["phase"], waiting["reason"]) == ("Pending", "ContainerCreating"), waiting["message"]
        own_agent.put_pods(pod("pulls0"))
        own_agent.until_running("pulls0", within=5)
        own_agent.clear()


def test_a_registry_that_is_not_there_is_said(own_agent: AgentProcess) -> None:
    own_agent.put_pods(pod("refused", containers=[container(image=f"{NOBODY}/app:1")]), pod("runs"))
    own_agent.start()
    own_agent.until_running("runs", within=5)
    told = own_agent.until_pod("refused", lambda told: told.get("reason") == "ErrImagePull")
    assert f"{NOBODY}/app:1" in told["message"]
    code, output, _ = own_agent.run("health")
    assert code == 1
    assert "default/refused-testnode ErrImagePull" in output


@contextmanager
def mute_registry(runtime: RealRuntime) -> Iterator[None]:
    """In the runtime's network, a registry that takes connections and never answers."""
    command = runtime.inside(sys.executable, "-I", "-c", REGISTRY)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as registry:
        assert registry.stdout is not None
        try:
            assert registry.stdout.readline() == "listens\n"
            yield
        finally:
            registry.kill()
