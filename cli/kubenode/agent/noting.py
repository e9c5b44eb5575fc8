"""What the agent notes down of every turn, and tells of single pods: events, descriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from kubenode.agent.describing import pod_detail
from kubenode.agent.once import Turn
from kubenode.agent.tables import status_of
from kubenode.agent.worker import Worker
from kubenode.model.describe import PodDetail
from kubenode.model.events import WARNING, Event, EventsReport
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedPod
from kubenode.model.settings import Settings
from kubenode.model.source import Item, Snapshot
from kubenode.model.static_pod import DesiredPod
from kubenode.model.status import PodStatus
from kubenode.plan.events import (
    About,
    manifest_events,
    outcome_events,
    pull_secret_events,
    seen_events,
    status_events,
)
from kubenode.report.events import EventStore
from kubenode.serve.http import PodAnswers


class Notebook:
    """`workers` and `snapshot` are the agent's own, looked at when somebody asks. `clock`: seconds since the epoch."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float],
        workers: Mapping[PodKey, Worker],
        snapshot: Callable[[], Snapshot],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._workers = workers
        self._snapshot = snapshot
        self._store = EventStore(settings.state_directory / "events.jsonl", clock)
        self._before: dict[PodKey, tuple[PodStatus, ObservedPod]] = {}
        self._manifests: dict[str, Item] = {}

    async def run(self) -> None:
        """Keep the events on disk until cancelled."""
        await self._store.run()

    @property
    def answers(self) -> PodAnswers:
        """For the admin socket."""
        return PodAnswers(pod=self.pod, events=self.events, follow=self._store.follow)

    def turned(self, worker: Worker, turn: Turn) -> None:
        """Note what a turn saw and did."""
        now, key = self._clock(), worker.key
        about = About(key, worker.desired.uid if worker.desired else "")
        found = list(outcome_events(about, turn.outcomes, now))
        if worker.desired is None:
            self._before.pop(key, None)
        else:
            found += self._changes(worker, worker.desired, turn, now)
        self._store.record(found)

    def _changes(self, worker: Worker, desired: DesiredPod, turn: Turn, now: float) -> Iterator[Event]:
        """Of what is otherwise than a turn ago."""
        about = About(worker.key, desired.uid)
        status = status_of(desired, turn.observed, worker.failures, self._settings, now, settled=worker.settled)
        before, seen = self._before.get(worker.key, (None, None))
        same = before is not None and before.uid == status.uid
        yield from status_events(about, before if same else None, status, now)
        if not same:
            yield from pull_secret_events(about, desired, now)
        if seen is not None:
            yield from seen_events(about, seen, turn.observed)
        self._before[worker.key] = status, turn.observed

    def probed(self, key: PodKey, container: str, reason: str, message: str) -> None:
        """Note a probe's result that somebody may want to know of."""
        worker, now = self._workers.get(key), self._clock()
        about = About(key, worker.desired.uid if worker and worker.desired else "")
        self._store.record([about.event(WARNING, reason, message, now, container)])

    def read(self, snapshot: Snapshot) -> None:
        """Note which manifests are not run as they are, or are so again."""
        self._store.record(manifest_events(self._manifests, snapshot.items, self._clock()))
        self._manifests = {str(item.origin): item for item in snapshot.items}

    def events(self) -> EventsReport:
        return EventsReport(node=self._settings.node_name, events=self._store.all())

    def pod(self, key: PodKey) -> PodDetail | None:
        """None for a pod that nobody knows."""
        worker = self._workers.get(key)
        if worker is None:
            return None
        detail = pod_detail(
            worker.desired,
            worker.observed,
            worker.failures,
            self._settings,
            self._clock(),
            self._snapshot(),
            events=self._store.of(key),
            error=worker.error,
        )
        return msgspec.structs.replace(detail, status=msgspec.structs.replace(detail.status, settled=worker.settled))
