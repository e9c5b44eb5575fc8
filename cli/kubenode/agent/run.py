"""The running agent: sources and PLEG feed one worker a pod; servers tell how it goes."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time

import msgspec

import kubenode
from kubenode.agent.admission import Admission
from kubenode.agent.desired import Sources
from kubenode.agent.node_cgroups import keep_node_cgroups, sync_node_cgroups
from kubenode.agent.noting import Notebook
from kubenode.agent.once import Node, Turn, open_node
from kubenode.agent.tables import pods_report, status_of
from kubenode.agent.tasks import keep_running
from kubenode.agent.worker import Worker
from kubenode.clients.errors import ClientError
from kubenode.model.actions import PullImage
from kubenode.model.names import PodKey
from kubenode.model.observed import Signature, State
from kubenode.model.pod import Pod
from kubenode.model.reports import (
    AgentState,
    PodsReport,
    PodSync,
    SyncReport,
    carried_out,
    manifest_state,
    object_state,
    planned,
)
from kubenode.model.settings import Settings
from kubenode.model.source import Snapshot
from kubenode.observe.node import runtime as runtime_facts
from kubenode.observe.pleg import Pleg
from kubenode.observe.probe_store import save as save_probes
from kubenode.observe.probing import Prober
from kubenode.plan.stale import stale_environments
from kubenode.serve.http import serve_admin, serve_health
from kubenode.serve.metrics import Metrics

log = logging.getLogger(__name__)

FEATURES_RETRY_SECONDS = 5.0

# A sync that finds the runtime hanging says so after a little more than the deadline of one question.
RUNTIME_PATIENCE_SECONDS = 12.0


class Agent:
    """One life of the agent under one set of settings. Ending it leaves every pod as it is."""

    def __init__(self, settings: Settings, node: Node, metrics: Metrics, workers: dict[PodKey, Worker]) -> None:
        self._settings = settings
        self._notebook = Notebook(settings, node.clock, workers, lambda: self._sources.snapshot)
        self._prober = Prober(node.cri, self._probe_changed, node.clock, node.verdicts, self._notebook.probed)
        self._node = dataclasses.replace(node, prober=self._prober)
        self._metrics = metrics
        self._workers = workers
        self._sources = Sources(settings, node.clock, self._desired_changed)
        self._pleg = Pleg(node.cri, node.observer, self._pod_changed, self._seen, metrics.relisted)
        self._admission = Admission(settings)
        self._pods_changed = asyncio.Event()
        self._started_at = node.clock()
        self._starting: dict[str, float] = {}
        self._group = asyncio.TaskGroup()

    async def run(self, ready: asyncio.Event) -> None:
        """Until cancelled. `ready` is set once the servers are asked to start and the sources are watched."""
        kubelet = self._settings.kubelet
        async with self._group as group:
            group.create_task(self._sources.run(), name="sources")
            group.create_task(self._pleg.run(), name="pleg")
            group.create_task(self._prober.run(), name="prober")
            group.create_task(self._learn_features(), name="features")
            group.create_task(
                keep_node_cgroups(self._settings, self._admitted, self._pods_changed), name="cgroups of the node"
            )
            group.create_task(keep_running("the keeping of probe results", self._keep_probes))
            group.create_task(keep_running("the keeping of events", self._notebook.run))
            group.create_task(
                keep_running(
                    "the health server",
                    lambda: serve_health(
                        kubelet.healthz_bind_address, kubelet.healthz_port, self.unhealthy, self._metrics.text
                    ),
                )
            )
            group.create_task(
                keep_running(
                    "the admin socket",
                    lambda: serve_admin(
                        self._settings.admin_socket,
                        pods=self.pods,
                        sync=self.sync,
                        state=self.state,
                        answers=self._notebook.answers,
                    ),
                )
            )
            ready.set()

    def unhealthy(self) -> str:
        """What makes the agent unhealthy, in a sentence; empty when nothing does."""
        if not self._pleg.healthy:
            return f"PLEG is not healthy: the last relist succeeded {self._pleg.age_seconds:.0f} s ago"
        return ""

    def pods(self) -> PodsReport:
        """The pods that were looked at, or of which can be said why not: all of them once it is complete."""
        now = self._node.clock()
        statuses = [
            status_of(
                worker.desired,
                worker.observed,
                worker.failures,
                self._settings,
                now,
                settled=worker.settled,
                error=worker.error,
            )
            for worker in self._workers.values()
            if worker.looked_at or worker.error
        ]
        report = pods_report(self._settings, self._sources.snapshot, statuses)
        complete = report.complete and self._pleg.first.is_set() and len(statuses) == len(self._workers)
        return msgspec.structs.replace(report, complete=complete, stale=self._stale())

    def _stale(self) -> str:
        """That what is told may be old, where the runtime does not answer."""
        if not self._pleg.error:
            return ""
        return f"The runtime was last seen {self._pleg.age_seconds:.0f} s ago, and the pods are told as then."

    def state(self) -> AgentState:
        return AgentState(
            version=kubenode.__version__,
            started_at=self._started_at,
            pleg_age=self._pleg.age_seconds,
            pleg_healthy=self._pleg.healthy,
            pleg_evented=self._pleg.evented,
            runtime_error=self._pleg.error,
            stuck=tuple(str(worker.key) for worker in self._workers.values() if worker.stuck),
            warnings=self._settings.warnings,
        )

    async def sync(self, dry_run: bool) -> SyncReport:
        """Read the sources now and take, or only preview, a turn for every pod."""
        snapshot = await self._sources.read()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RUNTIME_PATIENCE_SECONDS):
                await self._pleg.first.wait()
        steps = await sync_node_cgroups(self._admitted(), self._settings, dry_run=dry_run)
        workers = list(self._workers.values())
        synced = await asyncio.gather(
            *(_preview(worker, snapshot) if dry_run else _turn(worker, snapshot) for worker in workers)
        )
        return SyncReport(
            node=self._settings.node_name,
            dry_run=dry_run,
            steps=steps,
            pods=tuple(sorted(synced, key=lambda pod: pod.pod)),
            manifests=tuple(manifest_state(item) for item in snapshot.items),
            objects=tuple(object_state(item) for item in snapshot.object_items),
            complete=snapshot.complete,
            errors=snapshot.errors,
        )

    def _desired_changed(self, snapshot: Snapshot) -> None:
        self._notebook.read(snapshot)
        for key, desired in self._admission.admit(snapshot.pods).items():
            self._worker(key).want(desired)
        self._pods_changed.set()
        if snapshot.complete:
            for key in (self._workers.keys() | self._pleg.keys | self._node.local.keys()) - snapshot.pods.keys():
                self._worker(key).want(None)

    def _admitted(self) -> list[Pod]:
        wanted = [worker.desired for worker in self._workers.values()]
        return [desired.pod for desired in wanted if desired is not None and desired.refusal is None]

    async def _learn_features(self) -> None:
        """What the runtime can do is known once it answers; pods that wait for it are looked at again then."""
        while True:
            facts = await runtime_facts(self._node.cri)
            if not facts.error:
                break
            await asyncio.sleep(FEATURES_RETRY_SECONDS)
        if facts.features != self._admission.features:
            self._admission.features = facts.features
            self._desired_changed(self._sources.snapshot)

    def _pod_changed(self, key: PodKey) -> None:
        """News from the runtime. A pod that nobody wants is removed, but only once every source has answered."""
        worker = self._workers.get(key)
        if worker is not None:
            worker.wake()
        elif self._sources.snapshot.complete and key not in self._sources.snapshot.pods:
            self._worker(key)

    def _seen(self, key: PodKey) -> Signature | None:
        """What the pod's worker knows; its own doings need not be told to it again."""
        worker = self._workers.get(key)
        return worker.observed.signature if worker is not None and worker.looked_at else None

    def _probe_changed(self, key: PodKey) -> None:
        if key in self._workers:
            self._workers[key].wake()

    async def _keep_probes(self) -> None:
        """A restart of the agent must not change what is ready; a full disk costs only that."""
        kept_at = self._settings.kept_probes
        while True:
            await self._prober.flipped.wait()
            self._prober.flipped.clear()
            try:
                await asyncio.to_thread(save_probes, kept_at, self._prober.kept)
            except OSError as error:
                log.warning("probe results cannot be kept in %s: %s", kept_at, error.strerror)

    def _worker(self, key: PodKey) -> Worker:
        if key not in self._workers:
            self._workers[key] = Worker(key, self._node, self._turned)
            self._group.create_task(self._work(key), name=f"pod {key}")
        return self._workers[key]

    async def _work(self, key: PodKey) -> None:
        await self._workers[key].run()
        self._prober.forget(key)
        del self._workers[key]

    def _turned(self, worker: Worker, turn: Turn, seconds: float) -> None:
        self._metrics.turned(turn.plan.actions, turn.outcomes, seconds)
        self._notebook.turned(worker, turn)
        if not turn.plan.actions:
            self._admission.left(worker.key, turn.observed.uids | ({worker.desired.uid} if worker.desired else set()))
        if worker.desired is None:
            return
        uid = worker.desired.uid
        pulls = sum(outcome.seconds for outcome in turn.outcomes if isinstance(outcome.action, PullImage))
        if turn.outcomes:
            self._starting[uid] = self._starting.get(uid, 0.0) + pulls
        elif uid in self._starting:
            self._note_start(worker, self._starting[uid])

    def _note_start(self, worker: Worker, pulling: float) -> None:
        """Measure a start when all containers run, if the agent saw the pod first."""
        desired = worker.desired
        if desired is None:
            return
        running = [one for one in worker.observed.containers if one.uid == desired.uid and one.state is State.RUNNING]
        if len(running) < len(desired.pod.spec.containers):
            return
        del self._starting[desired.uid]
        if desired.seen_at >= self._started_at and all(one.restart_count == 0 for one in running):
            self._metrics.pod_started(max(one.started_at for one in running) - desired.seen_at, pulling)


async def _preview(worker: Worker, snapshot: Snapshot) -> PodSync:
    try:
        seen = await worker.preview()
        return planned(seen.plan, stale_environments(worker.desired, seen.observed, snapshot.object_items))
    except ClientError as error:
        return PodSync(pod=str(worker.key), error=str(error))


async def _turn(worker: Worker, snapshot: Snapshot) -> PodSync:
    """One turn, or why none can be taken: a runtime that cannot be asked ends the wait."""
    waiting = asyncio.ensure_future(worker.next_turns())
    limit = time.monotonic() + RUNTIME_PATIENCE_SECONDS
    while not waiting.done():
        await asyncio.wait((waiting,), timeout=1.0)
        if not waiting.done() and worker.error and time.monotonic() > limit:
            waiting.cancel()
            return PodSync(pod=str(worker.key), error=worker.error)
    turns = await waiting
    notes = stale_environments(worker.desired, turns[-1].observed, snapshot.object_items)
    return carried_out(turns[-1].plan, [outcome for turn in turns for outcome in turn.outcomes], notes)


async def live(settings: Settings, ready: asyncio.Event) -> None:
    """Run an agent until cancelled. Raises ClientError when no runtime can be found."""
    workers: dict[PodKey, Worker] = {}
    metrics = Metrics(settings.node_name, lambda: [worker.observed for worker in workers.values()])
    async with open_node(settings, metrics.call, acting=True) as node:
        await Agent(node.settings, node, metrics, workers).run(ready)
