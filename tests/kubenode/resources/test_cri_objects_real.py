"""Single sandboxes and containers on a real runtime that is killed: nothing is made twice, and nothing is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kubenode.agent.looking import seen_pods
from kubenode.clients import cgroupfs
from kubenode.clients.cri import CriClient
from kubenode.resources import cri_container, cri_pod, place
from kubenode.resources.options import read
from support.containerd import RealRuntime
from support.images import BUSYBOX

CONFIGURATION = """\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
podLogsDir: {folder}/pods
cgroupRoot: {cgroup}
---
apiVersion: kubenode.io/v1alpha1
kind: KubenodeConfiguration
containerLogsDirectory: {folder}/containers
"""
MAIN = {
    "name": "main",
    "image": BUSYBOX,
    "command": ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"],
    "env": {"TOKEN": "secret"},
    "resources": {"limits": {"cpu": "100m", "memory": "32Mi"}},
}


@pytest.fixture
def node(containerd16: RealRuntime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RealRuntime:
    configuration = tmp_path / "config.yaml"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path, cgroup=containerd16.cgroup_root))
    monkeypatch.setattr(place, "DEFAULT_PATH", configuration)
    return containerd16


async def _pod(node: RealRuntime, **params: Any) -> dict[str, Any]:
    options = read(cri_pod.Options, {"name": "restarted", "runtime_endpoint": node.endpoint, **params})
    return (await cri_pod.run(options, check=False)).returned()


async def _container(node: RealRuntime, **params: Any) -> dict[str, Any]:
    given = {"pod": "restarted", "runtime_endpoint": node.endpoint, "containers": [MAIN], **params}
    return (await cri_container.run(read(cri_container.Options, given), check=False)).returned()


async def test_commands_that_look_into_pods_see_it(node: RealRuntime) -> None:
    await _pod(node)
    await _container(node)
    async with CriClient(node.endpoint) as cri:
        seen = {str(pod.key): pod.named.containers for pod in await seen_pods(cri)}
    await _pod(node, state="absent")
    assert seen["default/restarted"] == ("main",)


async def test_a_killed_runtime_changes_nothing(node: RealRuntime, tmp_path: Path) -> None:
    pod = (await _pod(node))["pod"]
    assert cgroupfs.exists(pod["cgroup_parent"])
    made = (await _container(node))["containers"]
    node.kill()
    node.start()
    assert not (await _pod(node))["changed"]
    again = await _container(node)
    assert not again["changed"]
    assert [one["id"] for one in again["containers"]] == [one["id"] for one in made]
    resized = {**MAIN, "resources": {"limits": {"memory": "48Mi"}}}
    assert (await _container(node, containers=[resized]))["containers"][0]["id"] == made[0]["id"]
    node.kill()
    node.start()
    assert not (await _container(node, containers=[resized]))["changed"]
    await _pod(node, state="absent")
    assert not cgroupfs.exists(pod["cgroup_parent"])
    assert [*(tmp_path / "pods").iterdir(), *(tmp_path / "containers").iterdir()] == []
