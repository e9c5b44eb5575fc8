"""Single sandboxes on the fake runtime: what is cut off is taken up again, and what is others' stays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import KubenodeError
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.observe.runtime import RuntimeObserver
from kubenode.resources import cri_pod, place
from kubenode.resources.options import read
from kubenode.resources.result import ResourceError
from support.fake_cri import FakeCri

CONFIGURATION = """\
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
podLogsDir: {folder}/pods
cgroupRoot: /kubenode-unit-test
---
apiVersion: kubenode.io/v1alpha1
kind: KubenodeConfiguration
containerLogsDirectory: {folder}/containers
nodeName: node-1
"""


@pytest.fixture(autouse=True)
def _node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = tmp_path / "config.yaml"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path))
    monkeypatch.setattr(place, "DEFAULT_PATH", configuration)


async def _run(fake: FakeCri, *, check: bool = False, **params: Any) -> dict[str, Any]:
    options = read(cri_pod.Options, {"name": "web", "runtime_endpoint": fake.endpoint, **params})
    return (await cri_pod.run(options, check=check)).returned()


def _actions(told: Mapping[str, Any]) -> list[str]:
    return [one["action"].split()[0] for one in told.get("actions", ())]


async def test_a_preview_tells_what_the_run_does(fake_cri: FakeCri, tmp_path: Path) -> None:
    checked = await _run(fake_cri, check=True, labels={"app": "web"})
    assert not fake_cri.sandboxes
    made = await _run(fake_cri, labels={"app": "web"})
    assert (checked["actions"], checked["diff"]) == (made["actions"], made["diff"])
    (sandbox,) = fake_cri.sandboxes.values()
    uid = sandbox.config.metadata.uid
    assert sandbox.config.log_directory == f"{tmp_path}/pods/default_web_{uid}"
    assert sandbox.config.linux.cgroup_parent == f"/kubenode-unit-test/kubenode/pod{uid}"
    assert [path.name for path in (tmp_path / "pods").iterdir()] == [f"default_web_{uid}"]
    assert not (await _run(fake_cri, labels={"app": "web"}))["changed"]


async def test_its_uid_is_the_same_each_time(fake_cri: FakeCri) -> None:
    first = (await _run(fake_cri))["pod"]["uid"]
    await _run(fake_cri, state="absent")
    assert (await _run(fake_cri))["pod"]["uid"] == first
    assert (await _run(fake_cri, namespace="other"))["pod"]["uid"] != first


async def test_the_agent_does_not_take_it_for_its_own(fake_cri: FakeCri) -> None:
    await _run(fake_cri)
    async with CriClient(fake_cri.endpoint) as cri:
        assert await RuntimeObserver(cri).signatures() == {}


async def test_one_that_died_is_made_anew_and_removed(fake_cri: FakeCri) -> None:
    first = (await _run(fake_cri))["pod"]
    fake_cri.sandboxes[first["id"]].status.state = pb.SANDBOX_NOTREADY
    told = await _run(fake_cri, recreate="never")
    assert (told["pod"]["attempt"], told["pod"]["uid"]) == (1, first["uid"])
    assert list(fake_cri.sandboxes) == [told["pod"]["id"]]


async def test_a_run_that_was_killed_is_taken_up_again(fake_cri: FakeCri) -> None:
    """After the new sandbox was made, and before the old one was removed."""
    await _run(fake_cri)
    fake_cri.fail("RemovePodSandbox", StatusCode.UNAVAILABLE, "gone")
    with pytest.raises(ResourceError) as failed:
        await _run(fake_cri, hostname="other")
    assert _actions(failed.value.values) == ["stop", "run"]
    fake_cri.heal()
    assert len(fake_cri.sandboxes) == 2
    told = await _run(fake_cri, hostname="other")
    assert _actions(told) == ["remove"]
    assert list(fake_cri.sandboxes) == [told["pod"]["id"]]
    assert told["pod"]["attempt"] == 1


async def test_a_name_that_is_still_taken_is_passed_over(fake_cri: FakeCri) -> None:
    reserved = 'failed to reserve sandbox name "web_default_u_0": name is reserved for "x"'
    fake_cri.fail("RunPodSandbox", StatusCode.UNKNOWN, reserved, times=1)
    assert (await _run(fake_cri))["pod"]["attempt"] == 1
    assert not (await _run(fake_cri))["changed"]


async def test_a_failure_leaves_nothing_behind(fake_cri: FakeCri, tmp_path: Path) -> None:
    fake_cri.fail("RunPodSandbox", StatusCode.UNKNOWN, "no network")
    with pytest.raises(ResourceError, match=r"^Pod default/web: RunPodSandbox of default/web failed .* no network"):
        await _run(fake_cri)
    assert list((tmp_path / "pods").iterdir()) == []


async def test_its_folder_of_logs_goes_with_it_and_a_given_one_stays(fake_cri: FakeCri, tmp_path: Path) -> None:
    await _run(fake_cri)
    await _run(fake_cri, name="kept", log_directory=str(tmp_path / "mine"))
    for name in ("web", "kept"):
        await _run(fake_cri, name=name, state="absent")
    assert (tmp_path / "mine").is_dir()
    assert list((tmp_path / "pods").iterdir()) == []


async def test_the_runtimes_driver_says_how_its_cgroup_is_named(fake_cri: FakeCri) -> None:
    fake_cri.cgroup_driver = pb.SYSTEMD
    uid = (await _run(fake_cri))["pod"]["uid"]
    (sandbox,) = fake_cri.sandboxes.values()
    assert sandbox.config.linux.cgroup_parent == f"kubenode-pod{uid.replace('-', '_')}.slice"


async def test_users_of_its_own_are_not_the_nodes(fake_cri: FakeCri) -> None:
    mapping = [{"host_id": 100_000, "container_id": 0, "length": 65_536}]
    users = {"mode": "POD", "uids": mapping, "gids": mapping}
    await _run(fake_cri, config={"linux": {"security_context": {"namespace_options": {"userns_options": users}}}})
    (sandbox,) = fake_cri.sandboxes.values()
    made = sandbox.config.linux.security_context.namespace_options.userns_options
    assert (made.mode, made.uids[0].host_id) == (pb.POD, 100_000)


async def test_what_does_not_change_asks_little(fake_cri: FakeCri) -> None:
    await _run(fake_cri)
    fake_cri.calls.clear()
    await _run(fake_cri)
    assert fake_cri.calls == {"ListPodSandbox": 2, "ListContainers": 1, "PodSandboxStatus": 1}


async def test_beside_a_kubelet_none_is_made(fake_cri: FakeCri, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cri_pod, "upstream_kubelet", lambda: 4711)
    with pytest.raises(ResourceError, match=r"process 4711.*static_pod.*beside_kubelet"):
        await _run(fake_cri)
    assert (await _run(fake_cri, beside_kubelet=True))["changed"]
    # One that is there can be looked at, and removed.
    assert (await _run(fake_cri, state="absent"))["changed"]


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"config": {"linux": {"sysctl": {}}}}, r"config\.linux\.sysctl: .*Did you mean sysctls\?"),
        ({"config": {"portMappings": [{"hostprt": 1}]}}, r"config\.portMappings\[0\]\.hostprt: .*host_port"),
        ({"config": {"metadata": {"name": "x"}}}, r"config\.metadata: .*name, namespace and uid"),
        ({"config": {"hostname": 3}}, r"config: this is no PodSandboxConfig"),
        ({"config": {"labels": {"io.kubernetes.pod.uid": "x"}}}, r"config\.labels: 'io\.kubernetes\.pod\.uid'"),
        ({"ports": [{"container_port": 1, "host_port": "x"}]}, r"ports\[0\]\.host_port: Expected"),
        ({"hostname": "a.b"}, r"hostname: 'a\.b' is no host name"),
    ],
)
async def test_what_cannot_be_is_told_by_its_path(fake_cri: FakeCri, params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(KubenodeError, match=f"^{sentence}"):
        await _run(fake_cri, check=True, **params)
    assert not fake_cri.calls
