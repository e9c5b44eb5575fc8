"""How many pods start at once: few, so that the first are up early instead of all being late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# A start that takes longer than this hangs or waits; it no longer keeps others from starting.
PATIENCE_SECONDS = 5.0


class StartGate:
    """First come, first served; a slot that is held for too long is given on while its holder carries on."""

    def __init__(self, slots: int, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._patience = patience_seconds

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        await self._slots.acquire()
        timer = asyncio.get_running_loop().call_later(self._patience, self._slots.release)
        try:
            yield
        finally:
            # A timer that was not cancelled in time has released the slot already.
            if timer.when() > asyncio.get_running_loop().time():
                timer.cancel()
                self._slots.release()
