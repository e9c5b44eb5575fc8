"""The sources of this node's settings, read together: their sets, their snapshot, their last good records."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import msgspec

from kubenode.model.settings import Settings
from kubenode.model.source import ObjectSet, Snapshot, SourceSet
from kubenode.sources import last_good
from kubenode.sources.files import FileSource
from kubenode.sources.http import HttpSource
from kubenode.sources.last_good import Record
from kubenode.sources.merge import merge
from kubenode.sources.objects import ObjectRecord, ObjectSource

R = TypeVar("R", bound=msgspec.Struct)

log = logging.getLogger(__name__)

FILES, HTTP, OBJECTS = "files", "http", "objects"


class Sources:
    """`changed` gets each new snapshot. With `keep` False the last good records are used but not written."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float],
        changed: Callable[[Snapshot], None],
        *,
        keep: bool = True,
    ) -> None:
        kubelet = settings.kubelet
        self._keep_records = keep
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._kept_at = settings.state_directory / "manifests.json"
        self._kept = _load(self._kept_at, Record)
        self._objects_kept_at = settings.state_directory / "objects.json"
        self._objects_kept = _load(self._objects_kept_at, ObjectRecord)
        self._asked = {name: asyncio.Event() for name in (FILES, HTTP, OBJECTS)}
        self._files: FileSource | None = None
        self._http: HttpSource | None = None
        self._objects: ObjectSource | None = None
        self._sets: dict[str, SourceSet] = {}
        self._local: ObjectSet | None = None
        self._keeping = asyncio.Lock()
        self.snapshot = Snapshot(errors=("no source of pods is configured: set staticPodPath or staticPodURL",))
        if kubelet.static_pod_path:
            directory = Path(kubelet.static_pod_path)
            mine = [record for record in self._kept if Path(record.location).parent == directory]
            self._files = FileSource(directory, settings.node_name, clock, mine)
            self._sets[FILES] = SourceSet(answered=False)
        if kubelet.static_pod_url:
            self._http = HttpSource(
                kubelet.static_pod_url, kubelet.static_pod_url_header, settings.node_name, clock, self._kept
            )
            self._sets[HTTP] = SourceSet(answered=False)
        if settings.kubenode.local_objects_path:
            self._objects = self._object_source(Path(settings.kubenode.local_objects_path))
            self._local = ObjectSet(answered=False)

    def _object_source(self, directory: Path) -> ObjectSource:
        mine = [record for record in self._objects_kept if Path(record.location).parent == directory]
        return ObjectSource(directory, self._clock, mine)

    async def run(self) -> None:
        """Watch every source until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._files:
                group.create_task(self._watch_files(self._files), name="source files")
            if self._http:
                group.create_task(self._watch_http(self._http), name="source http")
            if self._objects:
                group.create_task(self._watch_objects(self._objects), name="source objects")

    async def read(self) -> Snapshot:
        """Read every source now."""
        if self._files:
            self._note(FILES, await asyncio.to_thread(self._files.read))
        if self._http:
            self._note(HTTP, await self._http.read())
        if self._objects:
            self._note_objects(await self._objects.ask())
        await self._merge()
        return self.snapshot

    async def _watch_files(self, source: FileSource) -> None:
        async for found in source.watch(self._settings.file_check_seconds, self._asked[FILES]):
            self._note(FILES, found)
            await self._merge()

    async def _watch_http(self, source: HttpSource) -> None:
        async for found in source.watch(self._settings.http_check_seconds, self._asked[HTTP]):
            self._note(HTTP, found)
            await self._merge()

    async def _watch_objects(self, source: ObjectSource) -> None:
        async for found in source.watch(self._settings.file_check_seconds, self._asked[OBJECTS]):
            self._note_objects(found)
            await self._merge()

    def _note_objects(self, found: ObjectSet) -> None:
        answered = found.answered or (self._local is not None and self._local.answered)
        self._local = replace(found, answered=answered)

    def _note(self, name: str, found: SourceSet) -> None:
        """A source that answered once holds its last good set while it cannot be read: the others' changes go on."""
        self._sets[name] = replace(found, answered=found.answered or self._sets[name].answered)

    async def _merge(self) -> None:
        """Pods first, the record for the next start after: a manifest's pod does not wait for a disk."""
        if not self._sets:
            return
        after = merge(self._sets, self._local)
        if after != self.snapshot:
            self.snapshot = after
            self._changed(after)
        if self._keep_records:
            async with self._keeping:
                await self._keep()

    async def _keep(self) -> None:
        records = [*(self._files.records if self._files else ()), *(self._http.records if self._http else ())]
        if records != self._kept:
            self._kept = records
            await asyncio.to_thread(_save, self._kept_at, records)
        objects = self._objects.records if self._objects else []
        if objects != self._objects_kept:
            self._objects_kept = objects
            await asyncio.to_thread(_save, self._objects_kept_at, objects)


def _load(path: Path, kind: type[R]) -> list[R]:
    try:
        return last_good.load(path, kind)
    except OSError as error:
        log.warning("the last good manifests cannot be read from %s: %s", path, error.strerror)
        return []


def _save(path: Path, records: Sequence[msgspec.Struct]) -> None:
    """A full disk must not stop pods: it costs only what an invalid manifest would mean after a restart."""
    try:
        last_good.save(path, records)
    except OSError as error:
        log.warning("the last good manifests cannot be kept in %s: %s", path, error.strerror)
