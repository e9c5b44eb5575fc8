"""One turn, and the node's health, on a fake runtime without an agent."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubenode.resources import node_health, node_sync
from kubenode.resources.options import OptionError, read
from kubenode.resources.result import ResourceError, Result
from support.agent import pod
from support.fake_cri import FakeCri


@pytest.fixture
def configuration(tmp_path: Path, fake_cri: FakeCri) -> Path:
    (tmp_path / "manifests").mkdir()
    file = tmp_path / "config.yaml"
    kubelet = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "staticPodPath": str(tmp_path / "manifests"),
        "containerRuntimeEndpoint": fake_cri.endpoint,
        "podLogsDir": str(tmp_path / "logs"),
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
    }
    kubenode = {
        "apiVersion": "kubenode.io/v1alpha1",
        "kind": "KubenodeConfiguration",
        "nodeName": "n1",
        "rootDirectory": str(tmp_path / "root"),
        "runDirectory": str(tmp_path / "run"),
        "containerLogsDirectory": str(tmp_path / "containers"),
    }
    file.write_text(yaml.safe_dump_all([kubelet, kubenode]))
    return file


def put(configuration: Path, *pods: dict[str, Any]) -> None:
    for one in pods:
        path = configuration.parent / "manifests" / f"{one['metadata']['name']}.yaml"
        path.write_text(yaml.safe_dump(one))


async def sync(configuration: Path, *, check: bool = False, **options: Any) -> dict[str, Any]:
    wanted = read(node_sync.Options, {"config": str(configuration), **options})
    return (await node_sync.run(wanted, check=check)).returned()


async def health(configuration: Path, **options: Any) -> Result:
    wanted = read(node_health.Options, {"config": str(configuration), **options})
    return await node_health.run(wanted, check=False)


async def test_check_mode_is_the_plan_that_is_then_carried_out(configuration: Path, fake_cri: FakeCri) -> None:
    put(configuration, pod("web", "sleep 1000"))
    told = await sync(configuration, check=True)
    assert not fake_cri.sandboxes
    assert told["diff"]["before"] in ("", "{}\n")
    assert list(yaml.safe_load(told["diff"]["after"])) == ["default/web-n1"]
    done = await sync(configuration)
    assert done["actions"] == told["actions"]
    assert done["changed"]
    assert len(fake_cri.sandboxes) == 1


async def test_with_waiting_nothing_is_left_to_do(configuration: Path) -> None:
    put(configuration, pod("web", "sleep 1000"))
    await sync(configuration, wait=True, wait_timeout=30)
    again = await sync(configuration, wait=True, wait_timeout=30)
    assert not again["changed"]
    assert "actions" not in again
    (configuration.parent / "manifests" / "web.yaml").unlink()
    gone = await sync(configuration, wait=True, wait_timeout=30)
    assert gone["changed"]


async def test_pods_whose_steps_fail_are_named(configuration: Path) -> None:
    bad = pod("bad")
    bad["spec"]["containers"][0] |= {"image": "kubenode.test/nothing:1", "imagePullPolicy": "Always"}
    put(configuration, pod("web", "sleep 1000"), bad)
    with pytest.raises(
        ResourceError, match=r"Not all could be done on n1: default/bad-n1: to pull .* failed: "
    ) as caught:
        await sync(configuration)
    assert {one["pod"] for one in caught.value.values["pods"]} == {"default/bad-n1", "default/web-n1"}  # type: ignore[attr-defined]
    assert caught.value.values["changed"] is True


async def test_health_fails_from_the_level_that_is_asked_for(configuration: Path) -> None:
    answer = (await health(configuration, fail_on="never", only=["runtime", "agent"])).returned()
    assert {one["name"]: one["level"] for one in answer["checks"]} == {"runtime": "ok", "agent": "critical"}
    assert answer["level"] == "critical"
    with pytest.raises(ResourceError, match=r"^Node n1 is critical: agent: .*no agent listens.") as caught:
        await health(configuration, only=["runtime", "agent"])
    assert caught.value.values["level"] == "critical"
    assert not (await health(configuration, fail_on="warning", only=["runtime"])).changed


async def test_rules_see_pods_and_manifests(configuration: Path) -> None:
    put(configuration, pod("web", "sleep 1000"))
    (configuration.parent / "manifests" / "bad.yaml").write_text("kind: Service")
    await sync(configuration)
    rules = [
        {"name": "pods", "query": "pods[].name", "says": "There are"},
        {"name": "files", "query": "manifests[?state == 'invalid'].source"},
    ]
    answer = (await health(configuration, fail_on="never", only=["pods", "files"], rules=rules)).returned()
    told = [one["message"] for one in answer["checks"]]
    assert any('There are: ["web-n1"]' in one for one in told)
    assert any("bad.yaml" in one for one in told)
    with pytest.raises(OptionError, match=r"^only: there is no check 'runtme'"):
        await health(configuration, only=["runtme"])


async def test_a_hung_runtime_is_a_verdict_in_time(configuration: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "hung.sock"))
        listener.listen()
        hung = f"unix://{tmp_path}/hung.sock"
        began = time.monotonic()
        answer = (await health(configuration, fail_on="never", runtime_endpoint=hung)).returned()
        assert time.monotonic() - began < 20
        assert next(one for one in answer["checks"] if one["name"] == "runtime")["level"] == "critical"
        with pytest.raises(ResourceError, match="within 1 s"):
            await health(configuration, timeout=1, runtime_endpoint=hung)
