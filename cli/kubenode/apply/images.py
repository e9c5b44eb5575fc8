"""Pulling images: a bounded number at once, and each image once, however many pods wait for it."""

from __future__ import annotations

import asyncio

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import Cancelled, ClientError, DeadlineExceeded, Unavailable
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.specs import RegistryAuth

# Other credentials do not help against these.
_HOPELESS = (Unavailable, DeadlineExceeded, Cancelled)
_Wanted = tuple[str, tuple[RegistryAuth, ...]]


class ImagePuller:
    """Pulls go on while at least one pod waits for them."""

    def __init__(self, cri: CriClient, parallel: int) -> None:
        self._cri = cri
        self._slots = asyncio.Semaphore(parallel)
        self._pulls: dict[_Wanted, tuple[asyncio.Task[None], int]] = {}

    async def pull(self, image: str, auths: tuple[RegistryAuth, ...] = ()) -> None:
        """Returns when the image is here. Each of `auths` is tried, then none. Raises ClientError."""
        wanted = (image, auths)
        task, waiting = self._pulls.get(wanted, (None, 0))
        if task is None or task.done():
            task, waiting = asyncio.create_task(self._pull(image, auths), name=f"pull {image}"), 0
        self._pulls[wanted] = (task, waiting + 1)
        try:
            await asyncio.shield(task)
        finally:
            self._leave(wanted, task)

    def _leave(self, wanted: _Wanted, task: asyncio.Task[None]) -> None:
        current, waiting = self._pulls.get(wanted, (task, 1))
        if current is not task:
            return
        if waiting > 1:
            self._pulls[wanted] = (task, waiting - 1)
            return
        self._pulls.pop(wanted, None)
        task.cancel()

    async def _pull(self, image: str, auths: tuple[RegistryAuth, ...]) -> None:
        """The first failure is told: that of the credentials that fit best."""
        failure: ClientError | None = None
        async with self._slots:
            for auth in (*auths, None):
                try:
                    await self._cri.pull_image(_request(image, auth))
                except _HOPELESS:
                    raise
                except ClientError as error:
                    failure = failure or error
                else:
                    return
        if failure is not None:
            raise failure


def _request(image: str, auth: RegistryAuth | None) -> pb.PullImageRequest:
    request = pb.PullImageRequest(image=pb.ImageSpec(image=image, user_specified_image=image))
    if auth is not None:
        request.auth.username, request.auth.password = auth.username, auth.password
        request.auth.auth, request.auth.identity_token = auth.auth, auth.identity_token
    return request
