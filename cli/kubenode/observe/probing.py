"""The prober: asks the containers' probes, each at its own pace in a task of its own, and keeps their verdicts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kubenode.clients.cri import CriClient
from kubenode.clients.http_get import http_session
from kubenode.model.names import PodKey
from kubenode.model.observed import ProbeKind, ProbeState
from kubenode.observe.probe_checks import Checker, CheckError
from kubenode.plan.probe_runs import ProbeRun, advance, first_wait, next_due, over
from kubenode.plan.probes import ProbeTarget

UNHEALTHY = "Unhealthy"
WARNING = "ProbeWarning"
# How long verdicts from before a restart wait for their containers to be seen.
KEPT_SECONDS = 3600.0

States = Mapping[str, Mapping[ProbeKind, ProbeState]]
"""Verdicts by container id."""

Unhealthy = Callable[[PodKey, str, str, str], None]
"""(pod, container name, reason of an event, message)."""


def _to_nobody(_key: PodKey, _container: str, _reason: str, _message: str) -> None:
    pass


@dataclass(slots=True, eq=False)
class _Probing:
    key: PodKey
    target: ProbeTarget
    run: ProbeRun
    task: asyncio.Task[None] | None = None

    def serves(self, target: ProbeTarget) -> bool:
        return (self.target.probe, self.target.check) == (target.probe, target.check)


class Prober:
    """Calls `changed` when a verdict turns, and `unhealthy` for each result that an event should tell.

    clock: seconds since the epoch
    kept: the verdicts that `kept` held when the agent stopped; they stand until probes say otherwise
    flipped: set when a verdict turned, for whoever keeps them; it is theirs to clear
    """

    def __init__(
        self,
        cri: CriClient,
        changed: Callable[[PodKey], None],
        clock: Callable[[], float],
        kept: States | None = None,
        unhealthy: Unhealthy = _to_nobody,
    ) -> None:
        self._cri = cri
        self._changed = changed
        self._clock = clock
        self._unhealthy = unhealthy
        self._began = clock()
        self._unclaimed = {container: dict(states) for container, states in (kept or {}).items()}
        self._watched: dict[PodKey, dict[tuple[str, ProbeKind], _Probing]] = {}
        self._running: tuple[asyncio.TaskGroup, Checker] | None = None
        self.flipped = asyncio.Event()

    def watch(self, key: PodKey, targets: tuple[ProbeTarget, ...]) -> None:
        """From now on these are the pod's probes. One that goes on for the same container is not disturbed."""
        before = self._watched.pop(key, {})
        after = {(target.container_id, target.kind): self._take_up(key, target, before) for target in targets}
        for place, probing in before.items():
            if after.get(place) is not probing and probing.task is not None:
                probing.task.cancel()
        for gone in {container for container, _ in before} - {container for container, _ in after}:
            self._unclaimed.pop(gone, None)
        if after:
            self._watched[key] = after
        for probing in after.values():
            self._start(probing)

    def forget(self, key: PodKey) -> None:
        self.watch(key, ())

    def states(self, key: PodKey) -> States:
        """The pod's verdicts; after a restart also what was kept of containers that no pod has shown yet."""
        found = {container: dict(states) for container, states in self._unclaimed.items()}
        for (container, kind), probing in self._watched.get(key, {}).items():
            found.setdefault(container, {})[kind] = probing.run.state
        return found

    @property
    def kept(self) -> States:
        """What a restart must not forget."""
        found = {container: dict(states) for container, states in self._unclaimed.items()}
        for probings in self._watched.values():
            for (container, kind), probing in probings.items():
                if probing.run.state.passed is not None:
                    found.setdefault(container, {})[kind] = probing.run.state
        return found

    async def run(self) -> None:
        """Asks, until cancelled; then nothing is left under way."""
        async with http_session() as session, asyncio.TaskGroup() as group:
            self._running = group, Checker(self._cri, session)
            try:
                for probings in self._watched.values():
                    for probing in probings.values():
                        self._start(probing)
                await asyncio.sleep(KEPT_SECONDS)
                self._unclaimed.clear()
                await asyncio.get_running_loop().create_future()
            finally:
                self._running = None

    def _take_up(self, key: PodKey, target: ProbeTarget, before: Mapping[tuple[str, ProbeKind], _Probing]) -> _Probing:
        known = before.get((target.container_id, target.kind))
        if known is None:
            return _Probing(key, target, ProbeRun(self._claim(target)))
        return known if known.serves(target) else _Probing(key, target, ProbeRun(known.run.state))

    def _claim(self, target: ProbeTarget) -> ProbeState:
        states = self._unclaimed.get(target.container_id, {})
        state = states.pop(target.kind, target.state)
        if not states:
            self._unclaimed.pop(target.container_id, None)
        return state

    def _start(self, probing: _Probing) -> None:
        kind = probing.target.kind
        under_way = probing.task is not None and not probing.task.done()
        if self._running is None or under_way or over(kind, probing.run.state):
            return
        group, checker = self._running
        name = f"{kind} probe of {probing.key} {probing.target.container}"
        probing.task = group.create_task(self._go_on(probing, checker), name=name)

    async def _go_on(self, probing: _Probing, checker: Checker) -> None:
        loop, target = asyncio.get_running_loop(), probing.target
        due = loop.time() + first_wait(target, self._clock(), self._began, random.random())
        while not over(target.kind, probing.run.state):
            await asyncio.sleep(due - loop.time())
            await self._ask(probing, checker)
            due = next_due(due, target.probe, loop.time())

    async def _ask(self, probing: _Probing, checker: Checker) -> None:
        target = probing.target
        try:
            result = await checker.check(target.container_id, target.check, target.probe.timeout_seconds)
        except CheckError as error:
            self._tell(probing, UNHEALTHY, f"probe could not be asked: {error}")
            return
        if not result.passed:
            self._tell(probing, UNHEALTHY, f"probe failed: {result.message}")
        elif result.message:
            self._tell(probing, WARNING, f"probe passed with a warning: {result.message}")
        before = probing.run.state.passed
        probing.run = advance(probing.run, target.kind, target.probe, result.passed, result.message, self._clock())
        if probing.run.state.passed is not before:
            self.flipped.set()
            self._changed(probing.key)

    def _tell(self, probing: _Probing, reason: str, message: str) -> None:
        target = probing.target
        self._unhealthy(probing.key, target.container, reason, f"{target.kind.capitalize()} {message}")
