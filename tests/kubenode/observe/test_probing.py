"""The prober: what is under way, what it says, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kubenode.clients.cri import CriClient
from kubenode.model.names import PodKey
from kubenode.model.observed import ProbeKind, ProbeState
from kubenode.model.probes import Probe
from kubenode.model.specs import HttpHook
from kubenode.observe.probing import Prober, States
from kubenode.plan.probes import Check, ProbeTarget
from support.http_server import HOST, HttpServer

READINESS, LIVENESS, STARTUP = ProbeKind.READINESS, ProbeKind.LIVENESS, ProbeKind.STARTUP
KEY, OTHER = PodKey("default", "web"), PodKey("default", "db")
WITHIN = 5.0  # seconds


class Server(HttpServer):
    """Answers with `status`, where it does not hang; `asked` counts by path."""

    def __init__(self) -> None:
        super().__init__(self._say)
        self.status = 200
        self.hang = False
        self.hung_up = asyncio.Event()

    async def _say(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.hang or request.path == "/hang":
            try:
                await asyncio.sleep(60)
            finally:
                self.hung_up.set()
        return web.Response(status=self.status)

    def asked(self, path: str = "/") -> int:
        return sum(request.path == path for request in self.requests)

    def target(
        self, container_id: str = "c1", kind: ProbeKind = READINESS, path: str = "/", **probe: Any
    ) -> ProbeTarget:
        check = HttpHook("HTTP", HOST, self.port, path)
        fields = {"period_seconds": 1, "failure_threshold": 1, **probe}
        return ProbeTarget(container_id, "app", kind, Probe(**fields), check, time.time() + 1, ProbeState())


@dataclasses.dataclass
class Under:
    """A prober at work, and what it told."""

    prober: Prober
    changes: list[PodKey]
    told: list[tuple[PodKey, str, str, str]]

    def verdict(self, container_id: str = "c1", kind: ProbeKind = READINESS, key: PodKey = KEY) -> bool | None:
        return self.prober.states(key)[container_id][kind].passed


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server


@asynccontextmanager
async def probing(folder: Path, kept: States | None = None) -> AsyncIterator[Under]:
    """A prober that runs, on a runtime that is not there."""
    changes: list[PodKey] = []
    told: list[tuple[PodKey, str, str, str]] = []
    async with CriClient(str(folder / "absent.sock")) as cri:
        prober = Prober(cri, changes.append, time.time, kept, lambda *what: told.append(what))
        task = asyncio.create_task(prober.run())
        yield Under(prober, changes, told)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


@pytest.fixture
async def under(tmp_path: Path) -> AsyncIterator[Under]:
    async with probing(tmp_path) as under:
        yield under


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not condition():
            await asyncio.sleep(0.01)


def probe_tasks() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if " probe of " in task.get_name()]


async def test_a_verdict_turns_and_turns_back(under: Under, server: Server) -> None:
    under.prober.watch(KEY, (server.target(),))
    assert under.verdict() is None
    await until(lambda: under.verdict() is True)
    assert under.prober.flipped.is_set()
    server.status = 500
    await until(lambda: under.verdict() is False)
    server.status = 200
    await until(lambda: under.verdict() is True)
    assert under.changes == [KEY] * 3
    state = under.prober.states(KEY)["c1"][READINESS]
    assert state.message.endswith("status 500")
    assert abs(state.at - time.time()) < WITHIN


async def test_changes_are_told_only_when_a_verdict_turns(under: Under, server: Server) -> None:
    under.prober.watch(KEY, (server.target(),))
    await until(lambda: server.asked() == 3)
    assert under.changes == [KEY]


async def test_each_failure_is_told(under: Under, server: Server) -> None:
    server.status = 503
    under.prober.watch(KEY, (server.target(failure_threshold=5),))
    await until(lambda: len(under.told) == 2)
    assert under.told[0] == (
        KEY,
        "app",
        "Unhealthy",
        f"Readiness probe failed: GET http://{HOST}:{server.port}/: status 503",
    )
    assert under.changes == []


async def test_what_cannot_be_asked_leaves_the_verdict(tmp_path: Path, server: Server) -> None:
    async with probing(tmp_path, {"c1": {READINESS: ProbeState(True)}}) as under:
        target = server.target()
        nowhere = dataclasses.replace(target, check=HttpHook("HTTP", "", server.port, "/"))
        under.prober.watch(KEY, (nowhere,))
        await until(lambda: len(under.told) == 2)
        assert under.verdict() is True
        assert under.told[0][3].startswith("Readiness probe could not be asked: ")


async def test_a_startup_probe_ends_when_it_has_passed(under: Under, server: Server) -> None:
    startup = server.target(kind=STARTUP, path="/startup")
    under.prober.watch(KEY, (startup,))
    await until(lambda: under.changes == [KEY])
    under.prober.watch(KEY, (startup, server.target(path="/ready")))
    await until(lambda: server.asked("/ready") == 2)
    assert (server.asked("/startup"), under.verdict(kind=STARTUP)) == (1, True)


async def test_a_failed_liveness_probe_asks_no_more_until_there_is_another_container(
    under: Under, server: Server
) -> None:
    server.status = 500
    under.prober.watch(KEY, (server.target(kind=LIVENESS), server.target(path="/ready")))
    await until(lambda: server.asked("/ready") == 3)
    assert (server.asked(), under.verdict(kind=LIVENESS)) == (1, False)
    server.status = 200
    under.prober.watch(KEY, (server.target("c2", LIVENESS),))
    await until(lambda: under.verdict("c2", LIVENESS) is True)
    assert "c1" not in under.prober.states(KEY)


async def test_the_same_probe_goes_on_undisturbed(under: Under, server: Server) -> None:
    under.prober.watch(KEY, (server.target(period_seconds=60),))
    await until(lambda: under.verdict() is True)
    later = dataclasses.replace(server.target(period_seconds=60), state=ProbeState(False))
    for _ in range(5):
        under.prober.watch(KEY, (later,))
        await asyncio.sleep(0)
    assert (server.asked(), under.verdict()) == (1, True)


async def test_another_definition_is_asked_at_once_and_the_verdict_stands(under: Under, server: Server) -> None:
    under.prober.watch(KEY, (server.target(period_seconds=60),))
    await until(lambda: under.verdict() is True)
    under.prober.watch(KEY, (server.target(path="/other", period_seconds=60),))
    assert under.verdict() is True
    await until(lambda: server.asked("/other") == 1)
    assert len(probe_tasks()) == 1


async def test_what_hangs_holds_nobody_up(under: Under, server: Server) -> None:
    stuck = server.target(path="/hang", timeout_seconds=30)
    under.prober.watch(OTHER, (stuck,))
    under.prober.watch(KEY, (server.target(), server.target(kind=LIVENESS, path="/hang", timeout_seconds=30)))
    await until(lambda: under.verdict() is True)


async def test_a_time_out_is_a_failure(under: Under, server: Server) -> None:
    under.prober.watch(KEY, (server.target(path="/hang", timeout_seconds=1),))
    await until(lambda: under.verdict() is False)
    assert "no answer within 1 s" in under.prober.states(KEY)["c1"][READINESS].message


async def test_a_probe_ends_at_once_with_its_container(under: Under, server: Server) -> None:
    under.prober.watch(KEY, (server.target(path="/hang", timeout_seconds=60), server.target("c2")))
    await until(lambda: server.asked("/hang") == 1)
    under.prober.watch(KEY, (server.target("c2"),))
    async with asyncio.timeout(WITHIN):
        await server.hung_up.wait()
    assert list(under.prober.states(KEY)) == ["c2"]
    assert len(probe_tasks()) == 1


async def test_a_forgotten_pod_has_no_probes(under: Under, server: Server) -> None:
    under.prober.watch(KEY, (server.target(),))
    under.prober.watch(OTHER, (server.target("c9"),))
    await until(lambda: under.verdict() is True)
    under.prober.forget(KEY)
    assert (under.prober.states(KEY), list(under.prober.states(OTHER))) == ({}, ["c9"])
    under.prober.forget(PodKey("default", "never-seen"))
    await until(lambda: len(probe_tasks()) == 1)


async def test_a_cancelled_prober_leaves_nothing_behind(tmp_path: Path, server: Server) -> None:
    async with probing(tmp_path) as under:
        paths = [server.target(f"c{n}", path="/hang", timeout_seconds=60) for n in range(20)]
        under.prober.watch(KEY, tuple(paths))
        await until(lambda: server.asked("/hang") == 20)
    assert probe_tasks() == []
    under.prober.watch(KEY, (server.target(),))
    assert probe_tasks() == []


async def test_what_is_watched_before_it_runs_is_asked_once_it_does(tmp_path: Path, server: Server) -> None:
    changes: list[PodKey] = []
    async with CriClient(str(tmp_path / "absent.sock")) as cri:
        prober = Prober(cri, changes.append, time.time)
        prober.watch(KEY, (server.target(),))
        assert probe_tasks() == []
        task = asyncio.create_task(prober.run())
        await until(lambda: changes == [KEY])
        task.cancel()
        await asyncio.wait([task])


async def run_until(prober: Prober, condition: Callable[[], bool]) -> None:
    task = asyncio.create_task(prober.run())
    await until(condition)
    task.cancel()
    await asyncio.wait([task])


async def test_a_prober_that_is_run_again_goes_on(tmp_path: Path, server: Server) -> None:
    async with CriClient(str(tmp_path / "absent.sock")) as cri:
        prober = Prober(cri, lambda _key: None, time.time)
        prober.watch(KEY, (server.target(),))
        await run_until(prober, lambda: server.asked() == 1)
        assert probe_tasks() == []
        await run_until(prober, lambda: server.asked() == 2)


async def test_a_restart_changes_no_verdict(tmp_path: Path, server: Server) -> None:
    async with probing(tmp_path) as before:
        before.prober.watch(KEY, (server.target(), server.target("c2", LIVENESS)))
        await until(lambda: len(before.changes) == 2)
    server.hang = True
    async with probing(tmp_path, before.prober.kept) as after:
        # A pod is looked at, and its status told, before its probes are under way.
        assert (after.verdict(), after.verdict("c2", LIVENESS)) == (True, True)
        after.prober.watch(KEY, (server.target(timeout_seconds=30), server.target("c2", LIVENESS, timeout_seconds=30)))
        await until(lambda: server.asked() == 4)
        assert (after.verdict(), after.verdict("c2", LIVENESS), after.changes) == (True, True, [])
        assert after.prober.kept == before.prober.kept


async def test_after_a_restart_the_probes_spread_over_their_period(tmp_path: Path, server: Server) -> None:
    async with probing(tmp_path) as under:
        older = [dataclasses.replace(server.target(f"c{n}", period_seconds=600), started_at=0.0) for n in range(50)]
        under.prober.watch(KEY, tuple(older))
        under.prober.watch(OTHER, (server.target("new"),))
        await until(lambda: under.verdict("new", key=OTHER) is True)
        assert server.asked() < 10


async def test_only_verdicts_are_kept_and_only_of_what_is_watched(under: Under, server: Server) -> None:
    under.prober.watch(KEY, (server.target(), server.target("c2", initial_delay_seconds=60)))
    await until(lambda: under.verdict() is True)
    assert list(under.prober.kept) == ["c1"]
    under.prober.forget(KEY)
    assert under.prober.kept == {}


async def test_a_startup_that_passed_before_a_restart_is_not_asked_again(tmp_path: Path, server: Server) -> None:
    kept = {"c1": {STARTUP: ProbeState(True), READINESS: ProbeState(True)}}
    async with probing(tmp_path, kept) as under:
        under.prober.watch(KEY, (server.target(kind=STARTUP, path="/startup"),))
        assert under.verdict() is True, "the readiness of before waits for its probe"
        under.prober.watch(KEY, (server.target(kind=STARTUP, path="/startup"), server.target()))
        await until(lambda: server.asked() == 1)
        assert server.asked("/startup") == 0


async def test_any_check_that_fails_oddly_does_not_end_the_prober(under: Under, server: Server) -> None:
    odd: tuple[Check, ...] = (
        HttpHook("HTTP", "exa mple", 80, "/"),
        HttpHook("HTTP", "x" * 300, 80, "/"),
        HttpHook("HTTP", "[", 80, "/"),
        HttpHook("GOPHER", HOST, 80, "/"),
        HttpHook("HTTP", HOST, server.port, "/\ud800"),
        HttpHook("HTTP", HOST, server.port, "/", (("", ""), ("é", "ü"), ("Content-Length", "-1"))),
    )
    targets = [dataclasses.replace(server.target(f"c{n}"), check=check) for n, check in enumerate(odd)]
    under.prober.watch(KEY, tuple(targets))
    await until(lambda: len(under.told) >= len(odd) - 1)
    under.prober.watch(OTHER, (server.target("fine"),))
    await until(lambda: under.verdict("fine", key=OTHER) is True)
