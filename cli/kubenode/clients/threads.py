"""Blocking calls that may never come back, as a look at a file system whose server is gone.

Each gets a daemon thread of its own: those that hang take no thread from others, and do not keep the process from
ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# A thread that has had nothing to do for so long ends.
IDLE_SECONDS = 2.0


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


class _Threads:
    """Daemon threads; one that came back waits for other work, as starting one costs more than a look at a pod."""

    def __init__(self) -> None:
        self._idle: list[queue.SimpleQueue[Callable[[], None]]] = []

    def run(self, work: Callable[[], None]) -> None:
        try:
            waiting = self._idle.pop()
        except IndexError:
            threading.Thread(target=self._live, args=(work,), daemon=True).start()
        else:
            waiting.put(work)

    def _live(self, work: Callable[[], None]) -> None:
        me, mine = threading.current_thread(), queue.SimpleQueue[Callable[[], None]]()
        next_work: Callable[[], None] | None = work
        while next_work is not None:
            me.name = "patient call"
            next_work()
            me.name = "patient call, idle"
            next_work = self._next(mine)

    def _next(self, mine: queue.SimpleQueue[Callable[[], None]]) -> Callable[[], None] | None:
        """None when there is none for a while."""
        self._idle.append(mine)
        try:
            return mine.get(timeout=IDLE_SECONDS)
        except queue.Empty:
            pass
        try:
            self._idle.remove(mine)
        except ValueError:
            # Work came at the last moment.
            return mine.get()
        return None


_threads = _Threads()


def _started(work: Callable[[], T]) -> asyncio.Future[T]:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    # Nobody may be left to hear of an error.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())

    def run() -> None:
        settle: Callable[[], None]
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 (whatever it is, the one who waits is told)
            settle = partial(future.set_exception, error)
        else:
            settle = partial(future.set_result, result)
        # The loop may have ended meanwhile.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle)

    _threads.run(run)
    return future
