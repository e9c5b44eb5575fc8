"""Static pods from a directory: read whole, watched with inotify, and read again now and then.

A file that becomes invalid, half-written or unreadable keeps its last good pod; only a file that is gone, in a
directory that can be read, takes its pod with it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from watchfiles import awatch

from kubenode.model.pod import Pod
from kubenode.model.source import Item, ItemState, SourceSet
from kubenode.model.static_pod import DesiredPod, Origin, SourceKind, static_pod
from kubenode.sources.last_good import Record
from kubenode.sources.manifest import MAX_BYTES, RefusedError, read_pod

log = logging.getLogger(__name__)

# What editors and package managers leave beside a file. The kubelet would run these as second pods.
BACKUP_SUFFIXES = (
    *("~", ".bak", ".old", ".orig", ".save", ".swp", ".tmp"),
    *(".rpmnew", ".rpmsave", ".dpkg-old", ".dpkg-dist", ".dpkg-new"),
)
WATCH_STEP_MS, WATCH_DEBOUNCE_MS = 50, 400


class _Stamp(NamedTuple):
    inode: int
    size: int
    modified_ns: int


class FileSource:
    """One directory of manifests. `records` are the last good versions from before a restart."""

    def __init__(
        self, directory: Path, node_name: str, clock: Callable[[], float], records: Iterable[Record] = ()
    ) -> None:
        self._directory = directory
        self._node_name = node_name
        self._clock = clock
        self._good = {record.location: record for record in records}
        self._read: dict[str, tuple[_Stamp, Item]] = {}

    @property
    def records(self) -> list[Record]:
        """The last good version of each file that is still there."""
        return list(self._good.values())

    def read(self) -> SourceSet:
        """Everything the directory says now. It never raises: what cannot be read keeps its last good set."""
        try:
            paths = sorted(path for path in self._directory.iterdir() if _is_manifest(path))
        except OSError as error:
            reason = f"{self._directory} cannot be read: {error.strerror}"
            return SourceSet(tuple(self._held(record, reason) for record in self._good.values()), False, reason)
        present = {str(path) for path in paths}
        for gone in self._good.keys() - present:
            del self._good[gone]
        self._read = {location: seen for location, seen in self._read.items() if location in present}
        return SourceSet(tuple(self._item(path) for path in paths))

    async def watch(self, relist_seconds: float, asked: asyncio.Event) -> AsyncGenerator[SourceSet, None]:
        """The directory's set at once, then at every change, at every relist, and when `asked` is set."""
        while True:
            identity = _identity(self._directory)
            yield await asyncio.to_thread(self.read)
            if identity is None:
                await _wait(asked, relist_seconds)
                continue
            async for _ in _changes(self._directory, relist_seconds, asked):
                yield await asyncio.to_thread(self.read)
                if _identity(self._directory) != identity:
                    break

    def _item(self, path: Path) -> Item:
        location = str(path)
        origin = Origin(SourceKind.FILE, location)
        if path.name.endswith(BACKUP_SUFFIXES):
            return Item(origin, ItemState.SUPERSEDED, reason="a backup copy by its name; it is not run")
        try:
            stamp = _stamp(path)
            if location not in self._read or self._read[location][0] != stamp:
                self._read[location] = (stamp, self._understood(origin, _content(path)))
            return self._read[location][1]
        except OSError as error:
            return self._invalid(origin, RefusedError(f"cannot be read: {error.strerror}"))

    def _understood(self, origin: Origin, content: bytes) -> Item:
        try:
            return self._valid(origin, read_pod(content))
        except RefusedError as refusal:
            return self._invalid(origin, refusal)

    def _valid(self, origin: Origin, pod: Pod) -> Item:
        before = self._good.get(origin.location)
        seen_at = before.seen_at if before and before.pod == pod else self._clock()
        record = Record(kind=origin.kind, location=origin.location, seen_at=seen_at, pod=pod)
        self._good[origin.location] = record
        return Item(origin, ItemState.VALID, self._desired(record))

    def _invalid(self, origin: Origin, refusal: RefusedError) -> Item:
        record = self._good.get(origin.location)
        held = "; its last good pod stays" if record else ""
        log.warning("%s line %s: %s%s", origin, refusal.line, refusal.reason, held)
        if record is None:
            return Item(origin, ItemState.INVALID, None, refusal.reason, refusal.line)
        return self._held(record, refusal.reason, refusal.line)

    def _held(self, record: Record, reason: str, line: int = 0) -> Item:
        return Item(record.origin, ItemState.HELD, self._desired(record), reason, line)

    def _desired(self, record: Record) -> DesiredPod:
        return DesiredPod(static_pod(record.pod, record.origin, self._node_name), record.origin, record.seen_at)


def _is_manifest(path: Path) -> bool:
    """Files that do not start with a dot; links count as what they point to, a dangling one as unreadable."""
    return not path.name.startswith(".") and not path.is_dir()


def _stamp(path: Path) -> _Stamp:
    status = path.stat()
    return _Stamp(status.st_ino, status.st_size, status.st_mtime_ns)


def _content(path: Path) -> bytes:
    """Raises OSError; a pipe or device, which might never end, counts as one that cannot be read."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


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
