"""Carrying a pod's plan out, action by action. It translates and reports; it decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

from kubenode.apply import cgroups, volumes
from kubenode.apply.gate import StartGate
from kubenode.apply.images import ImagePuller
from kubenode.apply.runtime import Made, RuntimeActions
from kubenode.clients import cgroupfs
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError
from kubenode.model.actions import (
    Action,
    BindSubPath,
    CleanUpPod,
    CreateContainer,
    MakePodDirectory,
    Outcome,
    Plan,
    PostStart,
    PullImage,
    RemoveContainer,
    RemoveSandbox,
    Result,
    RunSandbox,
    SetCgroup,
    SetUpVolume,
    StartContainer,
    StopContainer,
    StopSandbox,
    UpdateContainer,
    WriteHosts,
)

log = logging.getLogger(__name__)

# Kubernetes' own words for what went wrong.
REASONS: dict[type[Action], str] = {
    MakePodDirectory: "FailedMount",
    SetUpVolume: "FailedMount",
    SetCgroup: "FailedCreatePodContainer",
    RunSandbox: "FailedCreatePodSandBox",
    WriteHosts: "FailedMount",
    PullImage: "ErrImagePull",
    BindSubPath: "CreateContainerConfigError",
    CreateContainer: "CreateContainerError",
    StartContainer: "RunContainerError",
    PostStart: "FailedPostStartHook",
    UpdateContainer: "FailedResize",
    StopContainer: "FailedKillContainer",
    StopSandbox: "FailedKillPod",
    RemoveContainer: "FailedRemoveContainer",
    CleanUpPod: "FailedCleanUp",
    RemoveSandbox: "FailedRemovePodSandBox",
}
SUPERSEDED = "the pod's manifest changed meanwhile"
FAILED_PRE_STOP = "FailedPreStopHook"
_STARTS = (RunSandbox, WriteHosts, BindSubPath, CreateContainer, StartContainer)
# A failure of these rules out the rest of their container alone.
_OF_A_CONTAINER = (PullImage, BindSubPath, CreateContainer, StartContainer, PostStart, UpdateContainer)
# These may take long and harm nothing when given up: news about the pod does not wait for them.
_GIVEN_UP = (PullImage, PostStart)


class PodExecutor:
    """What all pods share when plans are carried out: the runtime, the gate of starts, the pulls."""

    def __init__(self, cri: CriClient, *, gate: StartGate, puller: ImagePuller, log_links: Path) -> None:
        self._gate = gate
        self.runtime = RuntimeActions(cri, puller, log_links)

    async def carry_out(self, plan: Plan, superseded: asyncio.Event) -> list[Outcome]:
        """An outcome for each action, in order.

        A failure skips what depends on it: the rest of that container, or for all else the rest of the plan. Once
        `superseded` is set, nothing new is begun and what may last is given up.
        """
        return await _Execution(self, plan, superseded).run()

    @contextlib.asynccontextmanager
    async def starting(self) -> AsyncIterator[None]:
        async with self._gate.slot():
            yield

    async def do(self, action: Action, made: Made) -> None:
        """Carry one action out, but a stop. Raises ClientError and OSError."""
        match action:
            case RunSandbox() | WriteHosts() | CreateContainer() | StartContainer() | PostStart():
                await self._start(action, made)
            case PullImage():
                await self.runtime.pull(action.image, action.auths)
            case UpdateContainer():
                await self.runtime.update(action)
            case StopSandbox():
                await self.runtime.stop_sandbox(action.sandbox_id)
            case RemoveContainer():
                await self.runtime.remove_container(action)
            case RemoveSandbox():
                await self.runtime.remove_sandbox(action.sandbox_id)
            case CleanUpPod():
                await self._clean_up(action, made)
            case MakePodDirectory() | SetUpVolume() | SetCgroup() | BindSubPath():
                await _change_files(action)

    async def _start(
        self, action: RunSandbox | WriteHosts | CreateContainer | StartContainer | PostStart, made: Made
    ) -> None:
        match action:
            case RunSandbox():
                await self.runtime.run_sandbox(action, made)
            case WriteHosts():
                await self.runtime.write_hosts(action, made)
            case CreateContainer():
                await self.runtime.create(action, made)
            case StartContainer():
                await self.runtime.start(action, made)
            case PostStart():
                await self.runtime.post_start(action, made)

    async def _clean_up(self, action: CleanUpPod, made: Made) -> None:
        """The directory last: it tells of the rest."""
        await self.runtime.remove_logs(made.key, action.log_directory)
        await cgroupfs.remove(action.cgroup_parent)
        if action.directory:
            await asyncio.to_thread(volumes.tear_down, action.directory)


async def _change_files(action: MakePodDirectory | SetUpVolume | SetCgroup | BindSubPath) -> None:
    match action:
        case MakePodDirectory():
            await asyncio.to_thread(
                volumes.make_pod_directory,
                action.path,
                action.key,
                action.uid,
                action.log_directory,
                action.cgroup_parent,
            )
        case SetUpVolume():
            await asyncio.to_thread(volumes.set_up, action.volume)
        case SetCgroup():
            await asyncio.to_thread(cgroups.set_cgroup, action.spec)
        case BindSubPath():
            await asyncio.to_thread(volumes.bind_sub_path, action.sub_path)


class _Execution:
    """One plan on its way: what it made, and what its failures rule out."""

    def __init__(self, executor: PodExecutor, plan: Plan, superseded: asyncio.Event) -> None:
        self._executor = executor
        self._actions = plan.actions
        self._superseded = superseded
        self._made = Made(plan.key)
        self._failed_containers: set[str] = set()
        self._stopped = ""

    async def run(self) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for starts, group in itertools.groupby(self._actions, key=lambda action: isinstance(action, _STARTS)):
            async with self._executor.starting() if starts else contextlib.nullcontext():
                outcomes += await self._sequence(list(group))
        return outcomes

    async def _sequence(self, actions: list[Action]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for stops, group in itertools.groupby(actions, key=lambda action: isinstance(action, StopContainer)):
            if stops:
                outcomes += await self._stops([action for action in group if isinstance(action, StopContainer)])
            else:
                outcomes += [await self._one(action) for action in group]
        return outcomes

    async def _stops(self, actions: list[StopContainer]) -> list[Outcome]:
        """Side by side, each with its own grace; a higher order once the lower have ended."""
        outcomes: list[Outcome] = []
        began = time.monotonic()
        for _, group in itertools.groupby(actions, key=lambda action: action.order):
            spent = time.monotonic() - began
            outcomes += await asyncio.gather(*(self._stop(action, spent) for action in group))
        return outcomes

    async def _stop(self, action: StopContainer, spent: float) -> Outcome:
        if skipped := self._ruled_out(action):
            return skipped
        began = time.monotonic()
        try:
            complaint = await self._executor.runtime.stop(action, spent)
        except (ClientError, OSError) as error:
            return self._failure(action, str(error))
        log.debug("done: %s", action.verb)
        reason = FAILED_PRE_STOP if complaint else ""
        return Outcome(action, Result.DONE, reason, complaint, time.monotonic() - began)

    def _ruled_out(self, action: Action) -> Outcome | None:
        if self._superseded.is_set() and not self._stopped:
            self._stopped = SUPERSEDED
        container = getattr(action, "container", "")
        if self._stopped or container in self._failed_containers:
            return Outcome(action, Result.SKIPPED, message=self._stopped or f"an earlier step of {container} failed")
        return None

    async def _one(self, action: Action) -> Outcome:
        if skipped := self._ruled_out(action):
            return skipped
        began = time.monotonic()
        try:
            given_up = not await self._interruptible(action)
        except (ClientError, OSError) as error:
            if isinstance(action, PostStart) and self._executor.runtime.is_gone(error):
                return self._unknown(action, str(error))
            return self._failure(self._identified(action), str(error))
        if given_up:
            return Outcome(action, Result.SKIPPED, message=self._stopped)
        log.debug("done: %s", action.verb)
        return Outcome(action, Result.DONE, seconds=time.monotonic() - began)

    async def _interruptible(self, action: Action) -> bool:
        """Whether it was done, and not given up for news."""
        if not isinstance(action, _GIVEN_UP):
            await self._executor.do(action, self._made)
            return True
        lasting = asyncio.create_task(self._executor.do(action, self._made))
        news = asyncio.create_task(self._superseded.wait())
        try:
            await asyncio.wait((lasting, news), return_when=asyncio.FIRST_COMPLETED)
            if lasting.done():
                await lasting
                return True
            self._stopped = SUPERSEDED
            return False
        finally:
            lasting.cancel()
            news.cancel()

    def _identified(self, action: Action) -> Action:
        """A hook's failure is that of one container, not of all that bear its name."""
        if isinstance(action, PostStart) and not action.container_id:
            return dataclasses.replace(action, container_id=self._made.containers[action.container])
        return action

    def _unknown(self, action: PostStart, message: str) -> Outcome:
        """The container does not pay for the runtime: as after a kill of the agent, it runs on."""
        log.warning("%s may not have come to its end: %s", action.verb, message)
        return Outcome(action, Result.SKIPPED, message=message)

    def _failure(self, action: Action, message: str) -> Outcome:
        log.warning("cannot %s: %s", action.verb, message)
        if isinstance(action, _OF_A_CONTAINER):
            self._failed_containers.add(action.container)
        else:
            self._stopped = f"could not {action.verb}"
        return Outcome(action, Result.FAILED, REASONS[type(action)], message)
