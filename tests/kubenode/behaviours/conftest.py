"""Behaviours that a node must show, each on real containerd, seen from outside.

A module puts all its pods at once, so that they live side by side, and each test awaits its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.agent import AgentProcess, agent_process
from support.containerd import RealRuntime
from support.runtime_view import RuntimeView


@pytest.fixture(scope="module")
def agent(
    request: pytest.FixtureRequest, containerd16: RealRuntime, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AgentProcess]:
    """An agent that has been given the module's OBJECTS and PODS, with its KUBELET settings and NODE_IP."""
    folder = tmp_path_factory.mktemp("agent")
    kubelet, node_ip = getattr(request.module, "KUBELET", {}), getattr(request.module, "NODE_IP", "")
    runtime = containerd16
    with agent_process(folder, runtime.endpoint, runtime.cgroup_root, runtime.pid, node_ip, **kubelet) as running:
        running.put_objects(*getattr(request.module, "OBJECTS", []))
        running.put_pods(*getattr(request.module, "PODS", []))
        yield running
        running.clear()


@pytest.fixture(scope="session")
def view(containerd16: RealRuntime) -> Iterator[RuntimeView]:
    with RuntimeView(containerd16.endpoint) as opened:
        yield opened
