"""One worker a pod key: it takes turns until the pod is as desired, then waits for news.

The latest desired pod wins. A turn that hangs holds up this pod alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kubenode.agent.once import Node, Turn, act, look
from kubenode.clients.errors import ClientError
from kubenode.model.actions import Failure
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedPod
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.failures import remember

log = logging.getLogger(__name__)

# While the runtime cannot be asked: the kubelet's figures.
RETRY_FIRST_SECONDS, RETRY_LONGEST_SECONDS = 0.1, 5.0
# Between two turns that planned the very same: what was done had no effect yet.
NO_EFFECT_SECONDS = 1.0
# No plan takes this long, short of a grace period or a pull; beyond it the pod is reported as stuck.
STUCK_AFTER_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class _Waiter:
    done: asyncio.Future[None]
    turns: list[Turn]


class Worker:
    """`turned` is called after every turn with this worker and the turn."""

    def __init__(self, key: PodKey, node: Node, turned: Callable[[Worker, Turn, float], None]) -> None:
        self.key = key
        self.desired: DesiredPod | None = None
        self.observed = ObservedPod(key)
        self.failures: Mapping[str, Failure] = {}
        self.error = ""
        self.looked_at = False
        self.settled = False
        self._node = node
        self._turned = turned
        self._news = asyncio.Event()
        self._superseded = asyncio.Event()
        self._waiters: list[_Waiter] = []
        self._turn_began: float | None = None

    @property
    def stuck(self) -> bool:
        return self._turn_began is not None and time.monotonic() - self._turn_began > STUCK_AFTER_SECONDS

    def want(self, desired: DesiredPod | None) -> None:
        """What should run under the key from now on; None: nothing."""
        if desired != self.desired:
            self.desired = desired
            self.settled = False
            self._superseded.set()
            self._news.set()

    def wake(self) -> None:
        """Something happened to the pod, or may have."""
        self._news.set()

    async def next_turns(self) -> list[Turn]:
        """The turn that is under way, if one is, and the next one that begins after this call."""
        waiter = _Waiter(asyncio.get_running_loop().create_future(), [])
        self._waiters.append(waiter)
        self._news.set()
        await waiter.done
        return waiter.turns

    async def preview(self) -> Turn:
        """What a turn would do now. Raises ClientError."""
        return await look(self._node, self.key, self.desired, self.failures)

    async def run(self) -> None:
        """Until nothing is desired and nothing is left, or until cancelled."""
        retry, before = RETRY_FIRST_SECONDS, None
        while True:
            self._news.clear()
            try:
                done = await self._take_turn()
            except ClientError as error:
                self._note(str(error))
                await self._pause(retry)
                retry = min(2 * retry, RETRY_LONGEST_SECONDS)
                continue
            retry, self.error = RETRY_FIRST_SECONDS, ""
            if self._finished(done):
                return
            await self._wait_after(done, before)
            before = done

    async def _take_turn(self) -> Turn:
        self._superseded.clear()
        waiters, self._waiters = self._waiters, []
        began = self._turn_began = time.monotonic()
        try:
            desired = self.desired
            seen = await look(self._node, self.key, desired, self.failures)
            self.observed, self.looked_at = seen.observed, True
            self.settled = self.settled and not seen.plan.actions
            done = await act(self._node, seen, desired, self._superseded)
        except BaseException:
            self._waiters += waiters
            raise
        finally:
            self._turn_began = None
        self.failures = remember(self.failures, done.outcomes, self._node.clock())
        self.settled = not done.plan.actions and not self._news.is_set()
        for waiter in (*waiters, *self._waiters):
            waiter.turns.append(done)
        for waiter in waiters:
            if not waiter.done.done():
                waiter.done.set_result(None)
        self._turned(self, done, time.monotonic() - began)
        return done

    def _finished(self, done: Turn) -> bool:
        return self.desired is None and done.observed.empty and not done.plan.actions and not self._waiters

    async def _wait_after(self, done: Turn, before: Turn | None) -> None:
        if done.plan.actions:
            if before is not None and before.plan.actions == done.plan.actions:
                await self._pause(NO_EFFECT_SECONDS)
            return
        resync = self._node.settings.sync_seconds
        wake = done.plan.wake_at
        await self._pause(resync if wake is None else max(0.0, min(resync, wake - self._node.clock())))

    async def _pause(self, seconds: float) -> None:
        # Not asyncio.wait_for: in Python 3.11 it loses a cancellation that comes together with the news.
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    def _note(self, error: str) -> None:
        if error != self.error:
            log.warning("pod %s cannot be looked at: %s", self.key, error)
        self.error = error
