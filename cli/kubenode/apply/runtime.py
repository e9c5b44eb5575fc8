"""The actions that the container runtime carries out, and the files that go with them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path

from kubenode.apply import logs
from kubenode.apply.hooks import run_hook
from kubenode.apply.images import ImagePuller
from kubenode.apply.requests import container_config, container_resources, sandbox_config
from kubenode.clients.cri import CriClient
from kubenode.clients.disk import write_atomic
from kubenode.clients.errors import Cancelled, ClientError, NotFound, RuntimeFailure, Unavailable
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.actions import (
    CreateContainer,
    PostStart,
    RemoveContainer,
    RunSandbox,
    StartContainer,
    StopContainer,
    UpdateContainer,
    WriteHosts,
)
from kubenode.model.names import PodKey
from kubenode.model.observed import addresses
from kubenode.model.specs import HttpHook, RegistryAuth
from kubenode.plan.hosts import hosts_text
from kubenode.plan.stops import MIN_KILL_GRACE_SECONDS

HOSTS_MODE = 0o644


@dataclass(slots=True)
class Made:
    """What the plan of this pod has made so far: its sandbox, and container ids by name."""

    key: PodKey
    sandbox_id: str = ""
    containers: dict[str, str] = field(default_factory=dict)


class RuntimeActions:
    """Each method carries one kind of action out. Raises ClientError and OSError."""

    def __init__(self, cri: CriClient, puller: ImagePuller, log_links: Path) -> None:
        self._cri = cri
        self._puller = puller
        self._log_links = log_links

    def is_gone(self, error: Exception) -> bool:
        """Whether it is the runtime that did not answer; servers of pods can be unavailable too."""
        return isinstance(error, Unavailable | Cancelled) and error.endpoint == self._cri.endpoint

    async def run_sandbox(self, action: RunSandbox, made: Made) -> None:
        logs.make_directories(action.spec)
        answer = await self._cri.run_pod_sandbox(
            pb.RunPodSandboxRequest(config=sandbox_config(action.spec), runtime_handler=action.spec.runtime_handler)
        )
        made.sandbox_id = answer.pod_sandbox_id

    async def write_hosts(self, action: WriteHosts, made: Made) -> None:
        spec = action.spec
        ips = spec.ips or await self._ips(made.sandbox_id)
        copied = await asyncio.to_thread(Path(spec.copied_from).read_text, errors="replace") if spec.copied_from else ""
        text = hosts_text(spec, ips, copied).encode()
        await asyncio.to_thread(write_atomic, Path(spec.path), text, HOSTS_MODE, durable=False)

    async def _ips(self, sandbox_id: str) -> tuple[str, ...]:
        answer = await self._cri.pod_sandbox_status(pb.PodSandboxStatusRequest(pod_sandbox_id=sandbox_id))
        network = answer.status.network
        return addresses(network.ip, (more.ip for more in network.additional_ips))

    async def create(self, action: CreateContainer, made: Made) -> None:
        logs.make_directories(action.sandbox, action.spec)
        logs.make_termination_log(action.spec)
        answer = await self._cri.create_container(
            pb.CreateContainerRequest(
                pod_sandbox_id=action.sandbox_id or made.sandbox_id,
                config=container_config(action.spec),
                sandbox_config=sandbox_config(action.sandbox),
            )
        )
        log_path = f"{action.sandbox.log_directory}/{action.spec.log_path}"
        logs.link(self._log_links, made.key, action.container, answer.container_id, log_path)
        made.containers[action.container] = answer.container_id

    async def start(self, action: StartContainer, made: Made) -> None:
        container_id = action.container_id or made.containers[action.container]
        if action.log_path:
            logs.link(self._log_links, made.key, action.container, container_id, action.log_path)
        await self._cri.start_container(
            pb.StartContainerRequest(container_id=container_id), subject=f"container {action.container}"
        )

    async def post_start(self, action: PostStart, made: Made) -> None:
        container_id = action.container_id or made.containers[action.container]
        asks_pod = isinstance(action.hook, HttpHook) and not action.hook.host
        ip = action.pod_ip
        if asks_pod and not ip:
            ip = next(iter(await self._ips(made.sandbox_id)), "")
        await run_hook(self._cri, action.hook, container_id, ip, None)

    async def update(self, action: UpdateContainer) -> None:
        if action.resources.memory_limit > 0:
            await self._check_memory(action)
        await self._cri.update_container_resources(
            pb.UpdateContainerResourcesRequest(
                container_id=action.container_id, linux=container_resources(action.resources)
            )
        )

    async def _check_memory(self, action: UpdateContainer) -> None:
        """cgroup v2 would kill the container for a limit below what it uses."""
        answer = await self._cri.container_stats(pb.ContainerStatsRequest(container_id=action.container_id))
        used, limit = answer.stats.memory.working_set_bytes.value, action.resources.memory_limit
        if used > limit:
            raise RuntimeFailure(
                endpoint=self._cri.endpoint,
                operation="resize",
                subject=f"container {action.container}",
                detail=f"it uses {used} bytes of memory, more than the new limit of {limit}",
                remedy="It is tried again; a higher limit, or a restart of the pod, helps at once.",
            )

    async def stop(self, action: StopContainer, spent_seconds: float) -> str:
        """What the hook said where it failed; its container is stopped all the same."""
        deadline = time.monotonic() + action.grace_seconds - spent_seconds
        complaint = await self._pre_stop(action, max(0.0, deadline - time.monotonic()))
        left = max(MIN_KILL_GRACE_SECONDS, round(deadline - time.monotonic()))
        with contextlib.suppress(NotFound):
            await self._cri.stop_container(
                pb.StopContainerRequest(container_id=action.container_id, timeout=left),
                subject=f"container {action.container}",
            )
        return complaint

    async def _pre_stop(self, action: StopContainer, seconds: float) -> str:
        if action.hook is None or seconds <= 0:
            return ""
        try:
            await run_hook(self._cri, action.hook, action.container_id, action.pod_ip, seconds)
        except ClientError as error:
            return str(error)
        return ""

    async def stop_sandbox(self, sandbox_id: str) -> None:
        with contextlib.suppress(NotFound):
            await self._cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=sandbox_id))

    async def remove_container(self, action: RemoveContainer) -> None:
        # The log first: once the container is gone, nothing tells of it any more.
        logs.remove(self._log_links, action.container_id, action.log_path)
        with contextlib.suppress(NotFound):
            await self._cri.remove_container(pb.RemoveContainerRequest(container_id=action.container_id))

    async def remove_logs(self, key: PodKey, directory: str) -> None:
        await asyncio.to_thread(logs.remove_directory, self._log_links, key, directory)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        with contextlib.suppress(NotFound):
            await self._cri.remove_pod_sandbox(pb.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id))

    async def pull(self, image: str, auths: tuple[RegistryAuth, ...]) -> None:
        await self._puller.pull(image, auths)
