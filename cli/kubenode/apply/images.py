"""Pulling images: a bounded number at once, and each image once, however many pods wait for it."""

from __future__ import annotations

import asyncio

from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb


class ImagePuller:
    """Pulls go on while at least one pod waits for them."""

    def __init__(self, cri: CriClient, parallel: int) -> None:
        self._cri = cri
        self._slots = asyncio.Semaphore(parallel)
        self._pulls: dict[str, tuple[asyncio.Task[None], int]] = {}

    async def pull(self, image: str) -> None:
        """Returns when the image is here. Raises ClientError."""
        task, waiting = self._pulls.get(image, (None, 0))
        if task is None or task.done():
            task, waiting = asyncio.create_task(self._pull(image), name=f"pull {image}"), 0
        self._pulls[image] = (task, waiting + 1)
        try:
            await asyncio.shield(task)
        finally:
            self._leave(image, task)

    def _leave(self, image: str, task: asyncio.Task[None]) -> None:
        current, waiting = self._pulls.get(image, (task, 1))
        if current is not task:
            return
        if waiting > 1:
            self._pulls[image] = (task, waiting - 1)
            return
        self._pulls.pop(image, None)
        task.cancel()

    async def _pull(self, image: str) -> None:
        async with self._slots:
            await self._cri.pull_image(pb.PullImageRequest(image=pb.ImageSpec(image=image, user_specified_image=image)))
