"""Commands in containers of the fake runtime; input and real processes are the integration target's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kubenode.clients.errors import KubenodeError
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.resources import cri_exec
from kubenode.resources.options import OptionError, read
from kubenode.resources.result import ResourceError
from support.fake_cri import FakeCri
from support.images import BUSYBOX


async def _started(fake: FakeCri, folder: Path) -> str:
    sandbox = pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(name="web", namespace="shop", uid="u"), log_directory=str(folder)
    )
    made = await fake.run_pod_sandbox(pb.RunPodSandboxRequest(config=sandbox))
    config = pb.ContainerConfig(
        metadata=pb.ContainerMetadata(name="app"), image=pb.ImageSpec(image=BUSYBOX), command=["sleep", "inf"]
    )
    request = pb.CreateContainerRequest(pod_sandbox_id=made.pod_sandbox_id, config=config, sandbox_config=sandbox)
    container = (await fake.create_container(request)).container_id
    await fake.start_container(pb.StartContainerRequest(container_id=container))
    return container


async def _run(fake: FakeCri, **params: Any) -> dict[str, Any]:
    options = read(cri_exec.Options, {"runtime_endpoint": fake.endpoint, **params})
    return (await cri_exec.run(options, check=False)).returned()


async def test_a_command_runs_where_it_is_told_to(fake_cri: FakeCri, tmp_path: Path) -> None:
    container = await _started(fake_cri, tmp_path)
    for named in ({"pod": "web"}, {"pod": "web/app"}, {"pod": "web", "namespace": "shop", "container": "app"}):
        told = await _run(fake_cri, argv=["echo", "hello"], **named)
        assert (told["rc"], told["stdout"], told["changed"]) == (0, "hello", True)
        assert (told["namespace"], told["pod"], told["container"]) == ("shop", "web", "app")
    told = await _run(fake_cri, argv=["echo", "hello"], container_id=container[:10], strip_empty_ends=False)
    assert (told["stdout"], told["container_id"]) == ("hello\n", container)
    assert (await _run(fake_cri, argv=["echo", "hello"], pod="web", encoding="base64"))["stdout"] == "aGVsbG8K"


async def test_a_failed_command_fails_with_all_that_it_said(fake_cri: FakeCri, tmp_path: Path) -> None:
    await _started(fake_cri, tmp_path)
    with pytest.raises(ResourceError, match=r"sh in shop/web/app ended with exit code 3: last$") as caught:
        await _run(fake_cri, pod="web", argv=["sh", "-c", "echo out; echo last >&2; exit 3"])
    assert caught.value.values["rc"] == 3
    assert caught.value.values["stdout"] == "out"
    assert caught.value.values["changed"] is True


async def test_a_command_that_takes_too_long_is_ended(fake_cri: FakeCri, tmp_path: Path) -> None:
    await _started(fake_cri, tmp_path)
    with pytest.raises(ResourceError, match=r"did not end within 1 s \(command_timeout\).*kill"):
        await _run(fake_cri, pod="web", argv=["sleep", "60"], command_timeout=1)


async def test_check_mode_asks_nothing(fake_cri: FakeCri) -> None:
    options = read(cri_exec.Options, {"runtime_endpoint": fake_cri.endpoint, "pod": "web", "argv": ["true"]})
    told = (await cri_exec.run(options, check=True)).returned()
    assert told["skipped"]
    assert not told["changed"]
    assert not fake_cri.requests


async def test_a_container_that_ended_is_refused(fake_cri: FakeCri, tmp_path: Path) -> None:
    container = await _started(fake_cri, tmp_path)
    fake_cri.exit(container, 0)
    for named in ({"pod": "web"}, {"container_id": container}):
        with pytest.raises(KubenodeError, match="does not run"):
            await _run(fake_cri, argv=["true"], **named)
    assert fake_cri.calls["ExecSync"] == 0


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"argv": []}, "argv: the command is missing"),
        ({"argv": ["a\0b"]}, "argv: an argument cannot hold a NUL"),
        ({"pod": "", "container_id": ""}, "pod: name either"),
        ({"container_id": "f"}, "pod: name either"),
        ({"pod": "", "container_id": "f", "namespace": "shop"}, "container_id: it says all"),
        ({"command_timeout": -1}, "command_timeout: -1 is less than nothing"),
    ],
)
async def test_options_that_cannot_be_used(fake_cri: FakeCri, params: dict[str, Any], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        await _run(fake_cri, **{"pod": "web", "argv": ["true"], **params})
    assert not fake_cri.requests
