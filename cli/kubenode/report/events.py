"""The store of events: the same thing again is counted, little is kept, and a restart of the agent loses none of it."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable
from pathlib import Path

import msgspec

from kubenode.clients.disk import make_private_directory, write_atomic
from kubenode.model.events import Event
from kubenode.model.names import PodKey

log = logging.getLogger(__name__)

MOST_OF_A_POD = 100
MOST = 2000
# Older ones tell nothing of the pods of today.
OLDEST_SECONDS = 24 * 3600.0
# What comes together is written together.
GATHER_SECONDS = 0.5
RETRY_SECONDS = 30.0
# A file of this many times the events kept is written anew.
SLACK = 2
# A reader that does not read loses the oldest that wait for it.
BACKLOG = 1000

Identity = tuple[str, ...]


class EventStore:
    """Memory first; `run` keeps it in a file of JSON lines, each the whole of one event, the last of it being right.

    A disk that is full, or a file that was cut off, costs events and nothing else.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """`clock`: seconds since the epoch. What an earlier agent kept is there at once."""
        self._path = path
        self._clock = clock
        self._changed = asyncio.Event()
        self._followers: set[asyncio.Queue[Event]] = set()
        self._unwritten: dict[Identity, Event] = {}
        self._events, self._lines, self._whole = _load(path)
        self._of_pod = Counter(map(_pod, self._events))
        self._bound()

    def record(self, events: Iterable[Event]) -> None:
        """Take these in, oldest first."""
        oldest, surplus = self._oldest, False
        for event in events:
            identity = event.identity
            before = self._events.pop(identity, None)
            kept = event if before is None else _again(before, event)
            self._events[identity] = self._unwritten[identity] = kept
            self._of_pod[_pod(identity)] += before is None
            for queue in self._followers:
                _offer(queue, kept)
            surplus = surplus or self._too_many(identity) or kept.last_at < oldest
        if self._unwritten:
            if surplus or next(iter(self._events.values())).last_at < oldest:
                self._bound()
            self._changed.set()

    def of(self, key: PodKey) -> tuple[Event, ...]:
        """Those of one pod, of whatever UID, the latest last."""
        return tuple(event for event in self.all() if (event.namespace, event.pod) == key)

    def all(self) -> tuple[Event, ...]:
        """The latest last."""
        return tuple(sorted(self._events.values(), key=lambda event: event.last_at))

    async def follow(self) -> AsyncGenerator[Event, None]:
        """Those that are there, then each that comes, until the reader leaves. One that comes again is told again."""
        queue: asyncio.Queue[Event] = asyncio.Queue(BACKLOG)
        self._followers.add(queue)
        try:
            for event in self.all():
                yield event
            while True:
                yield await queue.get()
        finally:
            self._followers.discard(queue)

    async def run(self) -> None:
        """Keep the events on disk until cancelled; what is not yet there then is written."""
        complained = False
        try:
            while True:
                await self._changed.wait()
                await asyncio.sleep(GATHER_SECONDS)
                self._changed.clear()
                try:
                    await asyncio.to_thread(self._write, *self._take())
                    complained = False
                except OSError as error:
                    if not complained:
                        log.warning("events cannot be kept in %s: %s", self._path, error.strerror)
                    complained = True
                    self._whole = False
                    self._changed.set()
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._write_last()

    def _write_last(self) -> None:
        if self._unwritten or not self._whole:
            try:
                self._write(*self._take())
            except OSError as error:
                log.warning("the last events cannot be kept in %s: %s", self._path, error.strerror)

    def _take(self) -> tuple[list[Event], bool]:
        """What is to be written, and whether the file is to be made anew of it."""
        new = list(self._unwritten.values())
        anew = not self._whole or self._lines + len(new) > SLACK * max(len(self._events), MOST_OF_A_POD)
        self._unwritten.clear()
        return (list(self.all()) if anew else new), anew

    def _write(self, events: list[Event], anew: bool) -> None:
        data = b"".join(msgspec.json.encode(event) + b"\n" for event in events)
        make_private_directory(self._path.parent)
        if anew:
            write_atomic(self._path, data)
        else:
            _append(self._path, data)
        self._lines = len(events) if anew else self._lines + len(events)
        self._whole = True

    @property
    def _oldest(self) -> float:
        return self._clock() - OLDEST_SECONDS

    def _too_many(self, identity: Identity) -> bool:
        return self._of_pod[_pod(identity)] > MOST_OF_A_POD or len(self._events) > MOST

    def _bound(self) -> None:
        """Drop what is too old or too many. What happened last stands last."""
        oldest = self._oldest
        for identity, event in list(self._events.items()):
            if event.last_at < oldest or self._too_many(identity):
                del self._events[identity]
                self._unwritten.pop(identity, None)
                self._of_pod[_pod(identity)] -= 1
        # Without pods that have none any more.
        self._of_pod = +self._of_pod


def _pod(identity: Identity) -> Identity:
    return identity[:2]


def _again(before: Event, event: Event) -> Event:
    return msgspec.structs.replace(
        event,
        count=before.count + event.count,
        first_at=before.first_at,
        last_at=max(before.last_at, event.last_at),
    )


def _offer(queue: asyncio.Queue[Event], event: Event) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(event)


def _append(path: Path, data: bytes) -> None:
    """Raises OSError also when only a part could be written."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        written = os.write(handle, data)
    finally:
        os.close(handle)
    if written != len(data):
        raise OSError(errno.ENOSPC, "only a part could be written")


def _load(path: Path) -> tuple[dict[Identity, Event], int, bool]:
    """The events of the file, its lines, and whether all of it can be read; with a broken line it is made anew."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}, 0, True
    except OSError as error:
        log.warning("the events of before cannot be read from %s: %s", path, error.strerror)
        return {}, 0, False
    events: dict[Identity, Event] = {}
    whole = lines.pop() == b""
    for line in lines:
        try:
            event = msgspec.json.decode(line, type=Event)
        except msgspec.DecodeError:
            whole = False
            continue
        events.pop(event.identity, None)
        events[event.identity] = event
    return events, len(lines), whole
