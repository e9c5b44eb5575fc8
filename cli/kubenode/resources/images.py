"""What the resources for images have in common: the ways to a node's images, and how they are told of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from kubenode.clients.containerd import ContainerdClient
from kubenode.clients.cri import CriClient
from kubenode.model.held_images import HeldImage
from kubenode.observe.held_images import held_images
from kubenode.resources.options import CriOptions, open_runtime

CONTAINERD = "containerd"


@dataclass(frozen=True, slots=True)
class Node:
    """A runtime, by its own name, and its own store of names where that is known."""

    cri: CriClient
    runtime: str
    containerd: ContainerdClient | None

    async def images(self) -> tuple[HeldImage, ...]:
        """Raises ClientError."""
        return await held_images(self.cri, self.containerd)


@asynccontextmanager
async def open_images(options: CriOptions) -> AsyncIterator[Node]:
    """Raises ClientError."""
    async with AsyncExitStack() as stack:
        cri = await stack.enter_async_context(open_runtime(options))
        runtime = (await cri.version()).runtime_name
        containerd = None
        if runtime == CONTAINERD:
            endpoint = options.image_endpoint or cri.endpoint
            containerd = ContainerdClient(endpoint, request_timeout=options.timeout)
            await stack.enter_async_context(containerd)
        yield Node(cri, runtime, containerd)


def described(image: HeldImage) -> dict[str, object]:
    """As modules return it."""
    return {
        "id": image.id,
        "tags": image.tags,
        "digests": image.digests,
        "size": image.size,
        "pinned": image.pinned,
        "user": image.user,
        "used_by": image.used_by,
    }
