"""On a runtime with container events the agent need not wait for a relist."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.agent import AgentProcess, agent_process, pod
from support.containerd import RealRuntime
from support.runtime_view import RuntimeView


@pytest.fixture
def evented(containerd2: RealRuntime, tmp_path: Path) -> Iterator[AgentProcess]:
    with agent_process(tmp_path, containerd2.endpoint, containerd2.cgroup_root) as running:
        yield running
        running.clear()


def test_an_exit_is_seen_between_two_slow_relists(evented: AgentProcess, containerd2: RealRuntime) -> None:
    evented.put_pods(pod("events", restartPolicy="Never"))
    told = evented.until_running("events")["events"]
    evented.until(lambda: evented.state()["plegEvented"], "the first event to be heard")
    relisted = time.monotonic() - evented.state()["plegAge"]
    time.sleep(1.5)  # longer than a relist's period without events
    assert time.monotonic() - evented.state()["plegAge"] == pytest.approx(relisted, abs=0.5)
    began = time.monotonic()
    with RuntimeView(containerd2.endpoint) as view:
        view.stop(told["containers"][0]["containerId"])
    evented.until_pod("events", lambda told: told.get("phase") == "Failed" and told["settled"])
    assert time.monotonic() - began < 2


def test_a_broken_stream_loses_nothing(evented: AgentProcess, containerd2: RealRuntime) -> None:
    evented.put_pods(pod("survivor"))
    before = evented.until_running("survivor")["survivor"]
    evented.until(lambda: evented.state()["plegEvented"], "the first event to be heard")
    containerd2.stop()
    try:
        evented.until(lambda: not evented.state()["plegEvented"], "the stream's end to be noticed")
    finally:
        containerd2.start()
    evented.put_pods(pod("later"))
    after = evented.until_running("survivor", "later")
    evented.until(lambda: evented.state()["plegEvented"], "events to be heard again")
    assert after["survivor"]["containers"] == before["containers"]
