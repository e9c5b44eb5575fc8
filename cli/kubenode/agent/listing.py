"""What the runtime holds, as a list."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from kubenode.agent.looking import runtime
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import NotFound
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from kubenode.model.listing import ListedContainer, ListedPod, Listing
from kubenode.model.names import PodKey
from kubenode.model.observed import State, addresses
from kubenode.model.settings import Settings
from kubenode.observe.runtime import NANOSECONDS, STATES

# A node may have hundreds of pods; the runtime has others to answer, too.
CALLS_AT_ONCE = 16


async def list_all(settings: Settings) -> Listing:
    """Two calls, and one more for the addresses of each pod that is ready. Raises ClientError."""
    async with runtime(settings) as cri:
        return await listing(cri)


async def listing(cri: CriClient) -> Listing:
    sandboxes = (await cri.list_pod_sandbox(pb.ListPodSandboxRequest())).items
    containers = (await cri.list_containers(pb.ListContainersRequest())).containers
    newest: dict[PodKey, pb.PodSandbox] = {}
    for sandbox in sorted(sandboxes, key=lambda one: (one.state == pb.SANDBOX_READY, one.created_at)):
        newest[PodKey(sandbox.metadata.namespace, sandbox.metadata.name)] = sandbox
    members = _members(sandboxes, containers)
    room = asyncio.Semaphore(CALLS_AT_ONCE)
    ips = await asyncio.gather(*(_addresses(cri, sandbox, room) for sandbox in newest.values()))
    pods = [
        _pod(sandbox, found, members.get(sandbox.metadata.uid, {}).values())
        for sandbox, found in zip(newest.values(), ips, strict=True)
        if found is not None
    ]
    return Listing(endpoint=cri.endpoint, pods=tuple(sorted(pods, key=lambda pod: (pod.namespace, pod.name))))


def _members(
    sandboxes: Iterable[pb.PodSandbox], containers: Iterable[pb.Container]
) -> Mapping[str, Mapping[str, pb.Container]]:
    """By the pod's UID and the container's name: a pod keeps its containers when it gets a new sandbox."""
    uids = {sandbox.id: sandbox.metadata.uid for sandbox in sandboxes}
    members: dict[str, dict[str, pb.Container]] = {}
    for container in sorted(containers, key=lambda one: (one.created_at, one.metadata.attempt)):
        uid = uids.get(container.pod_sandbox_id)
        if uid is not None:
            members.setdefault(uid, {})[_name(container)] = container
    return members


async def _addresses(cri: CriClient, sandbox: pb.PodSandbox, room: asyncio.Semaphore) -> tuple[str, ...] | None:
    """None for one that went away meanwhile."""
    if sandbox.state != pb.SANDBOX_READY:
        return ()
    try:
        async with room:
            answer = await cri.pod_sandbox_status(pb.PodSandboxStatusRequest(pod_sandbox_id=sandbox.id))
    except NotFound:
        return None
    network = answer.status.network
    return addresses(network.ip, (more.ip for more in network.additional_ips))


def _pod(sandbox: pb.PodSandbox, ips: tuple[str, ...], containers: Iterable[pb.Container]) -> ListedPod:
    return ListedPod(
        namespace=sandbox.metadata.namespace,
        name=sandbox.metadata.name,
        uid=sandbox.metadata.uid,
        id=sandbox.id,
        attempt=sandbox.metadata.attempt,
        state="ready" if sandbox.state == pb.SANDBOX_READY else "notready",
        created_at=sandbox.created_at / NANOSECONDS,
        runtime_handler=sandbox.runtime_handler,
        ips=ips,
        labels=dict(sandbox.labels),
        annotations=dict(sandbox.annotations),
        containers=tuple(map(_container, sorted(containers, key=lambda one: one.created_at))),
    )


def _container(listed: pb.Container) -> ListedContainer:
    return ListedContainer(
        id=listed.id,
        name=_name(listed),
        attempt=listed.metadata.attempt,
        state=STATES.get(listed.state, State.UNKNOWN).value,
        image=listed.image.user_specified_image or listed.image.image,
        image_ref=listed.image_ref,
        created_at=listed.created_at / NANOSECONDS,
        labels=dict(listed.labels),
        annotations=dict(listed.annotations),
    )


def _name(listed: pb.Container) -> str:
    return listed.labels.get(names.CONTAINER_NAME, "") or listed.metadata.name
