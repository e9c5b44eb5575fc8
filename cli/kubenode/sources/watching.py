"""Watching a directory of manifests with inotify.

It is read again now and then for what inotify does not tell: a link's target, a lost event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from watchfiles import awatch

log = logging.getLogger(__name__)

T = TypeVar("T")

WATCH_STEP_MS, WATCH_DEBOUNCE_MS = 50, 400


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
