"""All that a runtime holds, with what is needed to tell garbage from the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import msgspec

from kubenode.clients.containerd import ContainerdClient
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import NotFound
from kubenode.clients.stubs import containerd_images_pb2 as containerd_pb
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from kubenode.model.names import PodKey
from kubenode.model.prune import Inventory, PruneContainer, PruneSandbox
from kubenode.observe.held_images import held_images
from kubenode.plan.held_images import complete

NANOSECONDS = 1e9
SIDE_BY_SIDE = 16
OVER = (pb.CONTAINER_EXITED, pb.CONTAINER_UNKNOWN)


class _Configuration(msgspec.Struct):
    """What of containerd's own configuration matters; 2.x pins the image instead."""

    sandbox_image: str = msgspec.field(default="", name="sandboxImage")


async def inventory(cri: CriClient, containerd: ContainerdClient | None) -> Inventory:
    """Raises ClientError. Containers are asked for before images: what is made meanwhile is not taken for unused."""
    sandboxes = (await cri.list_pod_sandbox()).items
    listed = (await cri.list_containers()).containers
    statuses, needed = await asyncio.gather(_statuses(cri, listed), _needed(cri))
    images = await held_images(cri, containerd)
    times = {complete(one.name): one.updated_at.ToSeconds() for one in await _records(containerd)}
    return Inventory(
        # Runtimes list in no order.
        sandboxes=tuple(sorted(map(_sandbox, sandboxes), key=lambda one: (one.created_at, one.id))),
        containers=tuple(sorted(filter(None, statuses), key=lambda one: (one.created_at, one.id))),
        images=tuple(sorted(images, key=lambda one: (one.name, one.id))),
        image_times={
            image.id: max(times[name] for name in known)
            for image in images
            if (known := times.keys() & {image.id, *map(complete, image.names)})
        },
        needed_images=needed,
    )


async def _records(containerd: ContainerdClient | None) -> Iterable[containerd_pb.Image]:
    return () if containerd is None else (await containerd.list_images()).images


async def _statuses(cri: CriClient, listed: Iterable[pb.Container]) -> list[PruneContainer | None]:
    slots = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(container: pb.Container) -> PruneContainer | None:
        """None when it went away meanwhile."""
        if container.state not in OVER:
            return _container(container, None)
        try:
            async with slots:
                answer = await cri.container_status(pb.ContainerStatusRequest(container_id=container.id))
        except NotFound:
            return None
        return await asyncio.to_thread(_container, container, answer.status)

    return list(await asyncio.gather(*(one(container) for container in listed)))


def _container(listed: pb.Container, status: pb.ContainerStatus | None) -> PruneContainer:
    """Without a status it may still run."""
    ended = log_path = None
    if status is not None and status.state in OVER:
        ended = (status.finished_at or status.created_at) / NANOSECONDS
        log_path = status.log_path
    return PruneContainer(
        id=listed.id,
        name=listed.metadata.name,
        sandbox_id=listed.pod_sandbox_id,
        created_at=listed.created_at / NANOSECONDS,
        ended_at=ended,
        log_path=log_path or "",
        log_bytes=_log_bytes(log_path or ""),
        image=complete(listed.image_id or listed.image_ref or listed.image.image),
    )


def _log_bytes(path: str) -> int:
    """Of the log with all its rotated parts."""
    log = Path(path)
    parts = [log, *log.parent.glob(f"{log.name}.*")] if path else []
    return sum(part.lstat().st_size for part in parts if part.exists())


def _sandbox(listed: pb.PodSandbox) -> PruneSandbox:
    return PruneSandbox(
        id=listed.id,
        key=PodKey(listed.metadata.namespace, listed.metadata.name),
        uid=listed.metadata.uid,
        ready=listed.state == pb.SANDBOX_READY,
        created_at=listed.created_at / NANOSECONDS,
        kept=names.CONFIG_SOURCE in listed.annotations,
        labels=dict(listed.labels),
    )


async def _needed(cri: CriClient) -> frozenset[str]:
    """The sandbox image, which older runtimes do not pin."""
    told = (await cri.status(pb.StatusRequest(verbose=True))).info.get("config", "")
    try:
        image = msgspec.json.decode(told, type=_Configuration).sandbox_image
    except msgspec.DecodeError:
        image = ""
    return frozenset({complete(image)} if image else ())
