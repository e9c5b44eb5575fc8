"""ConfigMaps and Secrets from a directory: read whole, watched as the directory of static pods is.

A file that becomes invalid keeps its last good objects. A Secret is taken only from what nobody but the agent's user
can read. No message holds a value.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kubenode.model.objects import ConfigMap, LocalObject, ObjectKey, Secret, differs, object_key
from kubenode.model.source import ItemState, ObjectItem, ObjectSet
from kubenode.sources import directory
from kubenode.sources.directory import Stamp
from kubenode.sources.documents import RefusedError
from kubenode.sources.object_manifest import read_objects
from kubenode.sources.watching import watch

log = logging.getLogger(__name__)

# A directory that answers no sooner, on a network that is down, must not hold up who asks.
ANSWERS_WITHIN_SECONDS = 10.0


class ObjectRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The last good version of one object of one file; exactly one of the two is set. Times as in an ObjectItem."""

    location: str
    seen_at: float
    changed_at: float
    config_map: ConfigMap | None = None
    secret: Secret | None = None

    @property
    def values(self) -> Iterator[LocalObject]:
        return (value for value in (self.config_map, self.secret) if value is not None)


@dataclass(frozen=True, slots=True)
class _Good:
    value: LocalObject
    seen_at: float
    changed_at: float


class ObjectSource:
    """One directory of objects. `records` are the last good versions from before a restart."""

    def __init__(self, path: Path, clock: Callable[[], float], records: Iterable[ObjectRecord] = ()) -> None:
        self._directory = path
        self._clock = clock
        # By file, then by key.
        self._good: dict[str, dict[ObjectKey, _Good]] = {}
        for record in records:
            for value in record.values:
                good = _Good(value, record.seen_at, record.changed_at)
                self._good.setdefault(record.location, {})[object_key(value)] = good
        self._read: dict[str, tuple[Stamp, Stamp, tuple[ObjectItem, ...]]] = {}
        # Its own: a directory that hangs takes one thread, and none that pods need.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="objects")
        self._latest = ObjectSet(answered=False)
        # The last good version of every object that is still there; replaced whole, since a thread does it.
        self.records = self._records()

    def read(self) -> ObjectSet:
        """Everything the directory says now. It never raises: what cannot be read keeps its last good set."""
        try:
            place = directory.stamp_of(self._directory)
            paths = directory.manifests(self._directory)
        except OSError as error:
            return self._unreadable(f"{self._directory} cannot be read: {error.strerror}")
        present = {str(path) for path in paths}
        for gone in self._good.keys() - present:
            del self._good[gone]
        self._read = {location: seen for location, seen in self._read.items() if location in present}
        self._latest = ObjectSet(tuple(item for path in paths for item in self._items(path, place)))
        self.records = self._records()
        return self._latest

    async def ask(self) -> ObjectSet:
        """What `read` says, or the last set where it does not answer in time."""
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._reader, self.read)
        except TimeoutError:
            reason = f"{self._directory} did not answer within {ANSWERS_WITHIN_SECONDS:.0f} s"
            return ObjectSet(self._latest.items, answered=False, error=reason)

    def watch(self, relist_seconds: float, asked: asyncio.Event) -> AsyncGenerator[ObjectSet, None]:
        """The directory's set at once, then at every change, at every relist, and when `asked` is set."""
        return watch(self._directory, self.ask, relist_seconds, asked)

    def _records(self) -> list[ObjectRecord]:
        return [_record(location, good) for location, held in self._good.items() for good in held.values()]

    def _unreadable(self, reason: str) -> ObjectSet:
        if reason != self._latest.error:
            log.warning("%s; its last good objects stay", reason)
        held = [_held(at, good, reason) for at, objects in self._good.items() for good in objects.values()]
        self._latest = ObjectSet(tuple(held), answered=False, error=reason)
        return self._latest

    def _items(self, path: Path, place: Stamp) -> tuple[ObjectItem, ...]:
        location = str(path)
        if directory.is_backup(path):
            return (ObjectItem(location, ItemState.SUPERSEDED, reason="a backup copy by its name; it is not read"),)
        try:
            seen = self._read.get(location)
            if seen is None or seen[:2] != (place, directory.stamp_of(path)):
                content, stamp = directory.content_of(path)
                seen = self._read[location] = (place, stamp, self._understood(path, content, place, stamp))
            return seen[2]
        except OSError as error:
            return self._invalid(location, RefusedError(f"cannot be read: {error.strerror}"))

    def _understood(self, path: Path, content: bytes, place: Stamp, stamp: Stamp) -> tuple[ObjectItem, ...]:
        location = str(path)
        try:
            found = list(read_objects(content))
        except RefusedError as refusal:
            return self._invalid(location, refusal)
        before, now = self._good.get(location, {}), dict[ObjectKey, _Good]()
        open_to = _open(self._directory, place, "700") or _open(path, stamp, "600")
        items: dict[ObjectKey, ObjectItem] = {}
        seconds = []
        for value, line in found:
            key = object_key(value)
            reason = _refusal(value, before.get(key), open_to)
            if key in items:
                reason = f"the same file already defines {key}: remove one of the two"
                seconds.append(ObjectItem(location, ItemState.SUPERSEDED, key, reason=reason, line=line))
            elif reason:
                items[key] = self._refused(location, key, before.get(key), reason, line)
            else:
                now[key] = self._good_now(value, before.get(key))
                items[key] = _item(location, ItemState.VALID, now[key])
        self._good[location] = {**{key: good for key, good in before.items() if key in items}, **now}
        return (*items.values(), *seconds)

    def _good_now(self, value: LocalObject, before: _Good | None) -> _Good:
        if before is None:
            now = self._clock()
            return _Good(value, now, now)
        changed_at = before.changed_at if before.value == value else self._clock()
        return _Good(value, before.seen_at, changed_at)

    def _invalid(self, location: str, refusal: RefusedError) -> tuple[ObjectItem, ...]:
        held = self._good.get(location, {})
        stay = "; its last good objects stay" if held else ""
        log.warning("%s line %s: %s%s", location, refusal.line, refusal.reason, stay)
        if not held:
            return (ObjectItem(location, ItemState.INVALID, reason=refusal.reason, line=refusal.line),)
        return tuple(_held(location, good, refusal.reason, refusal.line) for good in held.values())

    def _refused(self, location: str, key: ObjectKey, before: _Good | None, reason: str, line: int) -> ObjectItem:
        log.warning("%s line %s: %s: %s%s", location, line, key, reason, "; the last good one stays" if before else "")
        if before is None:
            return ObjectItem(location, ItemState.INVALID, key, reason=reason, line=line)
        return _held(location, before, reason, line)


def _refusal(value: LocalObject, before: _Good | None, open_to: str) -> str:
    if open_to and isinstance(value, Secret):
        return open_to
    if before is not None and differs(before.value, value):
        return "it is immutable: remove it before you define it anew, or give the new one another name"
    return ""


def _open(path: Path, stamp: Stamp, mode: str) -> str:
    """Who else could read what stands there, and what to do; empty when nobody can."""
    me = os.geteuid()
    if stamp.owner != me:
        return f"{path} belongs to user {stamp.owner}, so its Secrets are refused: chown {me} {path}"
    if stamp.mode & 0o077:
        how = f"{path} is open to others (mode {stamp.mode & 0o7777:04o})"
        return f"{how}, so its Secrets are refused: chmod {mode} {path}"
    return ""


def _item(location: str, state: ItemState, good: _Good, reason: str = "", line: int = 0) -> ObjectItem:
    return ObjectItem(location, state, object_key(good.value), good.value, good.seen_at, good.changed_at, reason, line)


def _held(location: str, good: _Good, reason: str, line: int = 0) -> ObjectItem:
    return _item(location, ItemState.HELD, good, reason, line)


def _record(location: str, good: _Good) -> ObjectRecord:
    return ObjectRecord(
        location=location,
        seen_at=good.seen_at,
        changed_at=good.changed_at,
        config_map=good.value if isinstance(good.value, ConfigMap) else None,
        secret=good.value if isinstance(good.value, Secret) else None,
    )
