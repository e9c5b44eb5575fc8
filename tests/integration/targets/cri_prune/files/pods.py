"""Pods that have come to all kinds of ends: `pods.py ENDPOINT FOLDER CGROUP_ROOT`; prints the ids of what was made.

shop/left    nobody keeps it: a container that ended, one that runs
shop/gone    nobody keeps it, and its sandbox has stopped: a container that ended
shop/kept    an agent keeps it: its first sandbox has stopped, in the second are four runs of a container, three ended
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from support.images import BUSYBOX, VARIANT
from support.pods import FOREVER

ENDS = ("/bin/sh", "-c", "echo done")


async def main(endpoint: str, folder: str, cgroup_root: str) -> dict[str, str]:
    async with CriClient(endpoint) as cri:
        node = Node(cri, Path(folder), cgroup_root)
        made = {}
        left = await node.sandbox("left")
        made["left/done"] = await node.container(left, "done", ENDS)
        made["left/runs"] = await node.container(left, "runs", FOREVER)
        gone = await node.sandbox("gone")
        made["gone/done"] = await node.container(gone, "done", ENDS, image=VARIANT)
        made["gone"] = gone.id
        await cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=gone.id))
        first = await node.sandbox("kept", keeper="file")
        await cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=first.id))
        made["kept/first"] = first.id
        second = await node.sandbox("kept", attempt=1, keeper="file")
        made["kept"] = second.id
        for attempt in range(3):
            made[f"kept/{attempt}"] = await node.container(second, "main", ENDS, attempt)
        made["kept/3"] = await node.container(second, "main", FOREVER, 3)
    return made


class Sandbox:
    def __init__(self, id_: str, config: pb.PodSandboxConfig) -> None:
        self.id = id_
        self.config = config


class Node:
    def __init__(self, cri: CriClient, folder: Path, cgroup_root: str) -> None:
        self.cri = cri
        self.folder = folder
        self.cgroup_root = cgroup_root

    async def sandbox(self, name: str, *, attempt: int = 0, keeper: str = "") -> Sandbox:
        logs = self.folder / name
        logs.mkdir(exist_ok=True)
        config = pb.PodSandboxConfig(
            metadata=pb.PodSandboxMetadata(name=name, namespace="shop", uid=f"uid-{name}", attempt=attempt),
            log_directory=str(logs),
            labels={"app": name},
            annotations={names.CONFIG_SOURCE: keeper} if keeper else {},
            linux=pb.LinuxPodSandboxConfig(cgroup_parent=f"{self.cgroup_root}/pod{name}{attempt}"),
        )
        answer = await self.cri.run_pod_sandbox(pb.RunPodSandboxRequest(config=config))
        return Sandbox(answer.pod_sandbox_id, config)

    async def container(
        self, sandbox: Sandbox, name: str, command: tuple[str, ...], attempt: int = 0, *, image: str = BUSYBOX
    ) -> str:
        """Returns when it has ended, or runs where it does not end."""
        config = pb.ContainerConfig(
            metadata=pb.ContainerMetadata(name=name, attempt=attempt),
            image=pb.ImageSpec(image=image),
            command=command,
            log_path=f"{name}_{attempt}.log",
            linux=pb.LinuxContainerConfig(),
        )
        request = pb.CreateContainerRequest(pod_sandbox_id=sandbox.id, config=config, sandbox_config=sandbox.config)
        made = (await self.cri.create_container(request)).container_id
        await self.cri.start_container(pb.StartContainerRequest(container_id=made))
        asked = pb.ContainerStatusRequest(container_id=made)
        while command is ENDS and (await self.cri.container_status(asked)).status.state != pb.CONTAINER_EXITED:
            await asyncio.sleep(0.02)
        return made


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
