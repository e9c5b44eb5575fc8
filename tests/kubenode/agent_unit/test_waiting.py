"""Waiting for a manifest's pod, with a real admin socket that tells of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from kubenode.agent.config import load
from kubenode.agent.manifests import Change, present
from kubenode.agent.surroundings import Surroundings, surroundings
from kubenode.agent.waiting import WaitFailed, wait_all, wait_gone, wait_started
from kubenode.model.events import EventsReport
from kubenode.model.reports import AgentState, ManifestState, PodsReport, SyncReport
from kubenode.model.static_pod import Origin, SourceKind, static_pod
from kubenode.model.status import ContainerStatus, Exit, PodStatus
from kubenode.plan.start import Awaited
from kubenode.report.events import EventStore
from kubenode.serve.http import PodAnswers, serve_admin

NODE = "n1"
LONG = 30.0  # seconds; a test that gets there has failed
SHORT = 0.2


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    head = "apiVersion: kubenode.io/v1alpha1\nkind: KubenodeConfiguration\n"
    file.write_text(f"{head}nodeName: {NODE}\nrunDirectory: {tmp_path}/run\n")
    return file


@pytest.fixture
def change(tmp_path: Path) -> Change:
    container = {"name": "main", "image": "i"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [container]}}
    return present(tmp_path, "", pod)


async def test_it_returns_once_this_version_runs(configuration: Path, change: Change) -> None:
    told = [[], [_status(change, uid="old")], [_status(change, state="waiting", reason="Creating")], [_status(change)]]
    async with _agent(configuration, told):
        status = await wait_started(change, _around(configuration), Awaited.RUNNING, LONG)
    assert (status.name, status.phase) == ("web-n1", "Running")


async def test_it_says_what_holds_the_pod_up(configuration: Path, change: Change) -> None:
    waiting = _status(change, state="waiting", reason="ErrImagePull", message="no answer")
    async with _agent(configuration, [[waiting]]):
        with pytest.raises(WaitFailed, match=r"default/web-n1 does not run after 0\.2 s: .*ErrImagePull no answer"):
            await wait_started(change, _around(configuration), Awaited.RUNNING, SHORT)


async def test_it_says_why_the_agent_does_not_take_the_manifest_up(configuration: Path, change: Change) -> None:
    state = ManifestState(source=str(change.path), state="superseded", reason="another file has the pod")
    async with _agent(configuration, [[]], manifests=(state,)):
        with pytest.raises(WaitFailed, match="another file has the pod"):
            await wait_started(change, _around(configuration), Awaited.RUNNING, SHORT)


async def test_a_failed_pod_is_not_waited_for(configuration: Path, change: Change) -> None:
    failed = _status(change, phase="Failed", state="terminated", reason="Error")
    async with _agent(configuration, [[failed]]):
        with pytest.raises(WaitFailed, match=r"given up after 0 s\): it is Failed; main is terminated: Error"):
            await wait_started(change, _around(configuration), Awaited.RUNNING, LONG)


async def test_a_loop_of_crashes_is_told_with_the_last_words(configuration: Path, change: Change) -> None:
    looping = _status(change, state="waiting", reason="CrashLoopBackOff", message="ended", last="no database")
    async with _agent(configuration, [[looping]]):
        with pytest.raises(WaitFailed, match=r"given up after 0 s\): .*CrashLoopBackOff.*no database"):
            await wait_started(change, _around(configuration), Awaited.RUNNING, LONG)


async def test_an_image_that_its_registry_refuses_is_not_waited_for(configuration: Path, change: Change) -> None:
    refused = _status(change, state="waiting", reason="ErrImagePull", message="manifest unknown")
    async with _agent(configuration, [[refused]]):
        with pytest.raises(WaitFailed, match=r"given up after 0 s\): .*manifest unknown"):
            await wait_started(change, _around(configuration), Awaited.RUNNING, LONG)


async def test_ready_is_more_than_running(configuration: Path, change: Change) -> None:
    async with _agent(configuration, [[_status(change, ready=0)]]):
        with pytest.raises(WaitFailed, match=r"does not become ready after 0\.2 s: it runs, and is not ready: main"):
            await wait_started(change, _around(configuration), Awaited.READY, SHORT)
    async with _agent(configuration, [[_status(change, ready=0)], [_status(change)]]):
        assert (await wait_started(change, _around(configuration), Awaited.READY, LONG)).ready == 1


async def test_all_are_waited_for_and_those_that_cannot_come_are_named(configuration: Path, change: Change) -> None:
    bad = _status(change, state="waiting", reason="ErrImageNeverPull", phase="Pending")
    async with _agent(configuration, [[bad]]):
        with pytest.raises(WaitFailed, match=r"Not all pods of n1 run \(given up.*pod default/web-n1: .*ErrImageNever"):
            await wait_all(_around(configuration), LONG)
    async with _agent(configuration, [[msgspec.structs.replace(_status(change), settled=False)], [_status(change)]]):
        await wait_all(_around(configuration), LONG)


async def test_gone_is_gone(configuration: Path, change: Change) -> None:
    async with _agent(configuration, [[_status(change, phase="Terminating")], []]):
        await wait_gone(change, _around(configuration), LONG)


async def test_nothing_is_gone_before_the_agent_knows_all_pods(configuration: Path, change: Change) -> None:
    async with _agent(configuration, [[]], complete=False):
        with pytest.raises(WaitFailed, match="does not know all pods yet"):
            await wait_gone(change, _around(configuration), SHORT)


async def test_it_says_what_is_still_there(configuration: Path, change: Change) -> None:
    async with _agent(configuration, [[_status(change, phase="Terminating")]]):
        with pytest.raises(WaitFailed, match=r"is still there after 0\.2 s: it is Terminating"):
            await wait_gone(change, _around(configuration), SHORT)


def _status(
    change: Change,
    *,
    uid: str = "",
    phase: str = "Running",
    state: str = "running",
    reason: str = "",
    message: str = "",
    last: str = "",
    ready: int = 1,
) -> PodStatus:
    assert change.pod is not None
    pod = static_pod(change.pod, Origin(SourceKind.FILE, str(change.path)), NODE)
    container = ContainerStatus(
        name="main",
        state=state,
        reason=reason,
        message=message,
        ready=bool(ready),
        restarts=1 if last else 0,
        last=Exit(exit_code=1, reason="Error", message=last) if last else None,
    )
    key = pod.key
    return PodStatus(
        namespace=key.namespace,
        name=key.name,
        uid=uid or pod.metadata.uid,
        phase=phase,
        containers=(container,),
        ready=ready,
        total=1,
        settled=True,
    )


def _around(configuration: Path) -> Surroundings:
    return surroundings(str(configuration))


@asynccontextmanager
async def _agent(
    configuration: Path,
    told: list[list[PodStatus]],
    manifests: tuple[ManifestState, ...] = (),
    *,
    complete: bool = True,
) -> AsyncIterator[None]:
    """An admin socket that tells of the pods, one list after the other, the last one for ever."""
    answers = _answers(told)
    socket = load(configuration).admin_socket

    async def sync(_dry_run: bool) -> SyncReport:
        raise AssertionError("nobody asks for a sync")

    def state() -> AgentState:
        return AgentState(version="1", started_at=0.0, pleg_age=0.0, pleg_healthy=True, pleg_evented=False)

    store = EventStore(socket.with_name("events.jsonl"), time.time)
    server = asyncio.create_task(
        serve_admin(
            socket,
            pods=lambda: PodsReport(node=NODE, pods=tuple(next(answers)), manifests=manifests, complete=complete),
            sync=sync,
            state=state,
            answers=PodAnswers(pod=lambda _key: None, events=lambda: EventsReport(node=NODE), follow=store.follow),
        )
    )
    while not socket.exists():
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.cancel()
        with suppress(asyncio.CancelledError):
            await server


def _answers(told: list[list[PodStatus]]) -> Iterator[list[PodStatus]]:
    yield from told[:-1]
    while True:
        yield told[-1]
