"""Keeping the cgroups above the pods, in the host's own v1 trees."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from conftest import leave_out
from kubenode.agent.node_cgroups import keep_node_cgroups, node_cgroup_changes, sync_node_cgroups
from kubenode.clients.cgroupfs import MOUNT, remove
from kubenode.model.facts import NodeFacts
from kubenode.model.pod import Pod
from kubenode.model.settings import KubeletConfiguration, Settings
from support.plans import desired_pod

FACTS = NodeFacts(cpus=2000, memory=2**30)


@pytest.fixture
async def settings() -> AsyncIterator[Settings]:
    """With a cgroup root of the test's own."""
    if os.geteuid() != 0 or not (MOUNT / "cpu" / "cpu.shares").exists():
        leave_out("cgroup v1 and root are needed")
    root = f"/kubenode-test-{uuid.uuid4().hex[:8]}"
    yield Settings(kubelet=KubeletConfiguration(cgroup_root=root), node_name="node")
    await remove(root)


def _pod(cpu: str) -> Pod:
    return desired_pod({"containers": [{"name": "app", "resources": {"requests": {"cpu": cpu}}}]}).pod


async def _until(settings: Settings, tier: str, shares: int) -> None:
    file = MOUNT / "cpu" / settings.kubelet.cgroup_root.strip("/") / "kubepods" / tier / "cpu.shares"
    async with asyncio.timeout(10):
        while not file.exists() or int(file.read_text()) != shares:
            await asyncio.sleep(0.01)


async def test_they_follow_the_pods(settings: Settings) -> None:
    pods, changed = [_pod("500m")], asyncio.Event()
    assert len(node_cgroup_changes(pods, settings, lambda _: FACTS)) == 3
    task = asyncio.create_task(keep_node_cgroups(settings, lambda: pods, changed, lambda _: FACTS))
    await _until(settings, "burstable", 512)
    await _until(settings, "besteffort", 2)
    await _until(settings, "", 2048)
    pods.append(_pod("1"))
    changed.set()
    await _until(settings, "burstable", 1536)
    assert node_cgroup_changes(pods, settings, lambda _: FACTS) == ()
    task.cancel()


async def test_a_sync_shows_them_then_writes_them(settings: Settings) -> None:
    pods = [_pod("500m")]
    shown = await sync_node_cgroups(pods, settings, dry_run=True)
    assert [(step.action, step.result) for step in shown] == [
        (f"set cgroup {settings.kubelet.cgroup_root}/kubepods{tier}", "") for tier in ("", "/burstable", "/besteffort")
    ]
    assert await sync_node_cgroups(pods, settings, dry_run=True) == shown, "a preview changes nothing"
    done = await sync_node_cgroups(pods, settings, dry_run=False)
    assert [step.action for step in done] == [step.action for step in shown]
    assert {step.result for step in done} == {"done"}
    assert await sync_node_cgroups(pods, settings, dry_run=False) == ()


async def test_a_problem_is_told_once_and_tried_again(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    tries = 0
    changed = asyncio.Event()

    def facts(_: Any) -> NodeFacts:
        nonlocal tries
        tries += 1
        if tries <= 3:
            raise OSError("the disk is gone")
        return FACTS

    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(keep_node_cgroups(settings, list, changed, facts))
        while tries < 4:
            changed.set()
            await asyncio.sleep(0.01)
        await _until(settings, "", 2048)
    task.cancel()
    assert caplog.messages == ["pods are not held to what the node gives them: the disk is gone"]
