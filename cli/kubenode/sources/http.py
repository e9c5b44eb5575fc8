"""Static pods from a URL that answers with a Pod or a PodList, asked every now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping

import aiohttp

from kubenode.model.source import Item, ItemState, SourceSet
from kubenode.model.static_pod import DesiredPod, Origin, SourceKind, static_pod
from kubenode.sources.last_good import Record
from kubenode.sources.manifest import MAX_BYTES, RefusedError, read_pods

log = logging.getLogger(__name__)

REQUEST_SECONDS = 10.0


class HttpSource:
    """One URL. While it cannot be read, or holds something invalid, the last good pods stay."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, list[str]],
        node_name: str,
        clock: Callable[[], float],
        records: Iterable[Record] = (),
    ) -> None:
        self._origin = Origin(SourceKind.HTTP, url)
        self._headers = [(name, value) for name, values in headers.items() for value in values]
        self._node_name = node_name
        self._clock = clock
        self._good = {record.pod.key: record for record in records if record.location == url}
        self._body = b""
        self._set = SourceSet(answered=False)

    @property
    def records(self) -> list[Record]:
        return list(self._good.values())

    async def read(self) -> SourceSet:
        """What the URL says now. It never raises: what cannot be read keeps the last good set."""
        try:
            body = await self._fetch()
            if body != self._body or not self._set.answered:
                self._set = self._interpret(body)
                self._body = body
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return self._unreadable(f"{self._origin} does not answer: {str(error) or type(error).__name__}")
        except RefusedError as refusal:
            return self._unreadable(f"{self._origin}: {refusal.reason}", refusal.line)
        return self._set

    async def watch(self, period_seconds: float, asked: asyncio.Event) -> AsyncGenerator[SourceSet, None]:
        """The URL's set at once, then every period and when `asked` is set."""
        while True:
            yield await self.read()
            try:
                async with asyncio.timeout(period_seconds):
                    await asked.wait()
            except TimeoutError:
                continue
            asked.clear()

    async def _fetch(self) -> bytes:
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(self._origin.location, headers=self._headers) as response,
        ):
            if response.status != 200:
                raise RefusedError(f"answered with status {response.status}")
            body = bytearray()
            async for chunk in response.content.iter_chunked(65536):
                body += chunk
                if len(body) > MAX_BYTES:
                    raise RefusedError(f"answered with more than {MAX_BYTES} bytes")
            return bytes(body)

    def _interpret(self, body: bytes) -> SourceSet:
        valid: dict[str, Record] = {}
        refused: list[Item] = []
        for pod in read_pods(body):
            if isinstance(pod, RefusedError):
                refused.append(Item(self._origin, ItemState.INVALID, None, pod.reason, pod.line))
                continue
            before = self._good.get(pod.key)
            seen_at = before.seen_at if before and before.pod == pod else self._clock()
            record = Record(kind=SourceKind.HTTP, location=self._origin.location, seen_at=seen_at, pod=pod)
            valid[str(pod.key)] = record
        held = [record for record in self._good.values() if refused and str(record.pod.key) not in valid]
        self._good = {record.pod.key: record for record in [*valid.values(), *held]}
        items = [Item(self._origin, ItemState.VALID, self._desired(record)) for record in valid.values()]
        return SourceSet((*items, *(self._held(record, "the list holds invalid entries") for record in held), *refused))

    def _unreadable(self, reason: str, line: int = 0) -> SourceSet:
        if reason != self._set.error:
            log.warning("%s; the last good pods of it stay", reason)
        items = tuple(self._held(record, reason, line) for record in self._good.values())
        self._set = SourceSet(items, answered=False, error=reason)
        return self._set

    def _held(self, record: Record, reason: str, line: int = 0) -> Item:
        return Item(self._origin, ItemState.HELD, self._desired(record), reason, line)

    def _desired(self, record: Record) -> DesiredPod:
        return DesiredPod(static_pod(record.pod, self._origin, self._node_name), self._origin, record.seen_at)
