"""A directory of manifests: which files count, what is in them, and when that changes.

It is watched with inotify, and read again now and then for what inotify does not tell: a link's target, a lost event.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from watchfiles import awatch

from kubenode.sources.manifest import MAX_BYTES

log = logging.getLogger(__name__)

T = TypeVar("T")

# What editors and package managers leave beside a file. The kubelet would run these as second pods.
BACKUP_SUFFIXES = (
    *("~", ".bak", ".old", ".orig", ".save", ".swp", ".tmp"),
    *(".rpmnew", ".rpmsave", ".dpkg-old", ".dpkg-dist", ".dpkg-new"),
)
WATCH_STEP_MS, WATCH_DEBOUNCE_MS = 50, 400


class Stamp(NamedTuple):
    """Equal for a file that was not touched, also not in who may read it. `mode`: type and permissions."""

    inode: int
    size: int
    modified_ns: int
    mode: int
    owner: int


def manifests(directory: Path) -> list[Path]:
    """Its files that do not start with a dot, sorted; links count as what they point to, a dangling one as unreadable.

    Raises OSError.
    """
    return sorted(path for path in directory.iterdir() if not path.name.startswith(".") and not path.is_dir())


def is_backup(path: Path) -> bool:
    return path.name.endswith(BACKUP_SUFFIXES)


def stamp_of(path: Path) -> Stamp:
    """Raises OSError."""
    return _stamp(path.stat())


def content_of(path: Path) -> tuple[bytes, Stamp]:
    """A file's bytes, and the stamp of the very file that they were read from.

    Raises OSError; a pipe or device, which might never end, counts as one that cannot be read.
    """
    _regular(path.stat())
    # Not blocking: it may have become a pipe since, whose opening would wait for a writer.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        status = _regular(os.fstat(handle))
        return file.read(MAX_BYTES + 1), _stamp(status)


async def watch(
    directory: Path, read: Callable[[], Awaitable[T]], relist_seconds: float, asked: asyncio.Event
) -> AsyncGenerator[T, None]:
    """What `read` says of the directory at once, then at every change, at every relist, and when `asked` is set."""
    while True:
        identity = _identity(directory)
        yield await read()
        if identity is None:
            await _wait(asked, relist_seconds)
            continue
        async for _ in _changes(directory, relist_seconds, asked):
            yield await read()
            if _identity(directory) != identity:
                break


def _regular(status: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return status


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode, status.st_uid)


def _identity(directory: Path) -> tuple[int, int] | None:
    """Which directory stands at the path: a watch follows the directory, not the name."""
    try:
        status = directory.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


async def _wait(asked: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await asked.wait()
    except TimeoutError:
        return
    asked.clear()


async def _changes(directory: Path, relist_seconds: float, asked: asyncio.Event) -> AsyncIterator[None]:
    """A tick at every change of the directory, at every relist, and when asked."""
    ticks = asyncio.Event()

    async def watch() -> None:
        try:
            async for _ in awatch(
                directory,
                watch_filter=None,
                recursive=False,
                step=WATCH_STEP_MS,
                debounce=WATCH_DEBOUNCE_MS,
                rust_timeout=int(relist_seconds * 1000),
                yield_on_timeout=True,
            ):
                ticks.set()
        except (OSError, RuntimeError) as error:
            log.warning("%s cannot be watched, so it is read every %s s: %s", directory, relist_seconds, error)

    async def ask() -> None:
        while True:
            await asked.wait()
            asked.clear()
            ticks.set()

    tasks = [asyncio.create_task(watch()), asyncio.create_task(ask())]
    # What changed between the last reading and the watch, which stands after one turn of the loop, must be seen too.
    await asyncio.sleep(0)
    ticks.set()
    try:
        while True:
            await _wait(ticks, relist_seconds)
            ticks.clear()
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
