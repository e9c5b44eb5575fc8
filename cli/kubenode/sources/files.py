"""Static pods from a directory: read whole, watched with inotify, and read again now and then.

A file that becomes invalid, half-written or unreadable keeps its last good pod; only a file that is gone, in a
directory that can be read, takes its pod with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from pathlib import Path

from kubenode.model.pod import Pod
from kubenode.model.source import Item, ItemState, SourceSet
from kubenode.model.static_pod import DesiredPod, Origin, SourceKind, static_pod
from kubenode.sources import directory
from kubenode.sources.directory import Stamp
from kubenode.sources.last_good import Record
from kubenode.sources.manifest import RefusedError, read_pod
from kubenode.sources.watching import watch

log = logging.getLogger(__name__)


class FileSource:
    """One directory of manifests. `records` are the last good versions from before a restart."""

    def __init__(self, path: Path, node_name: str, clock: Callable[[], float], records: Iterable[Record] = ()) -> None:
        self._directory = path
        self._node_name = node_name
        self._clock = clock
        self._good = {record.location: record for record in records}
        self._read: dict[str, tuple[Stamp, Item]] = {}

    @property
    def records(self) -> list[Record]:
        """The last good version of each file that is still there."""
        return list(self._good.values())

    def read(self) -> SourceSet:
        """Everything the directory says now. It never raises: what cannot be read keeps its last good set."""
        try:
            paths = directory.manifests(self._directory)
        except OSError as error:
            reason = f"{self._directory} cannot be read: {error.strerror}"
            return SourceSet(tuple(self._held(record, reason) for record in self._good.values()), False, reason)
        present = {str(path) for path in paths}
        for gone in self._good.keys() - present:
            del self._good[gone]
        self._read = {location: seen for location, seen in self._read.items() if location in present}
        return SourceSet(tuple(self._item(path) for path in paths))

    def watch(self, relist_seconds: float, asked: asyncio.Event) -> AsyncGenerator[SourceSet, None]:
        """The directory's set at once, then at every change, at every relist, and when `asked` is set."""
        return watch(self._directory, lambda: asyncio.to_thread(self.read), relist_seconds, asked)

    def _item(self, path: Path) -> Item:
        location = str(path)
        origin = Origin(SourceKind.FILE, location)
        if directory.is_backup(path):
            return Item(origin, ItemState.SUPERSEDED, reason="a backup copy by its name; it is not run")
        try:
            if location not in self._read or self._read[location][0] != directory.stamp_of(path):
                content, stamp = directory.content_of(path)
                self._read[location] = (stamp, self._understood(origin, content))
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
