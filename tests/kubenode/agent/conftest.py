"""Agents as their users have them: a process, its files, its commands.

Two agents on one runtime would remove each other's pods: a module uses `agent` or `own_agent`, not both.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.agent import AgentProcess, agent_process
from support.containerd import RealRuntime
from support.runtime_view import RuntimeView


@pytest.fixture(scope="module")
def agent(containerd16: RealRuntime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    """One for all tests of a module, each of which has pods of its own name."""
    folder = tmp_path_factory.mktemp("agent")
    with agent_process(folder, containerd16.endpoint, containerd16.cgroup_root) as running:
        yield running
        running.clear()


@pytest.fixture
def own_agent(containerd16: RealRuntime, tmp_path: Path) -> Iterator[AgentProcess]:
    """One for a test that ends it or changes how it runs; not started yet."""
    made = AgentProcess(tmp_path, containerd16.endpoint, containerd16.cgroup_root)
    try:
        yield made
        made.clear()
    finally:
        made.kill()


@pytest.fixture
def beside_agent(containerd16: RealRuntime, tmp_path: Path) -> Iterator[AgentProcess]:
    """As `own_agent`, in the runtime's own namespaces: it mounts for its pods and can reach them."""
    made = AgentProcess(tmp_path, containerd16.endpoint, containerd16.cgroup_root, containerd16.pid)
    try:
        yield made
        made.clear()
    finally:
        made.kill()


@pytest.fixture(scope="session")
def view(containerd16: RealRuntime) -> Iterator[RuntimeView]:
    with RuntimeView(containerd16.endpoint) as opened:
        yield opened
