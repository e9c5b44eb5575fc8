"""Single containers on the fake runtime: batches, what is cut off, resources, images, and secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from kubenode.clients.errors import KubenodeError
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from kubenode.resources import cri_container, cri_container_info, place
from kubenode.resources.options import read
from kubenode.resources.result import ResourceError
from support.fake_cri import FakeCri
from support.fake_images import image
from support.images import BUSYBOX

SECRET = "not-to-be-seen"
# It ends when it is told to.
COMMAND = ["sh", "-c", "trap 'exit 0' TERM; sleep 1000"]
MAIN = {"name": "main", "image": BUSYBOX, "command": COMMAND, "env": {"TOKEN": SECRET}}
CONFIGURATION = """\
apiVersion: kubenode.io/v1alpha1
kind: KubenodeConfiguration
containerLogsDirectory: {folder}/containers
"""


@pytest.fixture(autouse=True)
async def pod(fake_cri: FakeCri, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A sandbox's id."""
    configuration = tmp_path / "config.yaml"
    configuration.write_text(CONFIGURATION.format(folder=tmp_path))
    monkeypatch.setattr(place, "DEFAULT_PATH", configuration)
    logs = str(tmp_path / "logs")
    config = pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(name="web", namespace="default", uid="u"),
        annotations={names.LOG_DIRECTORY: logs},
        log_directory=logs,
    )
    return (await fake_cri.run_pod_sandbox(pb.RunPodSandboxRequest(config=config))).pod_sandbox_id


async def _run(fake: FakeCri, *containers: Any, check: bool = False, **params: Any) -> dict[str, Any]:
    given = {"pod": "web", "runtime_endpoint": fake.endpoint, "containers": list(containers), **params}
    return (await cri_container.run(read(cri_container.Options, given), check=check)).returned()


def _actions(told: Mapping[str, Any]) -> list[str]:
    return [one["action"].split()[0] for one in told.get("actions", ())]


async def test_a_preview_tells_what_the_run_does(fake_cri: FakeCri) -> None:
    checked = await _run(fake_cri, MAIN, check=True)
    assert not fake_cri.containers
    made = await _run(fake_cri, MAIN)
    assert (checked["actions"], checked["diff"]) == (made["actions"], made["diff"])
    assert not (await _run(fake_cri, MAIN))["changed"]


async def test_no_value_of_a_variable_is_kept_or_told(fake_cri: FakeCri, tmp_path: Path) -> None:
    with_config = {**MAIN, "config": {"envs": [{"key": "OTHER", "value": SECRET}]}}
    told = await _run(fake_cri, with_config)
    (container,) = fake_cri.containers.values()
    assert {one.key: one.value for one in container.config.envs} == {"TOKEN": SECRET.encode(), "OTHER": SECRET.encode()}
    assert SECRET not in json.dumps(told)
    assert SECRET not in str(container.config.annotations) + str(container.config.labels)
    assert SECRET not in repr(read(cri_container.Options, {"pod": "web", "containers": [with_config]}))
    for wrong in ({"key": SECRET}, [{"key": "A", "value": 1, "val": SECRET}], [SECRET]):
        with pytest.raises(KubenodeError) as failed:
            await _run(fake_cri, {**MAIN, "config": {"envs": wrong}})
        assert SECRET not in str(failed.value)


async def test_only_the_digest_of_what_changed_changes(fake_cri: FakeCri) -> None:
    env = {"TOKEN": SECRET, "OTHER": SECRET}
    await _run(fake_cri, {**MAIN, "env": env})
    told = await _run(fake_cri, {**MAIN, "env": {**env, "TOKEN": "new"}}, check=True)
    before, after = (told["diff"][side].splitlines() for side in ("before", "after"))
    (old,), (new,) = set(before) - set(after), set(after) - set(before)
    assert old.strip().startswith("TOKEN: sha256:")
    assert new.strip().startswith("TOKEN: sha256:")
    # Equal values of two variables do not look equal.
    assert len({line.split(": ")[1] for line in before if "sha256:" in line}) == 2


async def test_a_container_that_was_created_and_not_started_is_started(fake_cri: FakeCri) -> None:
    fake_cri.fail("StartContainer", StatusCode.UNAVAILABLE, "gone")
    with pytest.raises(ResourceError) as failed:
        await _run(fake_cri, MAIN)
    assert _actions(failed.value.values) == ["create"]
    fake_cri.heal()
    told = await _run(fake_cri, MAIN)
    assert (_actions(told), len(fake_cri.containers)) == (["start"], 1)


async def test_an_exchange_that_was_cut_off_is_taken_up_again(fake_cri: FakeCri) -> None:
    """After the new container was created, and before the old one was stopped."""
    await _run(fake_cri, MAIN)
    fake_cri.fail("StopContainer", StatusCode.UNAVAILABLE, "gone")
    other = {**MAIN, "working_dir": "/tmp"}
    with pytest.raises(ResourceError):
        await _run(fake_cri, other)
    fake_cri.heal()
    assert len(fake_cri.containers) == 2
    told = await _run(fake_cri, other)
    assert _actions(told) == ["stop", "remove", "start"]
    (left,) = fake_cri.containers.values()
    assert (left.config.metadata.attempt, left.status.state) == (1, pb.CONTAINER_RUNNING)


async def test_what_cannot_be_created_stops_nothing(fake_cri: FakeCri) -> None:
    await _run(fake_cri, MAIN)
    fake_cri.fail("CreateContainer", StatusCode.INVALID_ARGUMENT, "no such device")
    with pytest.raises(ResourceError, match="no such device"):
        await _run(fake_cri, {**MAIN, "working_dir": "/tmp"})
    (left,) = fake_cri.containers.values()
    assert left.status.state == pb.CONTAINER_RUNNING


async def test_a_name_that_is_still_taken_is_passed_over(fake_cri: FakeCri, tmp_path: Path) -> None:
    reserved = 'failed to reserve container name "main_web_default_u_0": name is reserved'
    fake_cri.fail("CreateContainer", StatusCode.UNKNOWN, reserved, times=1)
    (made,) = (await _run(fake_cri, MAIN))["containers"]
    assert (made["attempt"], made["log_path"]) == (1, f"{tmp_path}/logs/main/1.log")
    assert made["annotations"][names.RESTART_COUNT] == "1"


async def test_one_that_exited_is_made_anew_with_its_log(fake_cri: FakeCri, tmp_path: Path) -> None:
    (first,) = (await _run(fake_cri, MAIN))["containers"]
    assert first["log_path"] == f"{tmp_path}/logs/main/0.log"
    fake_cri.exit(first["id"], 7, "OOMKilled")
    told = await _run(fake_cri, MAIN)
    assert told["actions"][0]["why"] == "it exited with code 7 (OOMKilled)"
    assert sorted(path.name for path in (tmp_path / "logs" / "main").iterdir()) == ["1.log"]
    assert len(list((tmp_path / "containers").iterdir())) == 1
    for state in ("created", "stopped"):
        fake_cri.exit(told["containers"][0]["id"], 0)
        assert not (await _run(fake_cri, MAIN, state=state))["changed"]


async def test_resources_are_updated_where_the_runtime_tells_of_them(fake_cri: FakeCri) -> None:
    limited = {**MAIN, "resources": {"limits": {"cpu": "200m", "memory": "64Mi"}}}
    (first,) = (await _run(fake_cri, MAIN))["containers"]
    linux = fake_cri.containers[first["id"]].status.resources.linux
    linux.cpu_shares = 1024
    told = await _run(fake_cri, limited)
    assert [one["action"] for one in told["actions"]] == ["resize container main"]
    assert (linux.cpu_shares, linux.cpu_quota, linux.memory_limit_in_bytes) == (204, 20_000, 64 << 20)
    assert not (await _run(fake_cri, limited))["changed"]
    # What else differs makes it another container.
    assert "create" in _actions(await _run(fake_cri, {**limited, "tty": True}, check=True))
    score = {"limits": {"cpu": "200m", "memory": "64Mi"}, "oom_score_adj": 5}
    assert "create" in _actions(await _run(fake_cri, {**MAIN, "resources": score}, check=True))


async def test_without_that_other_resources_make_another_container(fake_cri: FakeCri) -> None:
    await _run(fake_cri, MAIN)
    told = await _run(fake_cri, {**MAIN, "resources": {"limits": {"cpu": 1}}})
    assert _actions(told) == ["create", "stop", "remove", "start"]
    assert not (await _run(fake_cri, {**MAIN, "resources": {"limits": {"cpu": "1000m"}}}))["changed"]


@pytest.mark.parametrize(
    ("policy", "here", "pulls"),
    [("IfNotPresent", True, 0), ("IfNotPresent", False, 1), ("Always", True, 1), ("Never", True, 0)],
)
async def test_images_are_pulled_by_policy(fake_cri: FakeCri, policy: str, here: bool, pulls: int) -> None:
    wanted = image("kubenode.test/other:1")
    fake_cri.registry["kubenode.test/other:1"] = wanted
    if here:
        fake_cri.add_image(wanted)
    other = {**MAIN, "image": "kubenode.test/other:1"}
    for _ in range(2):
        await _run(fake_cri, other, pull_policy=policy)
        assert fake_cri.calls["PullImage"] == pulls


async def test_a_missing_image_that_may_not_be_pulled_is_told(fake_cri: FakeCri) -> None:
    with pytest.raises(ResourceError, match=r"kubenode\.test/none:1 is not on the node.*cri_image"):
        await _run(fake_cri, {**MAIN, "image": "kubenode.test/none:1"}, pull_policy="Never")


async def test_a_batch_goes_on_after_a_failure(fake_cri: FakeCri) -> None:
    bad = {"name": "bad", "image": BUSYBOX, "command": ["/no/such/program"]}
    missing = {"name": "missing", "image": "kubenode.test/none:1"}
    with pytest.raises(ResourceError) as failed:
        await _run(fake_cri, bad, missing, MAIN)
    assert "container bad" in str(failed.value)
    assert "kubenode.test/none:1" in str(failed.value)
    assert failed.value.values["changed"]
    told: Any = failed.value.values["containers"]
    assert [(one["name"], one["state"]) for one in told] == [("bad", "exited"), ("main", "running")]


async def test_pods_of_manifests_are_not_touched(fake_cri: FakeCri, pod: str) -> None:
    fake_cri.sandboxes[pod].status.annotations[names.CONFIG_SOURCE] = "api"
    for state in ("started", "absent"):
        with pytest.raises(ResourceError, match=r"comes from a manifest.*static_pod"):
            await _run(fake_cri, MAIN, state=state, force=True)
    assert not fake_cri.containers


async def test_a_pod_is_also_named_by_the_beginning_of_its_id(fake_cri: FakeCri, pod: str) -> None:
    assert (await _run(fake_cri, MAIN, pod="", pod_id=pod[:8]))["containers"][0]["pod_id"] == pod
    twin = fake_cri.sandboxes[pod]
    fake_cri.sandboxes[pod[:8] + "0"] = type(twin)(twin.config, pb.PodSandboxStatus(id=pod[:8] + "0"))
    with pytest.raises(ResourceError, match="how the ids of 2 sandboxes begin"):
        await _run(fake_cri, MAIN, pod="", pod_id=pod[:8])


async def test_what_does_not_change_asks_little(fake_cri: FakeCri) -> None:
    twenty = [{**MAIN, "name": f"c{number}"} for number in range(20)]
    await _run(fake_cri, *twenty)
    fake_cri.calls.clear()
    assert not (await _run(fake_cri, *twenty))["changed"]
    assert fake_cri.calls == {
        "ListPodSandbox": 2,
        "PodSandboxStatus": 1,
        "ListContainers": 2,
        "ImageStatus": 1,
        "ContainerStatus": 40,
    }


async def test_filters_choose_what_is_told(fake_cri: FakeCri) -> None:
    await _run(fake_cri, MAIN, {**MAIN, "name": "side", "labels": {"tier": "back"}})
    for params, expected in (
        ({}, ["main", "side"]),
        ({"name": ["s?de"]}, ["side"]),
        ({"labels": {"tier": "back"}}, ["side"]),
        ({"state": "exited"}, []),
        ({"pod": ["w*"], "namespace": ["default"]}, ["main", "side"]),
        ({"pod": ["x*"]}, []),
    ):
        options = read(cri_container_info.Options, {"runtime_endpoint": fake_cri.endpoint, **params})
        told = (await cri_container_info.run(options, check=False)).returned()
        assert [one["name"] for one in told["containers"]] == expected
