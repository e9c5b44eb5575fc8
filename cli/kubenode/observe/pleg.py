"""PLEG: which pods changed in the runtime, by relisting and, where the runtime has them, by its events.

Events only make it faster. They can be lost while the stream is down, so every connection starts with a relist, and a
slow relist goes on beside a stream that works.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, Unimplemented
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.names import PodKey
from kubenode.model.observed import Signature
from kubenode.observe.runtime import RuntimeObserver

log = logging.getLogger(__name__)

RELIST_SECONDS = 1.0
EVENTED_RELIST_SECONDS = 60.0
STREAM_RETRY_SECONDS = 1.0
# A runtime without events may be replaced by one that has them.
NO_EVENTS_RETRY_SECONDS = 60.0
# The kubelet's limit: a relist that is older makes the node not ready.
UNHEALTHY_AFTER_SECONDS = 180.0
NOTHING: Signature = frozenset()


class Pleg:
    """Calls `changed` with the key of every pod that changed; `relisted` gets a relist's seconds and its interval.

    A relist has nothing to tell of a pod that is as `seen` says that it was seen last.
    """

    def __init__(
        self,
        cri: CriClient,
        observer: RuntimeObserver,
        changed: Callable[[PodKey], None],
        seen: Callable[[PodKey], Signature | None],
        relisted: Callable[[float, float], None],
    ) -> None:
        self._cri = cri
        self._observer = observer
        self._changed = changed
        self._seen = seen
        self._relisted = relisted
        self._known: dict[PodKey, Signature] = {}
        self._evented = False
        self._asked = asyncio.Event()
        self._started = time.monotonic()
        self._last = self._started
        self.error = ""
        self.first = asyncio.Event()

    @property
    def evented(self) -> bool:
        """Whether the runtime's events are being received."""
        return self._evented

    @property
    def age_seconds(self) -> float:
        """How long ago the last relist succeeded, or the PLEG started."""
        return time.monotonic() - self._last

    @property
    def healthy(self) -> bool:
        return self.age_seconds < UNHEALTHY_AFTER_SECONDS

    @property
    def keys(self) -> set[PodKey]:
        """The pods of the last relist."""
        return set(self._known)

    def relist_soon(self) -> None:
        self._asked.set()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._relists(), name="pleg relist")
            group.create_task(self._events(), name="pleg events")

    async def _relists(self) -> None:
        while True:
            await self._relist()
            with contextlib.suppress(TimeoutError):
                period = EVENTED_RELIST_SECONDS if self._evented else RELIST_SECONDS
                async with asyncio.timeout(period):
                    await self._asked.wait()
            self._asked.clear()

    async def _relist(self) -> None:
        began = time.monotonic()
        try:
            found = await self._observer.signatures()
        except ClientError as error:
            if str(error) != self.error:
                log.warning("pods cannot be listed: %s", error)
            self.error = str(error)
            return
        self.error = ""
        done = time.monotonic()
        self._relisted(done - began, done - self._last)
        self._last = done
        before, self._known = self._known, found
        for key in before.keys() | found.keys():
            now = found.get(key, NOTHING)
            if now not in (before.get(key, NOTHING), self._seen(key)):
                self._changed(key)
        self.first.set()

    async def _events(self) -> None:
        while True:
            retry = STREAM_RETRY_SECONDS
            try:
                async with contextlib.aclosing(self._cri.get_container_events()) as events:
                    async for event in events:
                        self._receive(event)
            except Unimplemented:
                retry = NO_EVENTS_RETRY_SECONDS
            except ClientError as error:
                log.info("container events stopped, so pods are relisted: %s", error)
            self._evented = False
            self._asked.set()
            await asyncio.sleep(retry)

    def _receive(self, event: pb.ContainerEventResponse) -> None:
        if not self._evented:
            self._evented = True
            self._asked.set()
        metadata = event.pod_sandbox_status.metadata
        if metadata.name:
            self._changed(PodKey(metadata.namespace, metadata.name))
        else:
            self._asked.set()
