"""Pods as the runtime holds them: who is there, and everything about one of them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Mapping

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import NotFound
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from kubenode.model.names import PodKey
from kubenode.model.observed import (
    ImageFact,
    ObservedContainer,
    ObservedPod,
    Sandbox,
    Signature,
    State,
    addresses,
)
from kubenode.model.specs import LinuxResources
from kubenode.model.static_pod import SourceKind
from kubenode.observe import termination
from kubenode.plan.hooks import hook_from_text

NANOSECONDS = 1e9
STATES = {
    pb.CONTAINER_CREATED: State.CREATED,
    pb.CONTAINER_RUNNING: State.RUNNING,
    pb.CONTAINER_EXITED: State.EXITED,
    pb.CONTAINER_UNKNOWN: State.UNKNOWN,
}
EMPTY: Mapping[str, str] = {}
OUR_SOURCES = frozenset(kind.value for kind in SourceKind)


class RuntimeObserver:
    """Reads the runtime. What cannot change any more is remembered until it leaves the lists."""

    def __init__(self, cri: CriClient) -> None:
        self._cri = cri
        self._ended: dict[str, ObservedContainer] = {}

    async def signatures(self) -> dict[PodKey, Signature]:
        """Every pod of ours in the runtime with its signature: two calls, whatever the number of pods."""
        sandboxes, containers = await self._lists({})
        ours = {sandbox.id: _key(sandbox.metadata) for sandbox in sandboxes if is_ours(sandbox)}
        members: dict[PodKey, set[tuple[str, int]]] = {}
        for sandbox in sandboxes:
            if sandbox.id in ours:
                members.setdefault(ours[sandbox.id], set()).add((sandbox.id, sandbox.state))
        for container in containers:
            if container.pod_sandbox_id in ours:
                members[ours[container.pod_sandbox_id]].add((container.id, container.state))
        self._forget({container.id for container in containers})
        return {key: frozenset(member) for key, member in members.items()}

    async def pod(self, key: PodKey, uid: str = "", images: Mapping[str, str] = EMPTY) -> ObservedPod:
        """All that is there under the key. Raises ClientError.

        images: container hash to image; an image is looked up unless a container of that hash runs for the UID.
        """
        labels = {names.POD_NAME: key.name, names.POD_NAMESPACE: key.namespace}
        sandboxes, containers = await self._lists(labels)
        mine = [sandbox for sandbox in sandboxes if is_ours(sandbox)]
        ids = {sandbox.id for sandbox in mine}
        members = [item for item in containers if item.pod_sandbox_id in ids]
        running = {
            item.annotations.get(names.CONTAINER_HASH)
            for item in containers
            if item.state == pb.CONTAINER_RUNNING and item.labels.get(names.POD_UID) == uid
        }
        missing = [image for hashed, image in images.items() if hashed not in running]
        seen_sandboxes, seen_containers, facts = await asyncio.gather(
            asyncio.gather(*(self._sandbox(sandbox) for sandbox in mine)),
            asyncio.gather(*(self._container(item) for item in members)),
            self._images(missing),
        )
        return ObservedPod(
            key,
            tuple(sorted(filter(None, seen_sandboxes), key=lambda s: (s.created_at, s.attempt), reverse=True)),
            tuple(sorted(filter(None, seen_containers), key=lambda c: (c.created_at, c.attempt), reverse=True)),
            facts,
            signature=frozenset((one.id, int(one.state)) for one in mine)
            | frozenset((one.id, int(one.state)) for one in members),
        )

    async def _images(self, images: Iterable[str]) -> Mapping[str, ImageFact | None]:
        """What is known of each image; None for one that is not here."""
        wanted = list(dict.fromkeys(images))
        found = await asyncio.gather(*(self._image(image) for image in wanted))
        return dict(zip(wanted, found, strict=True))

    async def _image(self, image: str) -> ImageFact | None:
        answer = await self._cri.image_status(pb.ImageStatusRequest(image=pb.ImageSpec(image=image)))
        if not answer.image.id:
            return None
        uid = answer.image.uid.value if answer.image.HasField("uid") else None
        return ImageFact(answer.image.id, uid, answer.image.username)

    async def _lists(self, labels: Mapping[str, str]) -> tuple[list[pb.PodSandbox], list[pb.Container]]:
        """Containers are asked for after sandboxes, so that a container's sandbox is never missing for being new."""
        pods = await self._cri.list_pod_sandbox(
            pb.ListPodSandboxRequest(filter=pb.PodSandboxFilter(label_selector=labels))
        )
        answer = await self._cri.list_containers(
            pb.ListContainersRequest(filter=pb.ContainerFilter(label_selector=labels))
        )
        return list(pods.items), list(answer.containers)

    async def _sandbox(self, listed: pb.PodSandbox) -> Sandbox | None:
        """None when it went away meanwhile. Only a ready sandbox has an address worth a call."""
        ips: tuple[str, ...] = ()
        ready = listed.state == pb.SANDBOX_READY
        if ready:
            try:
                answer = await self._cri.pod_sandbox_status(pb.PodSandboxStatusRequest(pod_sandbox_id=listed.id))
            except NotFound:
                return None
            ready = answer.status.state == pb.SANDBOX_READY
            network = answer.status.network
            ips = addresses(network.ip, (more.ip for more in network.additional_ips))
        return Sandbox(
            id=listed.id,
            uid=listed.metadata.uid,
            attempt=listed.metadata.attempt,
            ready=ready,
            created_at=listed.created_at / NANOSECONDS,
            ips=ips,
            log_directory=listed.annotations.get(names.LOG_DIRECTORY, ""),
            cgroup_parent=listed.annotations.get(names.CGROUP_PARENT, ""),
            pod_started_at=float(_number(listed.annotations.get(names.POD_STARTED, ""), 0)),
        )

    async def _container(self, listed: pb.Container) -> ObservedContainer | None:
        """None when it went away meanwhile."""
        if listed.id in self._ended:
            return self._ended[listed.id]
        try:
            answer = await self._cri.container_status(pb.ContainerStatusRequest(container_id=listed.id))
        except NotFound:
            return None
        seen = observed_container(listed, answer.status)
        if answer.status.state == pb.CONTAINER_EXITED:
            message = await asyncio.to_thread(termination.message, answer.status)
            seen = self._ended[listed.id] = dataclasses.replace(seen, message=message or seen.message)
        return seen

    def _forget(self, listed: set[str]) -> None:
        for gone in self._ended.keys() - listed:
            del self._ended[gone]


def is_ours(sandbox: pb.PodSandbox) -> bool:
    """Whether an agent made it from a file or URL. Pods of other hands (crictl, an API server's) are not touched."""
    return sandbox.annotations.get(names.CONFIG_SOURCE, "") in OUR_SOURCES and names.POD_UID in sandbox.labels


def _key(metadata: pb.PodSandboxMetadata) -> PodKey:
    return PodKey(metadata.namespace, metadata.name)


def observed_container(
    listed: pb.Container, status: pb.ContainerStatus, resources: LinuxResources | None = None
) -> ObservedContainer:
    """What lists and status tell of a container; `resources` where they were looked up."""
    annotations = listed.annotations
    backoff = annotations.get(names.RESTART_BACKOFF)
    return ObservedContainer(
        id=listed.id,
        sandbox_id=listed.pod_sandbox_id,
        uid=listed.labels.get(names.POD_UID, ""),
        name=listed.labels.get(names.CONTAINER_NAME, "") or listed.metadata.name,
        attempt=listed.metadata.attempt,
        state=STATES.get(status.state, State.UNKNOWN),
        created_at=status.created_at / NANOSECONDS,
        hash=annotations.get(names.CONTAINER_HASH, ""),
        started_at=status.started_at / NANOSECONDS,
        finished_at=status.finished_at / NANOSECONDS,
        exit_code=status.exit_code,
        reason=status.reason,
        message=status.message,
        image=listed.image.image or status.image.image,
        image_id=status.image_ref or listed.image_ref,
        restart_count=_number(annotations.get(names.RESTART_COUNT, ""), listed.metadata.attempt),
        backoff_seconds=None if backoff is None else float(_number(backoff, 0)),
        grace_seconds=_number(annotations.get(names.GRACE_PERIOD, ""), 30),
        log_path=status.log_path,
        pre_stop=hook_from_text(annotations.get(names.PRE_STOP, "")),
        stop_order=_number(annotations.get(names.STOP_ORDER, ""), 0),
        resources=resources,
    )


def _number(text: str, otherwise: int) -> int:
    """Annotations can be edited by other tools; a spoilt one must not stop the node."""
    try:
        return int(float(text))
    except ValueError:
        return otherwise
