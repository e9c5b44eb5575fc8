"""The runtime as a whole: what it says of itself, what it lacks, its events, and its restart."""

import asyncio
from contextlib import aclosing

import pytest

from conformance.conftest import Runtime
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import DeadlineExceeded, Unavailable, Unimplemented
from kubenode.clients.stubs import cri_pb2 as pb
from support.pods import Pods


async def test_it_says_who_and_how_it_is(cri: CriClient) -> None:
    version = await cri.version()
    assert version.runtime_name
    assert version.runtime_version
    assert version.runtime_api_version == "v1"
    conditions = {condition.type: condition.status for condition in (await cri.status()).status.conditions}
    assert conditions["RuntimeReady"]
    assert conditions["NetworkReady"]


async def test_what_it_lacks_is_asked_for_once(runtime: Runtime) -> None:
    told: list[str] = []
    async with CriClient(runtime.endpoint, on_call=lambda name, _seconds, _error: told.append(name)) as cri:
        assert cri.supports("RestorePod")
        for _ in range(2):
            with pytest.raises(Unimplemented):
                await cri.restore_pod(pb.RestorePodRequest())
        assert not cri.supports("RestorePod")
    assert told == ["RestorePod"]


async def test_events_tell_a_containers_life_where_there_are_any(runtime: Runtime, cri: CriClient, pods: Pods) -> None:
    sandbox_id = await pods.run()
    seen: asyncio.Queue[pb.ContainerEventResponse] = asyncio.Queue()

    async def listen() -> None:
        async with aclosing(cri.get_container_events()) as events:
            async for event in events:
                seen.put_nowait(event)

    listener = asyncio.create_task(listen())
    try:
        listening = await _listening(cri, listener, pods, sandbox_id, seen)
        assert listening == cri.supports("GetContainerEvents") == runtime.has_events
        if not listening:
            return
        container_id = await pods.start(sandbox_id, name="watched")
        await cri.stop_container(pb.StopContainerRequest(container_id=container_id, timeout=5))
        await cri.remove_container(pb.RemoveContainerRequest(container_id=container_id))
        kinds: list[pb.ContainerEventType.ValueType] = []
        async with asyncio.timeout(10):
            while pb.CONTAINER_DELETED_EVENT not in kinds:
                event = await seen.get()
                if event.container_id == container_id:
                    kinds.append(event.container_event_type)
        assert kinds == [
            pb.CONTAINER_CREATED_EVENT,
            pb.CONTAINER_STARTED_EVENT,
            pb.CONTAINER_STOPPED_EVENT,
            pb.CONTAINER_DELETED_EVENT,
        ]
    finally:
        listener.cancel()
        await asyncio.wait([listener])


async def _listening(
    cri: CriClient,
    listener: asyncio.Task[None],
    pods: Pods,
    sandbox_id: str,
    seen: asyncio.Queue[pb.ContainerEventResponse],
) -> bool:
    """Whether events come. Nothing tells that a subscription has begun, so things are made to happen until one does."""
    for attempt in range(50):
        container_id = await pods.create(sandbox_id, name="bait", attempt=attempt)
        await cri.remove_container(pb.RemoveContainerRequest(container_id=container_id))
        if listener.done():
            assert isinstance(listener.exception(), Unimplemented)
            return False
        if not seen.empty():
            return True
    raise AssertionError("no event came, and no error")


async def test_a_hung_runtime_is_a_missed_deadline_and_goes_on_later(runtime: Runtime, cri: CriClient) -> None:
    await cri.version()
    runtime.pause()
    try:
        with pytest.raises(DeadlineExceeded, match="no answer within"):
            await cri.version(timeout=0.3)
    finally:
        runtime.resume()
    await cri.version()


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_pods_outlive_a_restart_of_the_runtime(runtime: Runtime, cri: CriClient, pods: Pods, end: str) -> None:
    sandbox_id = await pods.run()
    running = await pods.start(sandbox_id, name="running")
    created = await pods.create(sandbox_id, name="created")
    ended = await pods.start(sandbox_id, "sh", "-c", "exit 3", name="ended")
    await pods.exited(ended)
    before = await pods.status(running)

    await (runtime.stop() if end == "stop" else runtime.kill())
    with pytest.raises(Unavailable):
        await cri.version()
    await runtime.start()

    async with asyncio.timeout(2):
        await _until_answered(cri)
    assert (await pods.sandbox_status(sandbox_id)).state == pb.SANDBOX_READY
    after = await pods.status(running)
    assert (after.state, after.started_at) == (pb.CONTAINER_RUNNING, before.started_at)
    assert (await pods.status(created)).state == pb.CONTAINER_CREATED
    assert (await pods.status(ended)).exit_code == 3
    await cri.stop_container(pb.StopContainerRequest(container_id=running, timeout=5))
    assert (await pods.status(running)).exit_code == 0


async def _until_answered(cri: CriClient) -> None:
    while True:
        try:
            await cri.version()
        except Unavailable:
            await asyncio.sleep(0.02)
        else:
            return
