"""Blocking calls that may never come back, as a look at a file system whose server is gone.

Each gets a daemon thread of its own: those that hang take no thread from others, and do not keep the process from
ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Hashable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class PatientCalls:
    """One call at a time for each subject: what hangs is not begun once more beside itself."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Future[Any]] = {}

    async def call(
        self, subject: Hashable, seconds: float, work: Callable[P, T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """What `work` returns or raises. Raises TimeoutError after so many seconds; the thread may then live on."""
        async with asyncio.timeout(seconds):
            while (earlier := self._under_way.get(subject)) is not None:
                await asyncio.wait((earlier,))
            mine = _started(lambda: work(*arguments, **named))
            self._under_way[subject] = mine
            mine.add_done_callback(lambda _: self._under_way.pop(subject))
            return await asyncio.shield(mine)


def _started(work: Callable[[], T]) -> asyncio.Future[T]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    # Nobody may be left to hear of an error.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())

    def run() -> None:
        settle: Callable[[], None]
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001
            failure = error
            settle = lambda: future.set_exception(failure)  # noqa: E731
        else:
            settle = lambda: future.set_result(result)  # noqa: E731
        # The loop may have ended meanwhile.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle)

    threading.Thread(target=run, daemon=True, name="patient call").start()
    return future
