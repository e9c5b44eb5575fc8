"""Pods made straight over CRI, for tests; all are removed in the end."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb
from support.images import BUSYBOX

FOREVER = ("sh", "-c", "trap 'exit 0' TERM; sleep 2147483647 & wait")
NAMESPACE = "conformance"


class Pods:
    """`async with Pods(cri, folder, runtime.cgroup_root) as pods`; logs go below the folder."""

    def __init__(self, cri: CriClient, folder: Path, cgroup_root: str) -> None:
        self.cri = cri
        self.folder = folder
        self.cgroup_root = cgroup_root
        self.configs: dict[str, pb.PodSandboxConfig] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for sandbox_id in self.configs:
            await self.cri.remove_pod_sandbox(pb.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id))

    def config(
        self,
        name: str = "web",
        *,
        attempt: int = 0,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        ports: Sequence[pb.PortMapping] = (),
        host_network: bool = False,
    ) -> pb.PodSandboxConfig:
        """A sandbox's configuration, with a UID of its own, and its log directory made."""
        uid = str(uuid.uuid4())
        logs = self.folder / f"{NAMESPACE}_{name}_{uid}"
        logs.mkdir()
        options = pb.NamespaceOption(network=pb.NODE if host_network else pb.POD, pid=pb.CONTAINER)
        return pb.PodSandboxConfig(
            metadata=pb.PodSandboxMetadata(name=name, namespace=NAMESPACE, uid=uid, attempt=attempt),
            hostname="" if host_network else name,
            log_directory=str(logs),
            labels=labels or {},
            annotations=annotations or {},
            port_mappings=ports,
            linux=pb.LinuxPodSandboxConfig(
                cgroup_parent=f"{self.cgroup_root}/pod{uid}",
                security_context=pb.LinuxSandboxSecurityContext(namespace_options=options),
            ),
        )

    async def run(self, config: pb.PodSandboxConfig | None = None) -> str:
        """Runs a sandbox; returns its id."""
        config = config or self.config()
        answer = await self.cri.run_pod_sandbox(pb.RunPodSandboxRequest(config=config))
        self.configs[answer.pod_sandbox_id] = config
        return answer.pod_sandbox_id

    async def create(
        self,
        sandbox_id: str,
        *command: str,
        name: str = "app",
        attempt: int = 0,
        image: str = BUSYBOX,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> str:
        """Creates a container, which runs for ever unless a command is given; returns its id."""
        sandbox_config = self.configs[sandbox_id]
        config = pb.ContainerConfig(
            metadata=pb.ContainerMetadata(name=name, attempt=attempt),
            image=pb.ImageSpec(image=image),
            command=command or FOREVER,
            log_path=f"{name}_{attempt}.log",
            labels=labels or {},
            annotations=annotations or {},
            linux=pb.LinuxContainerConfig(
                security_context=pb.LinuxContainerSecurityContext(
                    namespace_options=sandbox_config.linux.security_context.namespace_options
                )
            ),
        )
        request = pb.CreateContainerRequest(pod_sandbox_id=sandbox_id, config=config, sandbox_config=sandbox_config)
        return (await self.cri.create_container(request)).container_id

    async def start(self, sandbox_id: str, *command: str, name: str = "app", attempt: int = 0) -> str:
        """Creates a container and starts it; returns its id."""
        container_id = await self.create(sandbox_id, *command, name=name, attempt=attempt)
        await self.cri.start_container(pb.StartContainerRequest(container_id=container_id))
        return container_id

    async def status(self, container_id: str) -> pb.ContainerStatus:
        request = pb.ContainerStatusRequest(container_id=container_id)
        return (await self.cri.container_status(request)).status

    async def sandbox_status(self, sandbox_id: str) -> pb.PodSandboxStatus:
        request = pb.PodSandboxStatusRequest(pod_sandbox_id=sandbox_id)
        return (await self.cri.pod_sandbox_status(request)).status

    async def exited(self, container_id: str, within: float = 10.0) -> pb.ContainerStatus:
        """Waits so many seconds for its end. Asks over and over: not every runtime has events."""
        async with asyncio.timeout(within):
            while (status := await self.status(container_id)).state != pb.CONTAINER_EXITED:
                await asyncio.sleep(0.02)
        return status

    def log(self, sandbox_id: str, name: str = "app", attempt: int = 0) -> Path:
        """Where the container's log is."""
        return Path(self.configs[sandbox_id].log_directory, f"{name}_{attempt}.log")

    async def logged(self, sandbox_id: str, line: str, within: float = 10.0) -> list[str]:
        """Waits so many seconds for a line in the log of the container `app`; returns all lines as they are there."""
        path = self.log(sandbox_id)
        async with asyncio.timeout(within):
            while not (path.exists() and f" {line}\n" in path.read_text()):
                await asyncio.sleep(0.02)
        return path.read_text().splitlines()
