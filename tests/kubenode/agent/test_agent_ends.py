"""The agent ends, is killed, reloads: its pods do not notice."""

from __future__ import annotations

import random
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kubenode.clients.cgroupfs import hierarchies
from kubenode.clients.stubs import cri_pb2 as pb
from support.agent import AgentProcess, container, pod
from support.runtime_view import RuntimeView

BURST = [f"burst{number}" for number in range(5)]
KILLS = 6


def test_a_restart_leaves_pods_as_they_are(own_agent: AgentProcess, view: RuntimeView) -> None:
    own_agent.put_pods(pod("one"), pod("two"), pod("three"))
    own_agent.start()
    before = own_agent.until_running("one", "two", "three")
    held = view.running()
    assert own_agent.stop() == 0
    assert view.running() == held
    own_agent.put("two.yaml", "kind: nonsense")
    own_agent.remove("three")
    own_agent.put_pods(pod("four"))
    own_agent.start()
    after = own_agent.until_running("one", "four")
    own_agent.until(lambda: "three" not in own_agent.pods(), "the pod without a manifest to go")
    assert {name: after[name]["containers"] for name in ("one", "two")} == {
        name: before[name]["containers"] for name in ("one", "two")
    }
    assert after["two"]["sourceState"] == "held"
    assert sorted(view.running().values()) == ["four-testnode", "one-testnode", "two-testnode"]


def test_kills_at_any_moment_double_and_restart_nothing(own_agent: AgentProcess, view: RuntimeView) -> None:
    moments = random.Random(20)
    own_agent.put_pods(*(pod(name, containers=[container("one"), container("two")]) for name in BURST))
    started: set[str] = set()
    for _ in range(KILLS):
        kill_after(own_agent, moments.uniform(0.4, 1.4))
        started |= view.running().keys()
    own_agent.start()
    own_agent.until_running(*BURST)
    pods = view.pods()
    assert pods.keys() == {f"{name}-testnode" for name in BURST}
    for sandboxes, containers in pods.values():
        assert [one.state for one in sandboxes].count(pb.SANDBOX_READY) == 1
        running = [one for one in containers if one.state == pb.CONTAINER_RUNNING]
        assert sorted(one.metadata.name for one in running) == ["one", "two"]
    assert started <= view.running().keys()

    own_agent.kill()
    own_agent.remove(*BURST)
    for _ in range(KILLS):
        kill_after(own_agent, moments.uniform(0.4, 1.4))
    own_agent.start()
    own_agent.until(own_agent.empty, "nothing to be left")
    assert view.pods() == {}
    assert list(own_agent.logs.iterdir()) == list(own_agent.links.iterdir()) == []
    assert not [path for root in hierarchies() for path in root.glob(f"{own_agent.cgroup_root[1:]}/kubepods/**/pod*")]


def kill_after(agent: AgentProcess, seconds: float) -> None:
    agent.spawn()
    time.sleep(seconds)  # the moment of the kill is what is tested
    agent.kill()


def test_a_second_agent_is_refused(own_agent: AgentProcess) -> None:
    own_agent.start()
    code, output, errors = own_agent.run("agent")
    assert (code, output) == (3, "")
    assert f"process {own_agent.pid} already acts on this node" in errors
    assert "Traceback" not in errors


def test_sighup_takes_a_new_configuration_and_survives_a_broken_one(
    own_agent: AgentProcess, view: RuntimeView, tmp_path: Path
) -> None:
    own_agent.put_pods(pod("stays"))
    own_agent.start()
    before = own_agent.until_running("stays")["stays"]
    own_agent.config.write_text("kind: [")
    own_agent.signal(signal.SIGHUP)
    own_agent.until(lambda: "the configuration is not reloaded" in own_agent.output.read_text(), "the refusal")
    own_agent.until_running("stays")
    assert own_agent.pod("stays")["containers"] == before["containers"]

    other = tmp_path / "other"
    other.mkdir()
    (own_agent.manifests / "stays.yaml").rename(other / "stays.yaml")
    own_agent.configure(staticPodPath=str(other), registerNode=True)
    own_agent.signal(signal.SIGHUP)
    own_agent.until(lambda: bool(own_agent.state()["warnings"]), "the new configuration")
    assert "registerNode has no effect" in own_agent.state()["warnings"][0]
    own_agent.until(lambda: own_agent.pod("stays").get("source") == str(other / "stays.yaml"), "the other directory")
    own_agent.until_running("stays")
    assert list(view.running().values()) == ["stays-testnode"]
    (other / "stays.yaml").unlink()


def test_systemd_is_told(own_agent: AgentProcess, tmp_path: Path) -> None:
    with listening(tmp_path / "notify") as (address, told):
        own_agent.start({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"})
        first = [told.recv(1024).decode() for _ in range(6)]
        assert "READY=1\nSTATUS=running" in first
        assert first.count("WATCHDOG=1") >= 4
        own_agent.signal(signal.SIGHUP)
        assert until_said(told, "RELOADING=1").startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert until_said(told, "READY=1") == "READY=1\nSTATUS=running"
        own_agent.stop()
        assert until_said(told, "STOPPING=1") == "STOPPING=1"


def test_signals_right_after_a_start_are_not_lost(own_agent: AgentProcess, tmp_path: Path) -> None:
    with listening(tmp_path / "notify") as (address, told):
        for _ in range(8):
            own_agent.spawn({"NOTIFY_SOCKET": address})
            until_said(told, "READY=1")
            own_agent.signal(signal.SIGHUP)
            until_said(told, "READY=1")
            assert own_agent.stop() == 0


@contextmanager
def listening(path: Path) -> Iterator[tuple[str, socket.socket]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(path))
        told.settimeout(10)
        yield str(path), told


def until_said(told: socket.socket, word: str) -> str:
    while not (said := told.recv(1024).decode()).startswith(word):
        pass
    return said
