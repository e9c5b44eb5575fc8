"""The sources of this node's settings, read together: their sets, their snapshot, their last good records."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kubenode.model.settings import Settings
from kubenode.model.source import Snapshot, SourceSet
from kubenode.sources import last_good
from kubenode.sources.files import FileSource
from kubenode.sources.http import HttpSource
from kubenode.sources.last_good import Record
from kubenode.sources.merge import merge

log = logging.getLogger(__name__)

FILES, HTTP = "files", "http"


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
        self._changed = changed
        self._kept_at = settings.state_directory / "manifests.json"
        self._kept = _load(self._kept_at)
        self._asked = {FILES: asyncio.Event(), HTTP: asyncio.Event()}
        self._files: FileSource | None = None
        self._http: HttpSource | None = None
        self._sets: dict[str, SourceSet] = {}
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

    async def run(self) -> None:
        """Watch every source until cancelled."""
        async with asyncio.TaskGroup() as group:
            if self._files:
                group.create_task(self._watch_files(self._files), name="source files")
            if self._http:
                group.create_task(self._watch_http(self._http), name="source http")

    async def read(self) -> Snapshot:
        """Read every source now."""
        if self._files:
            self._note(FILES, await asyncio.to_thread(self._files.read))
        if self._http:
            self._note(HTTP, await self._http.read())
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

    def _note(self, name: str, found: SourceSet) -> None:
        """A source that answered once holds its last good set while it cannot be read: the others' changes go on."""
        self._sets[name] = replace(found, answered=found.answered or self._sets[name].answered)

    async def _merge(self) -> None:
        """Pods first, the record for the next start after: a manifest's pod does not wait for a disk."""
        if not self._sets:
            return
        after = merge(self._sets)
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


def _load(path: Path) -> list[Record]:
    try:
        return last_good.load(path)
    except OSError as error:
        log.warning("the last good manifests cannot be read from %s: %s", path, error.strerror)
        return []


def _save(path: Path, records: list[Record]) -> None:
    """A full disk must not stop pods: it costs only what an invalid manifest would mean after a restart."""
    try:
        last_good.save(path, records)
    except OSError as error:
        log.warning("the last good manifests cannot be kept in %s: %s", path, error.strerror)
