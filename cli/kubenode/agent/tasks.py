"""Tasks that may fail without taking the agent with them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

FIRST_SECONDS, LONGEST_SECONDS = 1.0, 60.0


async def keep_running(name: str, task: Callable[[], Awaitable[None]]) -> None:
    """Run it again, with back-off, whenever it fails; until cancelled or it returns by itself."""
    pause = FIRST_SECONDS
    while True:
        try:
            await task()
            return
        except OSError as error:
            log.error("%s stopped, and starts again in %.0f s: %s", name, pause, error)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_SECONDS)
