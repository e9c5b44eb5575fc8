"""One at a time: whoever adds, deletes or collects holds a lock file. The kernel frees it when its holder dies."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kubenode.clients import errors
from kubenode.clients.disk import make_private_directory

_PAUSE = 0.05  # seconds


@asynccontextmanager
async def held(path: Path, *, operation: str, within: float) -> AsyncIterator[int]:
    """The file's descriptor; a process that inherits it holds the lock too, until it ends.

    Raises Aborted when another still holds it after `within` seconds, PermissionDenied when it cannot be opened.
    """
    try:
        make_private_directory(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise errors.PermissionDenied(
            endpoint=str(path), operation=operation, detail=error.strerror or str(error)
        ) from None
    try:
        await _take(handle, path, operation, within)
        yield handle
    finally:
        os.close(handle)


async def _take(handle: int, path: Path, operation: str, within: float) -> None:
    # A flock that waits cannot be cancelled, so it is tried.
    try:
        async with asyncio.timeout(within):
            while True:
                if _try_lock(handle):
                    return
                await asyncio.sleep(_PAUSE)
    except TimeoutError:
        detail = f"another one holds {path} for more than {within:g} s"
        remedy = "Wait for the other one, or find it with: fuser " + str(path)
        raise errors.Aborted(endpoint=str(path), operation=operation, detail=detail, remedy=remedy) from None


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
