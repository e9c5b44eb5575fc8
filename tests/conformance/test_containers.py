"""Containers: their life, as a runtime must report it."""

import time
from contextlib import suppress

import pytest

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import AlreadyExists, ClientError, NotFound, RuntimeFailure
from kubenode.clients.stubs import cri_pb2 as pb
from support.images import BUSYBOX
from support.pods import Pods

UNKNOWN = "0" * 64
DEAF = ("sleep", "1000")  # as the first process it does not react to SIGTERM


async def stop(cri: CriClient, container_id: str, grace: int) -> float:
    """Stops it; returns how many seconds that took."""
    started = time.monotonic()
    await cri.stop_container(pb.StopContainerRequest(container_id=container_id, timeout=grace))
    return time.monotonic() - started


async def test_created_running_exited(cri: CriClient, pods: Pods) -> None:
    sandbox_id = await pods.run()
    before = time.time_ns()
    container_id = await pods.create(sandbox_id, labels={"a": "b"}, annotations={"c": "d"})
    created = await pods.status(container_id)
    assert created.state == pb.CONTAINER_CREATED
    assert (created.started_at, created.finished_at) == (0, 0)
    assert created.metadata == pb.ContainerMetadata(name="app")
    assert dict(created.labels) == {"a": "b"}
    assert dict(created.annotations) == {"c": "d"}
    assert created.image.image == BUSYBOX
    assert created.log_path == str(pods.log(sandbox_id))

    await cri.start_container(pb.StartContainerRequest(container_id=container_id))
    running = await pods.status(container_id)
    assert running.state == pb.CONTAINER_RUNNING
    assert running.finished_at == 0

    await stop(cri, container_id, 10)
    exited = await pods.status(container_id)
    assert exited.state == pb.CONTAINER_EXITED
    assert (exited.exit_code, exited.reason) == (0, "Completed")
    assert before <= exited.created_at < exited.started_at < exited.finished_at <= time.time_ns()


async def test_an_exit_code_is_kept(pods: Pods) -> None:
    status = await pods.exited(await pods.start(await pods.run(), "sh", "-c", "exit 3"))
    assert (status.exit_code, status.reason) == (3, "Error")


async def test_a_container_is_stopped_by_sigterm(cri: CriClient, pods: Pods) -> None:
    sandbox_id = await pods.run()
    container_id = await pods.start(sandbox_id, "sh", "-c", "trap 'exit 5' TERM; echo ready; sleep 1000 & wait")
    await pods.logged(sandbox_id, "ready")
    assert await stop(cri, container_id, 30) < 5
    assert (await pods.status(container_id)).exit_code == 5


async def test_a_deaf_container_is_killed_after_its_grace(cri: CriClient, pods: Pods) -> None:
    container_id = await pods.start(await pods.run(), *DEAF)
    assert 1 <= await stop(cri, container_id, 1) < 5
    assert (await pods.status(container_id)).exit_code == 137


async def test_no_grace_kills_at_once(cri: CriClient, pods: Pods) -> None:
    container_id = await pods.start(await pods.run(), *DEAF)
    assert await stop(cri, container_id, 0) < 1
    assert (await pods.status(container_id)).exit_code == 137


async def test_stop_and_remove_may_be_repeated(cri: CriClient, pods: Pods) -> None:
    container_id = await pods.start(await pods.run())
    for _ in range(2):
        await stop(cri, container_id, 5)
    for _ in range(2):
        await cri.remove_container(pb.RemoveContainerRequest(container_id=container_id))
    with pytest.raises(NotFound):
        await pods.status(container_id)


async def test_a_running_container_can_be_removed(cri: CriClient, pods: Pods) -> None:
    container_id = await pods.start(await pods.run())
    await cri.remove_container(pb.RemoveContainerRequest(container_id=container_id))
    with pytest.raises(NotFound):
        await pods.status(container_id)


async def test_stopping_an_unknown_container_is_success_or_not_found(cri: CriClient) -> None:
    with suppress(NotFound):
        await stop(cri, UNKNOWN, 0)


@pytest.mark.parametrize("call", ["container_status", "start_container", "reopen_container_log", "exec_sync"])
async def test_an_unknown_container_is_not_found(cri: CriClient, call: str) -> None:
    requests = {
        "container_status": pb.ContainerStatusRequest(container_id=UNKNOWN),
        "start_container": pb.StartContainerRequest(container_id=UNKNOWN),
        "reopen_container_log": pb.ReopenContainerLogRequest(container_id=UNKNOWN),
        "exec_sync": pb.ExecSyncRequest(container_id=UNKNOWN, cmd=["true"]),
    }
    with pytest.raises(NotFound):
        await getattr(cri, call)(requests[call])


async def test_a_container_cannot_be_started_twice(cri: CriClient, pods: Pods) -> None:
    container_id = await pods.start(await pods.run())
    with pytest.raises(RuntimeFailure):
        await cri.start_container(pb.StartContainerRequest(container_id=container_id))
    assert (await pods.status(container_id)).state == pb.CONTAINER_RUNNING


async def test_a_program_that_is_missing_fails_the_start_and_is_not_mistaken_for_a_missing_container(
    cri: CriClient, pods: Pods
) -> None:
    container_id = await pods.create(await pods.run(), "/no/such/program")
    with pytest.raises(RuntimeFailure) as caught:
        await cri.start_container(pb.StartContainerRequest(container_id=container_id))
    assert "/no/such/program" in caught.value.detail
    status = await pods.status(container_id)
    assert (status.state, status.exit_code, status.reason) == (pb.CONTAINER_EXITED, 128, "StartError")


async def test_creating_needs_a_sandbox_and_an_image(cri: CriClient, pods: Pods) -> None:
    sandbox_id = await pods.run()
    with pytest.raises(NotFound):
        await pods.create(sandbox_id, image="kubenode.test/absent:1")
    pods.configs[UNKNOWN] = pods.configs[sandbox_id]
    try:
        with pytest.raises(ClientError):
            await pods.create(UNKNOWN)
    finally:
        del pods.configs[UNKNOWN]


async def test_a_name_and_attempt_is_taken_until_the_container_is_removed(cri: CriClient, pods: Pods) -> None:
    sandbox_id = await pods.run()
    first = await pods.create(sandbox_id)
    with pytest.raises(AlreadyExists):
        await pods.create(sandbox_id)
    second = await pods.create(sandbox_id, attempt=1)
    assert (await pods.status(second)).metadata.attempt == 1
    await cri.remove_container(pb.RemoveContainerRequest(container_id=first))
    await pods.create(sandbox_id)


async def test_lists_can_be_filtered(cri: CriClient, pods: Pods) -> None:
    here, there = await pods.run(pods.config("here")), await pods.run(pods.config("there"))
    created = await pods.create(here, labels={"app": "x", "side": "here"})
    running = await pods.start(there)

    async def listed(asked: pb.ContainerFilter) -> set[str]:
        return {item.id for item in (await cri.list_containers(pb.ListContainersRequest(filter=asked))).containers}

    up = await listed(pb.ContainerFilter(state=pb.ContainerStateValue(state=pb.CONTAINER_RUNNING)))
    assert await listed(pb.ContainerFilter()) >= {created, running}
    assert await listed(pb.ContainerFilter(id=running)) == {running}
    assert await listed(pb.ContainerFilter(id=UNKNOWN)) == set()
    assert await listed(pb.ContainerFilter(pod_sandbox_id=here)) == {created}
    assert await listed(pb.ContainerFilter(label_selector={"app": "x"})) >= {created}
    assert await listed(pb.ContainerFilter(label_selector={"app": "x", "side": "there"})) == set()
    assert up & {created, running} == {running}


async def test_a_listed_container_says_what_its_status_says(cri: CriClient, pods: Pods) -> None:
    sandbox_id = await pods.run()
    container_id = await pods.create(sandbox_id, labels={"a": "b"}, annotations={"c": "d"})
    status = await pods.status(container_id)
    asked = pb.ListContainersRequest(filter=pb.ContainerFilter(id=container_id))
    (item,) = (await cri.list_containers(asked)).containers
    assert item.pod_sandbox_id == sandbox_id
    assert (item.metadata, item.state, item.created_at) == (status.metadata, status.state, status.created_at)
    assert (item.labels, item.annotations) == (status.labels, status.annotations)
    assert item.image.image == BUSYBOX


async def test_stats_count_what_a_container_uses(cri: CriClient, pods: Pods) -> None:
    container_id = await pods.start(await pods.run())
    stats = (await cri.container_stats(pb.ContainerStatsRequest(container_id=container_id))).stats
    assert stats.attributes.id == container_id
    assert stats.attributes.metadata.name == "app"
    assert stats.memory.working_set_bytes.value > 0
    asked = pb.ListContainerStatsRequest(filter=pb.ContainerStatsFilter(id=container_id))
    (listed,) = (await cri.list_container_stats(asked)).stats
    assert listed.attributes.id == container_id
