"""What the command line and the modules ask of a node: through the running agent, else by looking themselves."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import msgspec

import kubenode
from kubenode.agent.admission import Admission
from kubenode.agent.config import ConfigurationError, load
from kubenode.agent.desired import Sources
from kubenode.agent.lock import node_lock, refuse_beside_kubelet, upstream_kubelet
from kubenode.agent.node_cgroups import sync_node_cgroups
from kubenode.agent.once import Node, Turn, look, open_node, turn
from kubenode.agent.tables import pods_report, status_of
from kubenode.clients.agent import AgentClient
from kubenode.clients.errors import ClientError, Unavailable
from kubenode.clients.threads import PatientCalls
from kubenode.model.facts import AgentFacts, RuntimeFacts
from kubenode.model.names import PodKey
from kubenode.model.reports import (
    AgentState,
    Check,
    HealthReport,
    PodsReport,
    PodSync,
    SyncReport,
    Versions,
    carried_out,
    manifest_state,
    object_state,
    planned,
)
from kubenode.model.settings import Settings
from kubenode.model.source import Snapshot
from kubenode.model.status import PodStatus
from kubenode.observe import node as node_facts
from kubenode.plan import health as verdict
from kubenode.plan.stale import stale_environments

# A turn may wait for a pod's grace period, or for an image.
SYNC_SECONDS = 3600.0
KUBELET_HEALTH = "http://127.0.0.1:10248/healthz"
KUBELET_SECONDS = 5.0
DISK_SECONDS = 5.0
# How many pods are looked at, or synced, side by side without an agent.
SIDE_BY_SIDE = 8
WAIT_PERIOD_SECONDS = 0.5


async def pods(settings: Settings) -> PodsReport:
    """Each pod and each manifest. Raises ClientError."""
    try:
        return msgspec.json.decode(await AgentClient(settings.admin_socket).get("/v1/pods"), type=PodsReport)
    except Unavailable:
        async with open_node(settings) as node:
            snapshot, keys = await survey(settings, node)
            turns = await _each(keys, lambda key: look(node, key, snapshot.pods.get(key), {}))
    statuses = [
        status_of(snapshot.pods.get(key), done.observed, {}, settings, node.clock(), settled=not done.plan.actions)
        for key, done in turns.items()
        if isinstance(done, Turn)
    ]
    return pods_report(settings, snapshot, statuses)


async def sync(settings: Settings, *, dry_run: bool) -> SyncReport:
    """One turn for every pod, or what it would do. Raises ClientError, NodeBusy."""
    query = "?dryRun=true" if dry_run else ""
    try:
        answer = await AgentClient(settings.admin_socket).post(f"/v1/sync{query}", SYNC_SECONDS)
        return msgspec.json.decode(answer, type=SyncReport)
    except Unavailable:
        if dry_run:
            return await _sync_here(settings, dry_run=True)
    refuse_beside_kubelet()
    with node_lock(settings.lock_file):
        return await _sync_here(settings, dry_run=False)


async def health(settings: Settings) -> HealthReport:
    """Every check of this node. It never raises: what cannot be asked is a verdict too."""
    return (await examine(settings))[0]


async def examine(settings: Settings) -> tuple[HealthReport, PodsReport]:
    """The checks, and the pods and manifests behind them; without pods where nobody tells of these. It never raises."""
    runtime, agent = await asyncio.gather(_runtime(settings), _agent(settings))
    checks = [*verdict.runtime_checks(runtime), *verdict.agent_checks(agent)]
    # Without an agent the runtime would be asked once more.
    asked = agent.kind == "kubenode" or (agent.kind == "" and not runtime.error)
    report = await _pods_if_known(settings) if asked else None
    if report is None:
        report = await manifests(settings)
        checks += verdict.manifest_checks(report)
        checks += verdict.object_checks(report) if agent.kind == "kubelet" else ()
    else:
        checks += verdict.manifest_checks(report)
        checks += verdict.object_checks(report)
        checks += verdict.pod_checks(report)
    checks += await _resources(settings, runtime.image_filesystem)
    return HealthReport(node=settings.node_name, level=verdict.worst(checks), checks=tuple(checks)), report


async def _pods_if_known(settings: Settings) -> PodsReport | None:
    try:
        return await pods(settings)
    except ClientError:
        return None


async def _resources(settings: Settings, image_filesystem: str) -> list[Check]:
    """A disk that does not answer is a verdict too."""
    root = Path(settings.kubenode.root_directory)
    try:
        amounts = await PatientCalls().call("amounts", DISK_SECONDS, node_facts.amounts, root, image_filesystem)
    except TimeoutError:
        return [verdict.hung_disk(root, image_filesystem, DISK_SECONDS)]
    return list(verdict.resource_checks(amounts, settings.eviction_hard))


async def manifests(settings: Settings) -> PodsReport:
    """The state of each manifest, read here, without a runtime."""
    snapshot = await Sources(settings, time.time, lambda _: None, keep=False).read()
    return pods_report(settings, snapshot, [])


async def versions(config: Path) -> Versions:
    """Versions, as far as they can be asked; on a machine that is no node only the program's own."""
    try:
        settings = load(config)
    except ConfigurationError:
        return Versions(kubenode=kubenode.__version__)
    runtime = await _runtime(settings)
    try:
        answer = await AgentClient(settings.admin_socket).get("/v1/state")
        agent = msgspec.json.decode(answer, type=AgentState).version
    except ClientError:
        agent = ""
    return Versions(kubenode=kubenode.__version__, agent=agent, runtime=runtime.name)


async def wait_until_running(settings: Settings, seconds: float) -> list[PodStatus]:
    """Until every pod runs or is done, or the time is over; the pods of which neither can be said.

    Without an agent each look is followed by another turn, so that pods that need several get them.
    """
    deadline = time.monotonic() + seconds
    while True:
        report = await pods(settings)
        missing = [pod for pod in report.pods if not _as_wanted(pod)]
        if not missing or time.monotonic() > deadline:
            return missing
        await asyncio.sleep(WAIT_PERIOD_SECONDS)
        if (await _agent(settings)).kind != "kubenode":
            await sync(settings, dry_run=False)


def _as_wanted(pod: PodStatus) -> bool:
    return pod.phase == "Succeeded" or (pod.phase == "Running" and not pod.reason and pod.settled)


def is_this_node(settings: Settings, name: str) -> bool:
    return name.lower() in {settings.node_name, socket.gethostname().lower(), "localhost"}


async def _sync_here(settings: Settings, *, dry_run: bool) -> SyncReport:
    async with open_node(settings, acting=True) as node:
        snapshot, keys = await survey(settings, node, keep=not dry_run)
        never = asyncio.Event()
        taken = [desired.pod for desired in snapshot.pods.values() if desired.refusal is None]
        steps = await sync_node_cgroups(taken, node.settings, dry_run=dry_run)
        turns = await _each(
            keys,
            lambda key: (
                look(node, key, snapshot.pods.get(key), {})
                if dry_run
                else turn(node, key, snapshot.pods.get(key), {}, never)
            ),
        )
    return SyncReport(
        node=settings.node_name,
        dry_run=dry_run,
        steps=steps,
        pods=tuple(_synced(key, done, snapshot, dry_run=dry_run) for key, done in sorted(turns.items())),
        manifests=tuple(manifest_state(item) for item in snapshot.items),
        objects=tuple(object_state(item) for item in snapshot.object_items),
        complete=snapshot.complete,
        errors=snapshot.errors,
    )


def _synced(key: PodKey, done: Turn | ClientError, snapshot: Snapshot, *, dry_run: bool) -> PodSync:
    if isinstance(done, ClientError):
        return PodSync(pod=str(key), error=str(done))
    notes = stale_environments(snapshot.pods.get(key), done.observed, snapshot.object_items)
    return planned(done.plan, notes) if dry_run else carried_out(done.plan, done.outcomes, notes)


async def survey(settings: Settings, node: Node, *, keep: bool = False) -> tuple[Snapshot, set[PodKey]]:
    """What is desired, and every key that is desired or there; what is there and unwanted only when all answered."""
    snapshot = await Sources(settings, node.clock, lambda _: None, keep=keep).read()
    there = set(await node.observer.signatures()) | await asyncio.to_thread(node.local.keys)
    admission = Admission(settings, keep=keep)
    admission.features = (await node_facts.runtime(node.cri)).features
    admitted = dataclasses.replace(snapshot, pods=admission.admit(snapshot.pods))
    return admitted, set(snapshot.pods) | (there if snapshot.complete else set())


async def _each(keys: set[PodKey], task: Callable[[PodKey], Awaitable[Turn]]) -> dict[PodKey, Turn | ClientError]:
    slots = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(key: PodKey) -> Turn | ClientError:
        async with slots:
            try:
                return await task(key)
            except ClientError as error:
                return error

    ordered = sorted(keys)
    return dict(zip(ordered, await asyncio.gather(*(one(key) for key in ordered)), strict=True))


async def _runtime(settings: Settings) -> RuntimeFacts:
    try:
        async with open_node(settings) as node:
            return await node_facts.runtime(node.cri)
    except ClientError as error:
        return RuntimeFacts(error=str(error))


async def _agent(settings: Settings) -> AgentFacts:
    try:
        answer = await AgentClient(settings.admin_socket).get("/v1/state")
    except ClientError as error:
        if upstream_kubelet() is not None:
            return await _kubelet()
        return AgentFacts(error=str(error))
    state = msgspec.json.decode(answer, type=AgentState)
    return AgentFacts("kubenode", "", state.pleg_age, state.pleg_healthy, state.stuck, state.warnings)


async def _kubelet() -> AgentFacts:
    timeout = aiohttp.ClientTimeout(total=KUBELET_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(KUBELET_HEALTH) as response:
            error = "" if response.status == 200 else f"the kubelet says: {(await response.text())[:500]}"
    except (aiohttp.ClientError, TimeoutError) as failure:
        error = f"the kubelet does not answer at {KUBELET_HEALTH}: {str(failure) or type(failure).__name__}"
    return AgentFacts("kubelet", error)
