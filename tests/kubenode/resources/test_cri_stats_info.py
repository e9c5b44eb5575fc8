"""Which containers and pods are told of, and what becomes of those of which a runtime cannot tell."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from kubenode.clients.errors import Unavailable
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.resources import cri_stats_info
from kubenode.resources.options import OptionError, read
from support.fake_cri import FakeCri
from support.fake_server import Refused
from support.images import BUSYBOX


async def _pod(fake: FakeCri, folder: Path, name: str, *containers: str) -> None:
    labels = {"app": name}
    metadata = pb.PodSandboxMetadata(name=name, namespace="shop", uid=name)
    sandbox = pb.PodSandboxConfig(metadata=metadata, log_directory=str(folder), labels=labels)
    made = await fake.run_pod_sandbox(pb.RunPodSandboxRequest(config=sandbox))
    for one in containers:
        config = pb.ContainerConfig(
            metadata=pb.ContainerMetadata(name=one), image=pb.ImageSpec(image=BUSYBOX), command=["sleep", "inf"]
        )
        request = pb.CreateContainerRequest(pod_sandbox_id=made.pod_sandbox_id, config=config, sandbox_config=sandbox)
        container = (await fake.create_container(request)).container_id
        await fake.start_container(pb.StartContainerRequest(container_id=container))


class Fake(FakeCri):
    """With statistics of pods; a pod "bare" has none, and makes the list fail as containerd does."""

    async def pod_sandbox_stats(self, request: pb.PodSandboxStatsRequest) -> pb.PodSandboxStatsResponse:
        sandbox = self.sandboxes[request.pod_sandbox_id].status
        if sandbox.metadata.name == "bare":
            raise Refused(StatusCode.UNKNOWN, "cgroupPath is empty")
        linux = pb.LinuxPodSandboxStats(process=pb.ProcessUsage(process_count=pb.UInt64Value(value=2)))
        attributes = pb.PodSandboxAttributes(id=sandbox.id, metadata=sandbox.metadata)
        return pb.PodSandboxStatsResponse(stats=pb.PodSandboxStats(attributes=attributes, linux=linux))

    async def list_pod_sandbox_stats(self, request: pb.ListPodSandboxStatsRequest) -> pb.ListPodSandboxStatsResponse:
        answers = [
            await self.pod_sandbox_stats(pb.PodSandboxStatsRequest(pod_sandbox_id=one)) for one in self.sandboxes
        ]
        return pb.ListPodSandboxStatsResponse(stats=[answer.stats for answer in answers])


@pytest.fixture
async def fake(fake_cri: FakeCri, tmp_path: Path) -> Any:
    async with Fake(tmp_path / "own.sock") as made:
        made.images = fake_cri.images
        await _pod(made, tmp_path, "web", "app", "side")
        await _pod(made, tmp_path, "batch", "app")
        yield made


async def _told(fake: FakeCri, **params: Any) -> dict[str, Any]:
    options = read(cri_stats_info.Options, {"runtime_endpoint": fake.endpoint, **params})
    return (await cri_stats_info.run(options, check=False)).returned()


def _names(told: Iterable[dict[str, Any]]) -> list[str]:
    return [f"{one['pod']}/{one['name']}" if "pod" in one else one["name"] for one in told]


async def test_four_calls_tell_of_all(fake: FakeCri) -> None:
    told = await _told(fake)
    assert _names(told["containers"]) == ["batch/app", "web/app", "web/side"]
    assert _names(told["pods"]) == ["batch", "web"]
    assert told["pods"][0]["processes"] == 2
    assert told["not_told"] == []
    assert sum(fake.calls.values()) == 4


async def test_one_that_cannot_be_told_spoils_nothing(fake: FakeCri, tmp_path: Path) -> None:
    await _pod(fake, tmp_path, "bare", "app")
    told = await _told(fake)
    assert _names(told["pods"]) == ["batch", "web"]
    assert [(one["kind"], one["name"]) for one in told["not_told"]] == [("pod", "shop/bare")]
    assert "cgroupPath is empty" in told["not_told"][0]["why"]
    assert "bare/app" in _names(told["containers"])


async def test_a_runtime_without_statistics_of_pods_is_asked_once(fake: FakeCri) -> None:
    fake.unimplemented |= {"ListPodSandboxStats", "PodSandboxStats"}
    told = await _told(fake)
    assert told["pods"] == []
    assert [one["name"] for one in told["not_told"]] == ["shop/web", "shop/batch"]
    assert fake.calls["PodSandboxStats"] == 0
    assert len(told["containers"]) == 3


async def test_a_runtime_that_goes_away_is_an_error(fake: FakeCri) -> None:
    fake.fail("ListContainerStats", StatusCode.UNAVAILABLE)
    with pytest.raises(Unavailable):
        await _told(fake)


@pytest.mark.parametrize(
    ("filters", "containers", "pods"),
    [
        ({"pod": ["w*"]}, ["web/app", "web/side"], ["web"]),
        ({"name": ["side", "nosuch"]}, ["web/side"], []),
        ({"labels": {"app": "batch"}}, ["batch/app"], ["batch"]),
        ({"labels": {"app": "batch", "more": "x"}}, [], []),
        ({"namespace": ["nosuch"]}, [], []),
    ],
)
async def test_filters(fake: FakeCri, filters: dict[str, Any], containers: list[str], pods: list[str]) -> None:
    told = await _told(fake, **filters)
    assert (_names(told["containers"]), _names(told["pods"])) == (containers, pods)


async def test_one_look_does_not_wait_and_two_do(fake: FakeCri) -> None:
    began = time.monotonic()
    await _told(fake, interval=0.2)
    assert time.monotonic() - began >= 0.2
    assert fake.calls["ListContainerStats"] == 2
    with pytest.raises(OptionError, match="interval"):
        await _told(fake, interval=-1)
