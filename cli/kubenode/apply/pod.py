"""Carrying a pod's plan out, action by action. It translates and reports; it decides nothing."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from kubenode.apply import logs
from kubenode.apply.gate import StartGate
from kubenode.apply.images import ImagePuller
from kubenode.apply.requests import container_config, sandbox_config
from kubenode.clients import cgroupfs
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, NotFound
from kubenode.clients.stubs import cri_pb2 as pb
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
    RunSandbox: "FailedCreatePodSandBox",
    PullImage: "ErrImagePull",
    CreateContainer: "CreateContainerError",
    StartContainer: "RunContainerError",
    StopContainer: "FailedKillContainer",
    StopSandbox: "FailedKillPod",
    RemoveContainer: "FailedRemoveContainer",
    CleanUpPod: "FailedCleanUp",
    RemoveSandbox: "FailedRemovePodSandBox",
}
_STARTS = (RunSandbox, CreateContainer, StartContainer)


class PodExecutor:
    """What all pods share when plans are carried out: the runtime, the gate of starts, the pulls."""

    def __init__(self, cri: CriClient, *, gate: StartGate, puller: ImagePuller, log_links: Path) -> None:
        self._cri = cri
        self._gate = gate
        self._puller = puller
        self._log_links = log_links

    async def carry_out(self, plan: Plan, superseded: asyncio.Event) -> list[Outcome]:
        """An outcome for each action, in order.

        A failure skips what depends on it: the rest of that container, or for all else the rest of the plan. Once
        `superseded` is set, nothing new is begun and a pull is given up.
        """
        return await _Execution(self, superseded).run(plan.actions)

    async def do(self, action: Action, made: dict[str, str]) -> None:
        """Carry one action out; `made` holds the ids of what this plan has made ("" for the sandbox)."""
        match action:
            case (
                MakePodDirectory()
                | SetUpVolume()
                | SetCgroup()
                | WriteHosts()
                | BindSubPath()
                | PostStart()
                | UpdateContainer()
            ):
                raise NotImplementedError(action.verb)
            case RunSandbox():
                made[""] = await self._run_sandbox(action)
            case PullImage():
                await self._puller.pull(action.image)
            case CreateContainer():
                made[action.container] = await self._create(action, action.sandbox_id or made[""])
            case StartContainer():
                container_id = action.container_id or made[action.container]
                await self._cri.start_container(
                    pb.StartContainerRequest(container_id=container_id), subject=f"container {action.container}"
                )
            case StopContainer():
                with contextlib.suppress(NotFound):
                    await self._cri.stop_container(
                        pb.StopContainerRequest(container_id=action.container_id, timeout=action.grace_seconds),
                        subject=f"container {action.container}",
                    )
            case StopSandbox():
                with contextlib.suppress(NotFound):
                    await self._cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=action.sandbox_id))
            case RemoveContainer():
                await self._remove(action)
            case CleanUpPod():
                await asyncio.to_thread(logs.remove_directory, action.log_directory)
                await cgroupfs.remove(action.cgroup_parent)
            case RemoveSandbox():
                with contextlib.suppress(NotFound):
                    await self._cri.remove_pod_sandbox(pb.RemovePodSandboxRequest(pod_sandbox_id=action.sandbox_id))

    @contextlib.asynccontextmanager
    async def starting(self) -> AsyncIterator[None]:
        async with self._gate.slot():
            yield

    async def _run_sandbox(self, action: RunSandbox) -> str:
        logs.make_directories(action.spec)
        answer = await self._cri.run_pod_sandbox(
            pb.RunPodSandboxRequest(config=sandbox_config(action.spec), runtime_handler=action.spec.runtime_handler)
        )
        return answer.pod_sandbox_id

    async def _create(self, action: CreateContainer, sandbox_id: str) -> str:
        logs.make_directories(action.sandbox, action.spec)
        answer = await self._cri.create_container(
            pb.CreateContainerRequest(
                pod_sandbox_id=sandbox_id,
                config=container_config(action.spec),
                sandbox_config=sandbox_config(action.sandbox),
            )
        )
        logs.link(self._log_links, answer.container_id, action.spec, action.sandbox)
        return answer.container_id

    async def _remove(self, action: RemoveContainer) -> None:
        with contextlib.suppress(NotFound):
            await self._cri.remove_container(pb.RemoveContainerRequest(container_id=action.container_id))
        logs.remove(self._log_links, action.container_id, action.log_path)


class _Execution:
    """One plan on its way: what it made, and what its failures rule out."""

    def __init__(self, executor: PodExecutor, superseded: asyncio.Event) -> None:
        self._executor = executor
        self._superseded = superseded
        self._made: dict[str, str] = {}
        self._failed_containers: set[str] = set()
        self._stopped = ""

    async def run(self, actions: Iterable[Action]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for starts, group in itertools.groupby(actions, key=lambda action: isinstance(action, _STARTS)):
            async with self._executor.starting() if starts else contextlib.nullcontext():
                outcomes += await self._sequence(list(group))
        return outcomes

    async def _sequence(self, actions: list[Action]) -> list[Outcome]:
        """Stops run side by side, each with its own grace; all else in order."""
        outcomes: list[Outcome] = []
        for stops, group in itertools.groupby(actions, key=lambda action: isinstance(action, StopContainer)):
            if stops:
                outcomes += await asyncio.gather(*(self._one(action) for action in group))
            else:
                outcomes += [await self._one(action) for action in group]
        return outcomes

    async def _one(self, action: Action) -> Outcome:
        container = getattr(action, "container", "")
        if self._superseded.is_set() and not self._stopped:
            self._stopped = "the pod's manifest changed meanwhile"
        if self._stopped or container in self._failed_containers:
            return Outcome(action, Result.SKIPPED, message=self._stopped or f"an earlier step of {container} failed")
        began = time.monotonic()
        try:
            given_up = not await self._interruptible(action)
        except (ClientError, OSError) as error:
            return self._failure(action, str(error))
        if given_up:
            return Outcome(action, Result.SKIPPED, message=self._stopped)
        log.debug("done: %s", action.verb)
        return Outcome(action, Result.DONE, seconds=time.monotonic() - began)

    async def _interruptible(self, action: Action) -> bool:
        """Whether it was done: a pull may take an hour and harms nothing when given up; all else is carried through."""
        if not isinstance(action, PullImage):
            await self._executor.do(action, self._made)
            return True
        pull = asyncio.create_task(self._executor.do(action, self._made))
        news = asyncio.create_task(self._superseded.wait())
        try:
            await asyncio.wait((pull, news), return_when=asyncio.FIRST_COMPLETED)
            if pull.done():
                await pull
                return True
            self._stopped = "the pod's manifest changed meanwhile"
            return False
        finally:
            pull.cancel()
            news.cancel()

    def _failure(self, action: Action, message: str) -> Outcome:
        log.warning("cannot %s: %s", action.verb, message)
        if isinstance(action, PullImage | CreateContainer | StartContainer):
            self._failed_containers.add(action.container)
        else:
            self._stopped = f"could not {action.verb}"
        return Outcome(action, Result.FAILED, REASONS[type(action)], message)
