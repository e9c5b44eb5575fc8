"""Sandboxes: what a runtime must do with them."""

import time
from contextlib import suppress

import pytest

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import AlreadyExists, NotFound
from kubenode.clients.stubs import cri_pb2 as pb
from support.pods import Pods

UNKNOWN = "0" * 64


async def test_a_sandbox_is_ready_once_run(pods: Pods) -> None:
    before = time.time_ns()
    config = pods.config("web", labels={"app": "web"}, annotations={"note": "über alles"})
    status = await pods.sandbox_status(await pods.run(config))
    assert status.state == pb.SANDBOX_READY
    assert status.metadata == config.metadata
    assert status.labels == {"app": "web"}
    assert status.annotations == {"note": "über alles"}
    assert before <= status.created_at <= time.time_ns()
    assert status.network.ip


async def test_a_stopped_sandbox_stays_listed_and_not_ready(cri: CriClient, pods: Pods) -> None:
    sandbox_id = await pods.run()
    await cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=sandbox_id))
    assert (await pods.sandbox_status(sandbox_id)).state == pb.SANDBOX_NOTREADY
    listed = await cri.list_pod_sandbox()
    assert [item.state for item in listed.items if item.id == sandbox_id] == [pb.SANDBOX_NOTREADY]


async def test_stopping_a_sandbox_ends_its_containers(cri: CriClient, pods: Pods) -> None:
    sandbox_id = await pods.run()
    container_id = await pods.start(sandbox_id)
    await cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=sandbox_id))
    status = await pods.status(container_id)
    assert status.state == pb.CONTAINER_EXITED
    assert status.exit_code == 137


async def test_removing_a_running_sandbox_takes_all_along(cri: CriClient, pods: Pods) -> None:
    sandbox_id = await pods.run()
    container_id = await pods.start(sandbox_id)
    await cri.remove_pod_sandbox(pb.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id))
    with pytest.raises(NotFound):
        await pods.sandbox_status(sandbox_id)
    with pytest.raises(NotFound):
        await pods.status(container_id)


async def test_stop_and_remove_may_be_repeated(cri: CriClient, pods: Pods) -> None:
    sandbox_id = await pods.run()
    for _ in range(2):
        await cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=sandbox_id))
    for _ in range(2):
        await cri.remove_pod_sandbox(pb.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id))


async def test_stopping_an_unknown_sandbox_is_success_or_not_found(cri: CriClient) -> None:
    with suppress(NotFound):
        await cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=UNKNOWN))


async def test_the_status_of_an_unknown_sandbox_is_not_found(cri: CriClient) -> None:
    with pytest.raises(NotFound) as caught:
        await cri.pod_sandbox_status(pb.PodSandboxStatusRequest(pod_sandbox_id=UNKNOWN))
    assert str(caught.value).startswith(f"PodSandboxStatus of sandbox {UNKNOWN[:13]} failed at unix://")


async def test_a_name_is_taken_until_its_sandbox_is_removed(cri: CriClient, pods: Pods) -> None:
    config = pods.config()
    sandbox_id = await pods.run(config)
    with pytest.raises(AlreadyExists):
        await pods.run(config)
    await cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=sandbox_id))
    with pytest.raises(AlreadyExists):
        await pods.run(config)
    await cri.remove_pod_sandbox(pb.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id))
    assert await pods.run(config) != sandbox_id


async def test_the_next_attempt_of_the_same_pod_has_a_name_of_its_own(pods: Pods) -> None:
    config = pods.config()
    first = await pods.run(config)
    again = pb.PodSandboxConfig()
    again.CopyFrom(config)
    again.metadata.attempt = 1
    second = await pods.run(again)
    assert first != second
    assert (await pods.sandbox_status(second)).metadata.attempt == 1


async def test_lists_can_be_filtered(cri: CriClient, pods: Pods) -> None:
    web = await pods.run(pods.config("web", labels={"app": "web", "tier": "front"}))
    data = await pods.run(pods.config("data", labels={"app": "data"}))
    await cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=data))

    async def listed(asked: pb.PodSandboxFilter) -> set[str]:
        items = (await cri.list_pod_sandbox(pb.ListPodSandboxRequest(filter=asked))).items
        return {item.id for item in items} & {web, data}

    assert await listed(pb.PodSandboxFilter()) == {web, data}
    assert await listed(pb.PodSandboxFilter(id=web)) == {web}
    assert await listed(pb.PodSandboxFilter(id=UNKNOWN)) == set()
    assert await listed(pb.PodSandboxFilter(label_selector={"app": "web"})) == {web}
    assert await listed(pb.PodSandboxFilter(label_selector={"app": "data", "tier": "front"})) == set()
    assert await listed(pb.PodSandboxFilter(state=pb.PodSandboxStateValue(state=pb.SANDBOX_NOTREADY))) == {data}


async def test_a_pod_in_the_nodes_network_has_no_address(pods: Pods) -> None:
    status = await pods.sandbox_status(await pods.run(pods.config(host_network=True)))
    assert status.network.ip == ""
    assert status.linux.namespaces.options.network == pb.NODE
