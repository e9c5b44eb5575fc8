"""The images that a node holds, with who uses them, and what registries say of their tags."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kubenode.clients.containerd import PINNED, PINNED_VALUE, ContainerdClient
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.held_images import HeldImage, Remote, WantedImage
from kubenode.model.image_reference import parse
from kubenode.model.names import PodKey
from kubenode.plan.held_images import complete

SIDE_BY_SIDE = 8


async def held_images(cri: CriClient, containerd: ContainerdClient | None = None) -> tuple[HeldImage, ...]:
    """All of them: three calls, and one more with `containerd`, which tells of pins that its older CRI does not.

    Raises ClientError.
    """
    images, containers, sandboxes, pinned = await asyncio.gather(
        cri.list_images(), cri.list_containers(), cri.list_pod_sandbox(), _pinned(containerd)
    )
    pods = {one.id: str(PodKey(one.metadata.namespace, one.metadata.name)) for one in sandboxes.items}
    users = _users(containers.containers, pods)
    return tuple(_held(image, users, pinned) for image in images.images)


async def remote(wanted: WantedImage, directory: Path) -> Remote:
    """What the image's registry says of its tag; what keeps it from saying is an answer too."""
    # HTTP takes as long to import as all the rest, and is seldom needed.
    from kubenode.observe.registry import remote_digest
    from kubenode.observe.registry_hosts import registry_hosts

    image = parse(wanted.reference)
    try:
        hosts = await asyncio.to_thread(registry_hosts, image, directory)
        return Remote(digest=await remote_digest(image, hosts, wanted.auths))
    except (ClientError, OSError) as error:
        return Remote(problem=str(error))


async def remotes(wanted: Sequence[WantedImage], directory: Path) -> dict[str, Remote]:
    """By reference; a few registries are asked at once."""
    slots = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(image: WantedImage) -> Remote:
        async with slots:
            return await remote(image, directory)

    answers = await asyncio.gather(*(one(image) for image in wanted))
    return dict(zip((image.reference for image in wanted), answers, strict=True))


async def _pinned(containerd: ContainerdClient | None) -> frozenset[str]:
    """The names that are pinned."""
    if containerd is None:
        return frozenset()
    listed = (await containerd.list_images()).images
    return frozenset(complete(image.name) for image in listed if image.labels.get(PINNED) == PINNED_VALUE)


def _users(containers: Iterable[pb.Container], pods: Mapping[str, str]) -> Mapping[str, list[str]]:
    """Containers by what they call their image: its ID, a digest or a name, as runtimes differ."""
    found: dict[str, list[str]] = {}
    for container in containers:
        pod = pods.get(container.pod_sandbox_id, container.pod_sandbox_id[:13])
        # What it was asked for by may be a tag that has moved on.
        for name in {container.image_ref, container.image_id} - {""} or {container.image.image}:
            found.setdefault(complete(name), []).append(f"{pod}/{container.metadata.name}")
    return found


def _held(image: pb.Image, users: Mapping[str, list[str]], pinned: frozenset[str]) -> HeldImage:
    called = [image.id, *map(complete, (*image.repo_tags, *image.repo_digests))]
    return HeldImage(
        id=image.id,
        tags=tuple(image.repo_tags),
        digests=tuple(image.repo_digests),
        size=image.size,
        pinned=image.pinned or not pinned.isdisjoint(called),
        user=str(image.uid.value) if image.HasField("uid") else image.username,
        used_by=tuple(sorted({user for name in called for user in users.get(name, ())})),
    )
