"""A container runtime made of data, for tests: pods have states, times and logs, but no process.

It keeps to what real runtimes do where `tests/conformance` asks for it; that suite runs against both.

    async with FakeCri(tmp_path / "cri.sock") as fake:
        async with CriClient(fake.endpoint) as cri:
            ...
        fake.exit(container_id, 3)
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from grpc import StatusCode

from kubenode.clients.stubs import cri_pb2 as pb
from support import fake_shell
from support.fake_images import FakeImages, image
from support.fake_server import Refused
from support.fake_state import Container, Sandbox, selects
from support.images import BUSYBOX, PAUSE, VARIANT

KILLED = 137


class FakeCri(FakeImages):
    """The runtime. Its state may be looked at and changed between calls.

    sandboxes, containers, images: all that it holds, by id; registry: what can be pulled, by full name
    conditions: what Status says, e.g. {"RuntimeReady": True, "NetworkReady": True}
    evented: whether it has GetContainerEvents; False also ends the streams that are open
    now: the time in nanoseconds since the epoch
    """

    def __init__(self, path: Path, *, evented: bool = True, now: Callable[[], int] = time.time_ns) -> None:
        super().__init__(path)
        self.sandboxes: dict[str, Sandbox] = {}
        self.containers: dict[str, Container] = {}
        self.cgroup_driver = pb.CGROUPFS
        self.conditions = {"RuntimeReady": True, "NetworkReady": True}
        self.now = now
        self._subscribers: set[asyncio.Queue[pb.ContainerEventResponse | None]] = set()
        self._random = random.Random(0)
        self._addresses = iter(f"10.88.{n >> 8}.{n & 255}" for n in range(2, 65535))
        self.evented = evented

    @property
    def evented(self) -> bool:
        return "GetContainerEvents" not in self.unimplemented

    @evented.setter
    def evented(self, on: bool) -> None:
        (self.unimplemented.discard if on else self.unimplemented.add)("GetContainerEvents")
        if not on:
            self._end_streams()

    async def stop(self) -> None:
        self._end_streams()
        await super().stop()

    async def close(self) -> None:
        """Stops, and ends what the containers do."""
        await self.stop()
        for container in self.containers.values():
            if container.process is not None:
                container.process.cancel()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # What tests do to it.

    def exit(self, container_id: str, code: int, reason: str = "") -> None:
        """Ends a running container from inside, with a code and, say, the reason "OOMKilled"."""
        container = self._container(container_id)
        if container.process is not None:
            container.process.cancel()
        self._ended(container, code, reason)

    def drop_sandbox(self, sandbox_id: str) -> None:
        """Loses a sandbox and its containers without a word, as after a lost state directory."""
        del self.sandboxes[sandbox_id]
        for container in self._containers_of(sandbox_id):
            if container.process is not None:
                container.process.cancel()
            del self.containers[container.status.id]

    # RuntimeService

    async def version(self, request: pb.VersionRequest) -> pb.VersionResponse:
        return pb.VersionResponse(
            version="0.1.0", runtime_name="fake", runtime_version="1.0.0", runtime_api_version="v1"
        )

    async def status(self, request: pb.StatusRequest) -> pb.StatusResponse:
        conditions = [pb.RuntimeCondition(type=kind, status=status) for kind, status in self.conditions.items()]
        return pb.StatusResponse(status=pb.RuntimeStatus(conditions=conditions))

    async def runtime_config(self, request: pb.RuntimeConfigRequest) -> pb.RuntimeConfigResponse:
        return pb.RuntimeConfigResponse(linux=pb.LinuxRuntimeConfiguration(cgroup_driver=self.cgroup_driver))

    async def update_runtime_config(self, request: pb.UpdateRuntimeConfigRequest) -> pb.UpdateRuntimeConfigResponse:
        return pb.UpdateRuntimeConfigResponse()

    async def run_pod_sandbox(self, request: pb.RunPodSandboxRequest) -> pb.RunPodSandboxResponse:
        config = request.config
        taken = [s.status.id for s in self.sandboxes.values() if s.config.metadata == config.metadata]
        if taken:
            raise Refused(
                StatusCode.UNKNOWN, f'failed to reserve sandbox name "{_name(config)}": reserved for "{taken[0]}"'
            )
        options = config.linux.security_context.namespace_options
        status = pb.PodSandboxStatus(
            id=self._new_id(),
            metadata=config.metadata,
            state=pb.SANDBOX_READY,
            created_at=self.now(),
            labels=config.labels,
            annotations=config.annotations,
            runtime_handler=request.runtime_handler,
            network=pb.PodSandboxNetworkStatus(ip="" if options.network == pb.NODE else next(self._addresses)),
            linux=pb.LinuxPodSandboxStatus(namespaces=pb.Namespace(options=options)),
        )
        self.sandboxes[status.id] = Sandbox(config, status)
        self._emit(pb.CONTAINER_CREATED_EVENT, status.id, status.id)
        self._emit(pb.CONTAINER_STARTED_EVENT, status.id, status.id)
        return pb.RunPodSandboxResponse(pod_sandbox_id=status.id)

    async def stop_pod_sandbox(self, request: pb.StopPodSandboxRequest) -> pb.StopPodSandboxResponse:
        sandbox = self.sandboxes.get(request.pod_sandbox_id)
        if sandbox is not None:
            for container in self._containers_of(sandbox.status.id):
                await self._stop(container, 0)
            if sandbox.status.state == pb.SANDBOX_READY:
                sandbox.status.state = pb.SANDBOX_NOTREADY
                self._emit(pb.CONTAINER_STOPPED_EVENT, sandbox.status.id, sandbox.status.id)
        return pb.StopPodSandboxResponse()

    async def remove_pod_sandbox(self, request: pb.RemovePodSandboxRequest) -> pb.RemovePodSandboxResponse:
        await self.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=request.pod_sandbox_id))
        for container in self._containers_of(request.pod_sandbox_id):
            self._remove(container)
        if self.sandboxes.pop(request.pod_sandbox_id, None) is not None:
            self._emit(pb.CONTAINER_DELETED_EVENT, request.pod_sandbox_id, request.pod_sandbox_id)
        return pb.RemovePodSandboxResponse()

    async def pod_sandbox_status(self, request: pb.PodSandboxStatusRequest) -> pb.PodSandboxStatusResponse:
        return pb.PodSandboxStatusResponse(status=self._sandbox(request.pod_sandbox_id).status)

    async def list_pod_sandbox(self, request: pb.ListPodSandboxRequest) -> pb.ListPodSandboxResponse:
        asked = request.filter
        items = [
            sandbox.item()
            for sandbox in self.sandboxes.values()
            if sandbox.status.id.startswith(asked.id)
            and (not asked.HasField("state") or asked.state.state == sandbox.status.state)
            and selects(asked.label_selector, sandbox.status.labels)
        ]
        return pb.ListPodSandboxResponse(items=items)

    async def create_container(self, request: pb.CreateContainerRequest) -> pb.CreateContainerResponse:
        sandbox, config = self._sandbox(request.pod_sandbox_id), request.config
        found = self.find_image(config.image.image)
        if found is None:
            raise Refused(StatusCode.NOT_FOUND, f'failed to resolve image "{config.image.image}": not found')
        if any(c.config.metadata == config.metadata for c in self._containers_of(sandbox.status.id)):
            raise Refused(StatusCode.UNKNOWN, f'failed to reserve container name "{config.metadata.name}": reserved')
        log = Path(sandbox.config.log_directory, config.log_path) if config.log_path else ""
        status = pb.ContainerStatus(
            id=self._new_id(),
            metadata=config.metadata,
            state=pb.CONTAINER_CREATED,
            created_at=self.now(),
            image=pb.ImageSpec(image=found.repo_tags[0] if found.repo_tags else found.id),
            image_ref=found.repo_digests[0] if found.repo_digests else found.id,
            image_id=found.id,
            labels=config.labels,
            annotations=config.annotations,
            mounts=config.mounts,
            log_path=str(log),
        )
        self.containers[status.id] = Container(sandbox.status.id, config, status)
        self._emit(pb.CONTAINER_CREATED_EVENT, status.id, sandbox.status.id)
        return pb.CreateContainerResponse(container_id=status.id)

    async def start_container(self, request: pb.StartContainerRequest) -> pb.StartContainerResponse:
        container = self._container(request.container_id)
        status = container.status
        if status.state != pb.CONTAINER_CREATED:
            state = pb.ContainerState.Name(status.state)
            raise Refused(
                StatusCode.UNKNOWN, f'failed to set starting state for container "{status.id}": is in {state}'
            )
        command = [*container.config.command, *container.config.args] or ["sh"]
        if not fake_shell.exists(command):
            self._ended(container, 128, "StartError")
            raise Refused(StatusCode.UNKNOWN, f'exec: "{command[0]}": executable file not found in $PATH: unknown')
        container.open_log()
        status.state = pb.CONTAINER_RUNNING
        status.started_at = self.now()
        container.process = asyncio.create_task(self._run(container, command), name=f"container {status.id[:13]}")
        self._emit(pb.CONTAINER_STARTED_EVENT, status.id, container.sandbox_id)
        return pb.StartContainerResponse()

    async def stop_container(self, request: pb.StopContainerRequest) -> pb.StopContainerResponse:
        container = self.containers.get(request.container_id)
        if container is not None:
            await self._stop(container, request.timeout)
        return pb.StopContainerResponse()

    async def remove_container(self, request: pb.RemoveContainerRequest) -> pb.RemoveContainerResponse:
        container = self.containers.get(request.container_id)
        if container is not None:
            await self._stop(container, 0)
            self._remove(container)
        return pb.RemoveContainerResponse()

    async def container_status(self, request: pb.ContainerStatusRequest) -> pb.ContainerStatusResponse:
        return pb.ContainerStatusResponse(status=self._container(request.container_id).status)

    async def list_containers(self, request: pb.ListContainersRequest) -> pb.ListContainersResponse:
        asked = request.filter
        containers = [
            container.item()
            for container in self.containers.values()
            if container.status.id.startswith(asked.id)
            and (not asked.HasField("state") or asked.state.state == container.status.state)
            and asked.pod_sandbox_id in ("", container.sandbox_id)
            and selects(asked.label_selector, container.status.labels)
        ]
        return pb.ListContainersResponse(containers=containers)

    async def update_container_resources(
        self, request: pb.UpdateContainerResourcesRequest
    ) -> pb.UpdateContainerResourcesResponse:
        container = self._container(request.container_id)
        container.status.resources.linux.MergeFrom(request.linux)
        return pb.UpdateContainerResourcesResponse()

    async def reopen_container_log(self, request: pb.ReopenContainerLogRequest) -> pb.ReopenContainerLogResponse:
        self._running_container(request.container_id).open_log()
        return pb.ReopenContainerLogResponse()

    async def exec_sync(self, request: pb.ExecSyncRequest) -> pb.ExecSyncResponse:
        self._running_container(request.container_id)
        if not fake_shell.exists(request.cmd):
            raise Refused(StatusCode.UNKNOWN, f'exec: "{request.cmd[0]}": executable file not found in $PATH: unknown')
        output = {"stdout": "", "stderr": ""}

        def write(stream: str, line: str) -> None:
            output[stream] += f"{line}\n"

        try:
            async with asyncio.timeout(request.timeout or None):
                code = await fake_shell.run(request.cmd, write, asyncio.Event())
        except TimeoutError:
            raise Refused(StatusCode.DEADLINE_EXCEEDED, f"timeout {request.timeout}s exceeded") from None
        return pb.ExecSyncResponse(stdout=output["stdout"].encode(), stderr=output["stderr"].encode(), exit_code=code)

    async def container_stats(self, request: pb.ContainerStatsRequest) -> pb.ContainerStatsResponse:
        return pb.ContainerStatsResponse(stats=self._container(request.container_id).stats(self.now()))

    async def list_container_stats(self, request: pb.ListContainerStatsRequest) -> pb.ListContainerStatsResponse:
        asked = request.filter
        stats = [
            container.stats(self.now())
            for container in self.containers.values()
            if container.status.state == pb.CONTAINER_RUNNING
            and container.status.id.startswith(asked.id)
            and asked.pod_sandbox_id in ("", container.sandbox_id)
            and selects(asked.label_selector, container.status.labels)
        ]
        return pb.ListContainerStatsResponse(stats=stats)

    async def get_container_events(self, request: pb.GetEventsRequest) -> AsyncIterator[pb.ContainerEventResponse]:
        queue: asyncio.Queue[pb.ContainerEventResponse | None] = asyncio.Queue()
        self._subscribers.add(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._subscribers.discard(queue)

    # Inside.

    def _new_id(self) -> str:
        return self._random.randbytes(32).hex()

    def _sandbox(self, sandbox_id: str) -> Sandbox:
        if sandbox_id not in self.sandboxes:
            raise Refused(StatusCode.NOT_FOUND, f'an error occurred when try to find sandbox "{sandbox_id}": not found')
        return self.sandboxes[sandbox_id]

    def _container(self, container_id: str) -> Container:
        if container_id not in self.containers:
            detail = f'an error occurred when try to find container "{container_id}": not found'
            raise Refused(StatusCode.NOT_FOUND, detail)
        return self.containers[container_id]

    def _running_container(self, container_id: str) -> Container:
        container = self._container(container_id)
        if container.status.state != pb.CONTAINER_RUNNING:
            raise Refused(StatusCode.UNKNOWN, f"container is in {pb.ContainerState.Name(container.status.state)} state")
        return container

    def _containers_of(self, sandbox_id: str) -> list[Container]:
        return [container for container in self.containers.values() if container.sandbox_id == sandbox_id]

    async def _run(self, container: Container, command: list[str]) -> None:
        code = await fake_shell.run(command, container.write, container.terminated)
        self._ended(container, code)

    async def _stop(self, container: Container, grace: float) -> None:
        if container.process is None or container.process.done():
            return
        if grace > 0:
            container.terminated.set()
            await asyncio.wait([container.process], timeout=grace)
        self.exit(container.status.id, KILLED)

    def _ended(self, container: Container, code: int, reason: str = "") -> None:
        status = container.status
        if status.state == pb.CONTAINER_EXITED:
            return
        status.state = pb.CONTAINER_EXITED
        status.finished_at = self.now()
        status.exit_code = code
        status.reason = reason or ("Error" if code else "Completed")
        container.ended.set()
        container.close_log()
        self._emit(pb.CONTAINER_STOPPED_EVENT, status.id, container.sandbox_id)

    def _remove(self, container: Container) -> None:
        del self.containers[container.status.id]
        self._emit(pb.CONTAINER_DELETED_EVENT, container.status.id, container.sandbox_id)

    def _emit(self, kind: pb.ContainerEventType.ValueType, container_id: str, sandbox_id: str) -> None:
        sandbox = self.sandboxes.get(sandbox_id)
        event = pb.ContainerEventResponse(
            container_id=container_id,
            container_event_type=kind,
            created_at=self.now(),
            pod_sandbox_status=None if sandbox is None else sandbox.status,
            containers_statuses=[container.status for container in self._containers_of(sandbox_id)],
        )
        for queue in self._subscribers:
            queue.put_nowait(event)

    def _end_streams(self) -> None:
        for queue in self._subscribers:
            queue.put_nowait(None)


def fake_with_images(path: Path, *, evented: bool = True) -> FakeCri:
    """A fake that has the images which the tests' real runtimes have."""
    fake = FakeCri(path, evented=evented)
    for name, user in ((PAUSE, ""), (BUSYBOX, ""), (VARIANT, "app")):
        fake.add_image(image(name, user=user))
    return fake


def _name(config: pb.PodSandboxConfig) -> str:
    metadata = config.metadata
    return f"{metadata.name}_{metadata.namespace}_{metadata.uid}_{metadata.attempt}"
