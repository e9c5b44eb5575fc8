"""Carries out plans for single sandboxes and containers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from kubenode.apply import logs
from kubenode.apply.cri_config import merge
from kubenode.apply.images import ImagePuller
from kubenode.apply.requests import container_config, sandbox_config
from kubenode.apply.runtime import Made, RuntimeActions
from kubenode.clients import cgroupfs
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import AlreadyExists, KubenodeError, RuntimeFailure
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from kubenode.model.actions import (
    CleanUpPod,
    PullImage,
    RemoveContainer,
    RemoveSandbox,
    StartContainer,
    StopContainer,
    StopSandbox,
    UpdateContainer,
)
from kubenode.model.cri_objects import CriAction, MakeContainer, MakeSandbox
from kubenode.model.names import PodKey
from kubenode.plan.cri_specs import CGROUP, at_attempt

PULLS = 4
# A creation that was cut off may hold its name for as long as the runtime lives: the next number is free.
NAMES_TRIED = 3
_Made = TypeVar("_Made")


class ObjectExecutor:
    """Of one pod. `done` is all that was carried out, in order, also where something failed.

    sandbox: what the sandbox was made with, in which containers are created
    """

    def __init__(
        self,
        cri: CriClient,
        log_links: Path,
        key: PodKey,
        sandbox_id: str = "",
        sandbox: pb.PodSandboxConfig | None = None,
    ) -> None:
        self._cri = cri
        self._links = log_links
        self._runtime = RuntimeActions(cri, ImagePuller(cri, PULLS), log_links)
        self._sandbox = sandbox or pb.PodSandboxConfig()
        self._key = key
        self._sandbox_id = sandbox_id
        self.done: list[CriAction] = []

    async def carry_out(self, actions: Iterable[CriAction]) -> None:
        """One after the other, but for stops side by side. Raises ClientError and OSError, and leaves the rest."""
        made = Made(self._key, self._sandbox_id)
        for stops, group in groupby(actions, key=lambda action: isinstance(action, StopContainer)):
            if stops:
                await self._stop_all([action for action in group if isinstance(action, StopContainer)])
                continue
            for action in group:
                await self._do(action, made)
                self.done.append(action)

    async def _stop_all(self, actions: list[StopContainer]) -> None:
        ended = await asyncio.gather(*(self._runtime.stop(one, 0.0) for one in actions), return_exceptions=True)
        failures = [one for one in ended if isinstance(one, BaseException)]
        self.done += [one for one, answer in zip(actions, ended, strict=True) if isinstance(answer, str)]
        if failures:
            raise failures[0]

    async def _do(self, action: CriAction, made: Made) -> None:
        match action:
            case MakeSandbox():
                await self._make_sandbox(action)
            case MakeContainer():
                made.containers[action.container] = await self._make_container(action)
            case PullImage():
                await self._runtime.pull(action.image, action.auths)
            case StartContainer():
                await self._runtime.start(action, made)
            case UpdateContainer():
                await self._update(action)
            case StopSandbox():
                await self._runtime.stop_sandbox(action.sandbox_id)
            case RemoveContainer():
                await self._runtime.remove_container(action)
            case RemoveSandbox():
                await self._runtime.remove_sandbox(action.sandbox_id)
            case CleanUpPod():
                await self._runtime.remove_logs(self._key, action.log_directory)
                await _remove_cgroup(action.cgroup_parent)

    async def _update(self, action: UpdateContainer) -> None:
        try:
            await self._runtime.update(action)
        except RuntimeFailure as error:
            remedy = "Give it more, or stop it: then it is made anew with what it is to have."
            raise RuntimeFailure(
                endpoint=error.endpoint,
                operation=error.operation,
                subject=error.subject,
                detail=error.detail,
                remedy=remedy,
            ) from error

    async def _make_sandbox(self, action: MakeSandbox) -> None:
        config = sandbox_config(action.spec)
        merge(config, action.config)
        directory = Path(config.log_directory)
        _make_directory(directory)

        async def run(attempt: int) -> None:
            config.metadata.attempt = attempt
            request = pb.RunPodSandboxRequest(config=config, runtime_handler=action.spec.runtime_handler)
            await self._cri.run_pod_sandbox(request)

        try:
            await _under_free_name(run, action.spec.attempt)
        except KubenodeError:
            # There is no sandbox that would tell of these.
            _remove_empty(directory)
            with contextlib.suppress(KubenodeError):
                await _remove_cgroup(action.spec.annotations.get(names.CGROUP_PARENT, ""))
            raise

    async def _make_container(self, action: MakeContainer) -> str:
        """Its id."""

        async def create(attempt: int) -> str:
            config = container_config(at_attempt(action.spec, attempt))
            merge(config, action.config)
            log = self._log_of(config)
            if log is not None:
                _make_directory(log.parent)
            answer = await self._cri.create_container(
                pb.CreateContainerRequest(pod_sandbox_id=self._sandbox_id, config=config, sandbox_config=self._sandbox)
            )
            if log is not None:
                logs.link(self._links, self._key, action.container, answer.container_id, str(log))
            return answer.container_id

        return await _under_free_name(create, action.spec.attempt)

    def _log_of(self, config: pb.ContainerConfig) -> Path | None:
        directory = self._sandbox.log_directory
        return Path(directory, config.log_path) if directory and config.log_path else None


async def _under_free_name(make: Callable[[int], Awaitable[_Made]], attempt: int) -> _Made:
    """Names are made of the attempt's number; one that a creation cut short still holds is passed over."""
    for number in range(attempt, attempt + NAMES_TRIED - 1):
        with contextlib.suppress(AlreadyExists):
            return await make(number)
    return await make(attempt + NAMES_TRIED - 1)


async def _remove_cgroup(parent: str) -> None:
    """The pod's, and the one above all pods of tasks, once it is empty."""
    await cgroupfs.remove(parent)
    above = Path(parent).parent
    if parent and above.name == CGROUP:
        for root in cgroupfs.hierarchies():
            _remove_empty(root / above.relative_to("/"))


def _make_directory(path: Path) -> None:
    path.mkdir(mode=0o755, parents=True, exist_ok=True)


def _remove_empty(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.rmdir()
