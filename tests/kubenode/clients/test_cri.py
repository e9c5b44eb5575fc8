"""The CRI client on a fake runtime: its table of calls, its deadlines, its memory, its streams."""

import asyncio
import re
from contextlib import aclosing
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor
from grpc import StatusCode

from kubenode.clients import cri as cri_module
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, NotFound, RuntimeFailure, Unavailable, Unimplemented
from kubenode.clients.rpc import Stream
from kubenode.clients.stubs import cri_pb2 as pb
from support.fake_cri import FakeCri, fake_with_images
from support.images import BUSYBOX
from support.pods import Pods

METHODS = [method for service in pb.DESCRIPTOR.services_by_name.values() for method in service.methods]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_rpc_has_its_call(method: MethodDescriptor) -> None:
    call = vars(CriClient)[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", method.name).lower()]
    assert call.path == f"/{method.containing_service.full_name}/{method.name}"
    assert call.request.DESCRIPTOR is method.input_type
    assert call.response.DESCRIPTOR is method.output_type
    assert isinstance(call, Stream) == method.server_streaming


@pytest.mark.parametrize(
    ("call", "message", "seconds"),
    [
        ("version", pb.VersionRequest(), 10),
        ("list_containers", pb.ListContainersRequest(), 10),
        ("run_pod_sandbox", pb.RunPodSandboxRequest(), 240),
        ("stop_pod_sandbox", pb.StopPodSandboxRequest(), 120),
        ("stop_container", pb.StopContainerRequest(timeout=30), 150),
        ("exec_sync", pb.ExecSyncRequest(timeout=5), 125),
        ("exec_sync", pb.ExecSyncRequest(), None),
        ("checkpoint_container", pb.CheckpointContainerRequest(timeout=60), 180),
        ("pull_image", pb.PullImageRequest(), 3600),
        ("get_container_events", pb.GetEventsRequest(), None),
    ],
)
def test_each_call_has_its_deadline(call: str, message: object, seconds: float | None) -> None:
    assert vars(CriClient)[call].deadline(message, 120.0) == seconds


def test_a_short_request_timeout_shortens_reads_too() -> None:
    assert cri_module.reading(pb.VersionRequest(), 3.0) == 3.0


def test_making_a_client_needs_no_loop_and_no_runtime() -> None:
    assert CriClient("/run/absent.sock").endpoint == "unix:///run/absent.sock"


async def test_a_path_may_have_any_characters(tmp_path: Path) -> None:
    async with fake_with_images(tmp_path / "a b%20#?.sock") as fake, CriClient(str(fake.path)) as cri:
        assert (await cri.version()).runtime_name == "fake"


async def test_images_may_be_served_elsewhere(fake_cri: FakeCri, tmp_path: Path) -> None:
    async with (
        FakeCri(tmp_path / "images.sock") as images,
        CriClient(fake_cri.endpoint, image_endpoint=images.endpoint) as cri,
    ):
        assert not (await cri.list_images()).images
        await cri.version()
    assert images.calls == {"ListImages": 1}
    assert fake_cri.calls == {"Version": 1}


async def test_large_answers_arrive(fake_cri: FakeCri) -> None:
    fake_cri.images["large"] = pb.Image(id="large", repo_tags=[20_000_000 * "x"])
    async with CriClient(fake_cri.endpoint) as cri:
        listed = (await cri.list_images()).images
    assert max(len(tag) for image in listed for tag in image.repo_tags) == 20_000_000


async def test_each_call_is_told_with_its_time_and_error(fake_cri: FakeCri) -> None:
    told: list[tuple[str, float, ClientError | None]] = []
    async with CriClient(fake_cri.endpoint, on_call=lambda *call: told.append(call)) as cri:
        fake_cri.delay("Version", 0.05)
        await cri.version()
        with pytest.raises(NotFound) as caught:
            await cri.container_status(pb.ContainerStatusRequest(container_id="x"))
    (first, seconds, no_error), (second, _, error) = told
    assert (first, no_error) == ("Version", None)
    assert 0.05 <= seconds < 5
    assert (second, error) == ("ContainerStatus", caught.value)


async def test_a_restarted_runtime_is_found_within_a_second(fake_cri: FakeCri) -> None:
    async with CriClient(fake_cri.endpoint) as cri:
        await cri.version()
        await fake_cri.stop()
        for _ in range(50):
            with pytest.raises(Unavailable):
                await cri.version()
        await fake_cri.start()
        async with asyncio.timeout(1.5):
            while True:
                try:
                    await cri.version()
                    break
                except Unavailable:
                    await asyncio.sleep(0.02)


async def test_a_call_under_way_when_the_runtime_dies_is_unavailable(fake_cri: FakeCri) -> None:
    async with CriClient(fake_cri.endpoint) as cri:
        fake_cri.pause()
        call = asyncio.create_task(cri.version())
        await reached(fake_cri, "Version")
        await fake_cri.stop()
        with pytest.raises(Unavailable):
            await call


async def test_a_cancelled_task_is_cancelled_and_nothing_else(fake_cri: FakeCri) -> None:
    told: list[str] = []
    async with CriClient(fake_cri.endpoint, on_call=lambda name, _seconds, _error: told.append(name)) as cri:
        fake_cri.pause()
        call = asyncio.create_task(cri.version())
        await reached(fake_cri, "Version")
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        fake_cri.resume()
        await cri.status()
    assert told == ["Status"]


async def test_a_lacking_rpc_is_asked_for_once(fake_cri: FakeCri) -> None:
    fake_cri.unimplemented.add("RuntimeConfig")
    async with CriClient(fake_cri.endpoint) as cri:
        for _ in range(3):
            with pytest.raises(Unimplemented):
                await cri.runtime_config()
        assert not cri.supports("RuntimeConfig")
        assert cri.supports("Version")
    assert fake_cri.calls["RuntimeConfig"] == 1


async def test_after_a_restart_a_lacking_rpc_is_asked_for_again(fake_cri: FakeCri) -> None:
    fake_cri.unimplemented.add("RuntimeConfig")
    async with CriClient(fake_cri.endpoint) as cri:
        with pytest.raises(Unimplemented):
            await cri.runtime_config()
        await fake_cri.stop()
        with pytest.raises(Unavailable):
            await cri.version()
        assert cri.supports("RuntimeConfig")


async def test_a_vital_rpc_is_never_given_up(fake_cri: FakeCri) -> None:
    """A runtime answers so to a sandbox with a feature that it lacks; the next one may do without."""
    fake_cri.fail("StopPodSandbox", StatusCode.UNIMPLEMENTED, "no user namespaces here", times=1)
    request = pb.StopPodSandboxRequest(pod_sandbox_id="x")
    async with CriClient(fake_cri.endpoint) as cri:
        with pytest.raises(Unimplemented):
            await cri.stop_pod_sandbox(request)
        assert cri.supports("StopPodSandbox")
        await cri.stop_pod_sandbox(request)


async def test_events_reach_every_subscriber(fake_cri: FakeCri, tmp_path: Path) -> None:
    async with CriClient(fake_cri.endpoint) as one, CriClient(fake_cri.endpoint) as two:
        streams = [one.get_container_events(), two.get_container_events()]
        firsts = [asyncio.ensure_future(anext(stream)) for stream in streams]
        await reached(fake_cri, "GetContainerEvents", 2)
        async with Pods(one, tmp_path, "/x") as pods:
            sandbox_id = await pods.run()
            assert [(await first).container_id for first in firsts] == [sandbox_id, sandbox_id]
        for stream in streams:
            await stream.aclose()


async def test_a_stream_without_the_rpc_is_unimplemented_and_remembered(tmp_path: Path) -> None:
    async with FakeCri(tmp_path / "cri.sock", evented=False) as fake, CriClient(fake.endpoint) as cri:
        for _ in range(2):
            with pytest.raises(Unimplemented):
                await anext(cri.get_container_events())
        assert not cri.supports("GetContainerEvents")
    assert fake.calls["GetContainerEvents"] == 1


async def test_a_stream_that_breaks_is_unavailable(fake_cri: FakeCri, tmp_path: Path) -> None:
    async with CriClient(fake_cri.endpoint) as cri, aclosing(cri.get_container_events()) as events:
        fake_cri.delay("GetContainerEvents", 3600)
        first = asyncio.ensure_future(anext(events))
        await reached(fake_cri, "GetContainerEvents")
        await fake_cri.stop()
        with pytest.raises(Unavailable):
            await first


async def test_a_fault_can_be_told_how_often_to_happen(fake_cri: FakeCri) -> None:
    fake_cri.fail("Version", StatusCode.INTERNAL, "oops", times=2)
    async with CriClient(fake_cri.endpoint) as cri:
        for _ in range(2):
            with pytest.raises(RuntimeFailure, match="oops"):
                await cri.version()
        await cri.version()


async def test_a_fake_container_can_be_ended_and_a_sandbox_lost(fake_cri: FakeCri, tmp_path: Path) -> None:
    async with CriClient(fake_cri.endpoint) as cri, Pods(cri, tmp_path, "/x") as pods:
        sandbox_id = await pods.run()
        container_id = await pods.start(sandbox_id)
        fake_cri.exit(container_id, 137, "OOMKilled")
        status = await pods.status(container_id)
        assert (status.state, status.exit_code, status.reason) == (pb.CONTAINER_EXITED, 137, "OOMKilled")
        fake_cri.drop_sandbox(sandbox_id)
        with pytest.raises(NotFound):
            await pods.sandbox_status(sandbox_id)
        assert not (await cri.list_containers()).containers


async def test_a_fake_pull_brings_what_its_registry_has(fake_cri: FakeCri) -> None:
    pulled = fake_cri.images.popitem()[1]
    fake_cri.registry[BUSYBOX] = pulled
    async with CriClient(fake_cri.endpoint) as cri:
        answer = await cri.pull_image(pb.PullImageRequest(image=pb.ImageSpec(image=BUSYBOX)))
    assert answer.image_ref == pulled.id
    assert pulled.id in fake_cri.images


async def reached(fake: FakeCri, rpc: str, times: int = 1) -> None:
    """Waits until the fake has been asked so many times."""
    async with asyncio.timeout(5):
        while fake.calls[rpc] < times:
            await asyncio.sleep(0.005)
