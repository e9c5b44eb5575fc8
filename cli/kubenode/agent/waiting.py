"""Waiting until pods run, are ready, or are gone: by what the agent reports, or beside a kubelet the runtime shows.

It ends as soon as it is certain that what is awaited will not come.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from kubenode.agent import queries
from kubenode.agent.manifests import Change
from kubenode.agent.once import open_node
from kubenode.agent.surroundings import Surroundings
from kubenode.agent.upstream_pods import Manifest, UpstreamPods
from kubenode.clients.agent import AgentClient
from kubenode.clients.errors import ClientError, KubenodeError
from kubenode.model.names import PodKey
from kubenode.model.pod import Pod
from kubenode.model.reports import PodsReport
from kubenode.model.settings import Settings
from kubenode.model.static_pod import Origin, SourceKind, static_pod
from kubenode.model.status import ContainerStatus, PodStatus
from kubenode.observe.termination import log_tail
from kubenode.plan.start import Awaited, condition_of, outlook, sentence

POLL_SECONDS = 0.25
# An agent that was just started, or starts again, answers by then; one that answers reads a changed file by then.
ANSWER_SECONDS = 15.0
TAKEN_UP_SECONDS = 5.0
# How much of a log an error shows.
LAST_LINES, LAST_CHARACTERS = 5, 600

_Answer = TypeVar("_Answer")
Look = Callable[[], Awaitable[PodStatus | str]]


class WaitFailed(KubenodeError):
    """What was awaited did not happen; says how far it came."""


class Hopeless(WaitFailed):
    """It cannot happen any more: `why` alone, as the rest of the sentence is the caller's."""


async def wait_started(change: Change, around: Surroundings, awaited: Awaited, seconds: float) -> PodStatus:
    """The status of this version of the pod once it runs, is ready, or has done its work.

    Raises WaitFailed when that takes longer or cannot come, ClientError.
    """
    pod = _pod_of(change)
    probing = awaited is Awaited.READY
    async with _looking(change, around, pod, probing=probing) as look:
        patience = _Patience(awaited, around.settings)

        async def once() -> PodStatus | str:
            return patience.judge(await look())

        verb = "run" if awaited is Awaited.RUNNING else "become ready"
        return await _until(once, f"Pod {_as_run(pod, change, around.settings).key} does not {verb}", seconds)


async def wait_gone(change: Change, around: Surroundings, seconds: float) -> None:
    """Until nothing is left of the pod. Raises WaitFailed, ClientError."""
    if change.pod is None:
        return
    pod, settings = change.pod, around.settings
    key = _as_run(pod, change, settings).key
    what = f"Pod {key} is still there"
    if around.kubelet:
        async with open_node(settings) as node:
            there = UpstreamPods(node)
            await _until(lambda: there.gone(_manifest(change, pod)), what, seconds)
        return

    async def once() -> bool | str:
        report = await queries.pods(settings)
        status = find(report, key)
        if status is None and not report.complete:
            return "the agent does not know all pods yet"
        return sentence(status) if status else True

    await _until(once, what, seconds)


async def wait_all(around: Surroundings, seconds: float) -> None:
    """Until every pod runs or is done, and none is left that nobody wants.

    Without an agent each look is followed by another turn, as a pod may need several. Raises WaitFailed that names the
    pods, as soon as nothing but those is left that cannot come up; NodeBusy, ClientError.
    """
    settings = around.settings
    patience: dict[PodKey, _Patience] = {}

    async def once() -> bool | str:
        missing, hopeless = [], []
        report = await queries.pods(settings)
        for status in report.pods:
            key = PodKey(status.namespace, status.name)
            try:
                seen = patience.setdefault(key, _Patience(Awaited.RUNNING, settings)).judge(status)
                if isinstance(seen, str) or not _at_rest(seen):
                    missing.append(f"pod {key}: {seen if isinstance(seen, str) else sentence(seen)}")
            except Hopeless as error:
                hopeless.append(f"pod {key}: {error}")
        if hopeless and not missing:
            raise Hopeless("; ".join(hopeless))
        if not await who_runs_pods(around):
            await queries.sync(settings, dry_run=False)
        return "; ".join((*hopeless, *missing)) or (True if report.complete else "not all pods are known yet")

    await _until(once, f"Not all pods of {settings.node_name} run", seconds)


def _at_rest(status: PodStatus) -> bool:
    return status.phase == "Succeeded" or (not status.reason and status.settled)


async def who_runs_pods(around: Surroundings) -> str:
    """ "kubenode", "kubelet", or nothing where neither runs."""
    try:
        await AgentClient(around.settings.admin_socket).get("/v1/state")
    except ClientError:
        return "kubelet" if around.kubelet else ""
    return "kubenode"


@dataclass(slots=True)
class _Patience:
    """What is seen, held against how long it has been so."""

    awaited: Awaited
    settings: Settings
    _condition: tuple[object, ...] = ()
    _since: float = 0.0

    def judge(self, seen: PodStatus | str) -> PodStatus | str:
        """Raises Hopeless."""
        if isinstance(seen, str):
            return seen
        now, condition = time.monotonic(), condition_of(seen)
        if condition != self._condition:
            self._condition, self._since = condition, now
        verdict = outlook(seen, self.awaited, now - self._since, time.time())
        if verdict.failed:
            raise Hopeless(verdict.why + (_log_of(seen, verdict.looping, self.settings) if verdict.looping else ""))
        return seen if verdict.done else verdict.why


@asynccontextmanager
async def _looking(change: Change, around: Surroundings, pod: Pod, *, probing: bool) -> AsyncIterator[Look]:
    if around.kubelet:
        async with open_node(around.settings) as node:
            upstream = UpstreamPods(node, probing)
            manifest = _manifest(change, pod)
            yield lambda: upstream.status(manifest)
        return
    yield _AgentsPod(change, around, _as_run(pod, change, around.settings)).status


@dataclass(slots=True)
class _AgentsPod:
    """A pod as the agent tells of it; while none runs, as the node looks."""

    change: Change
    around: Surroundings
    wanted: Pod
    _refused_since: float | None = None
    _alone_since: float | None = None

    async def status(self) -> PodStatus | str:
        """Raises Hopeless, ClientError."""
        report = await queries.pods(self.around.settings)
        status = find(report, self.wanted.key)
        if status is not None and status.uid == self.wanted.metadata.uid:
            self._refused_since = None
            return status if status.phase in ("Running", "Succeeded") else await self._or_nobody(status)
        if reason := self._refusal(report):
            now = time.monotonic()
            self._refused_since = now if self._refused_since is None else self._refused_since
            if now - self._refused_since >= TAKEN_UP_SECONDS:
                raise Hopeless(reason)
            return reason
        return await self._or_nobody(f"the agent has not taken up {self.change.path}")

    async def _or_nobody(self, seen: PodStatus | str) -> PodStatus | str:
        """What was seen, unless nobody is there who could change it."""
        if await who_runs_pods(self.around):
            self._alone_since = None
            return seen
        now = time.monotonic()
        self._alone_since = now if self._alone_since is None else self._alone_since
        why = "neither the kubenode agent nor a kubelet runs on this node: start one, e.g. systemctl start kubenode"
        if now - self._alone_since >= ANSWER_SECONDS:
            raise Hopeless(why)
        return why

    def _refusal(self, report: PodsReport) -> str:
        """Why the agent does not run the manifest, or nothing."""
        path = str(self.change.path)
        return next((one.reason for one in report.manifests if one.source == path and one.state != "valid"), "")


async def _until(look: Callable[[], Awaitable[_Answer | str]], what: str, seconds: float) -> _Answer:
    """What `look` answers; a text says why it is too early, and so does an error of a service that may come back."""
    why, began = "nothing answered", time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    answer = await look()
                except ClientError as error:
                    answer = str(error)
                if not isinstance(answer, str):
                    return answer
                why = answer
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise WaitFailed(f"{what} after {seconds:g} s: {why}") from None
    except Hopeless as error:
        raise WaitFailed(f"{what} (given up after {time.monotonic() - began:.0f} s): {error}") from None


def _pod_of(change: Change) -> Pod:
    if change.pod is None:
        raise WaitFailed(f"{change.path} held no valid pod: there is none to wait for")
    return change.pod


def _manifest(change: Change, pod: Pod) -> Manifest:
    """With the time of the file as it is now; that of one that is gone does not count."""
    try:
        changed_at = change.path.stat().st_mtime
    except OSError:
        changed_at = 0.0
    return Manifest(change.path, pod, changed_at)


def _as_run(pod: Pod, change: Change, settings: Settings) -> Pod:
    return static_pod(pod, Origin(SourceKind.FILE, str(change.path)), settings.node_name)


def find(report: PodsReport, key: PodKey) -> PodStatus | None:
    return next((status for status in report.pods if PodKey(status.namespace, status.name) == key), None)


def _log_of(status: PodStatus, container: ContainerStatus, settings: Settings) -> str:
    """The end of the log of the run that ended, where it left no other words."""
    if container.message and container.last and container.last.message:
        return ""
    folder = Path(settings.kubelet.pod_logs_dir, f"{status.namespace}_{status.name}_{status.uid}", container.name)
    lines = log_tail(folder / f"{container.restarts}.log").splitlines()[-LAST_LINES:]
    text = " | ".join(line.strip() for line in lines if line.strip())[-LAST_CHARACTERS:]
    return f" (the end of its log: {text})" if text else ""


def plain(status: PodStatus) -> dict[str, object]:
    """As a module returns it."""
    return dict(msgspec.to_builtins(status))
