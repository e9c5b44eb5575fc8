"""Makes a container as another tool would: foreign.py ENDPOINT POD NAME IMAGE [ANNOTATION=VALUE …]. Prints its id."""

from __future__ import annotations

import asyncio
import sys

from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb


async def make(endpoint: str, pod: str, name: str, image: str, *annotations: str) -> str:
    config = pb.ContainerConfig(
        metadata=pb.ContainerMetadata(name=name),
        image=pb.ImageSpec(image=image),
        command=["sleep", "1000"],
        annotations=dict(one.split("=", maxsplit=1) for one in annotations),
    )
    async with CriClient(endpoint) as cri:
        status = (await cri.pod_sandbox_status(pb.PodSandboxStatusRequest(pod_sandbox_id=pod))).status
        sandbox = pb.PodSandboxConfig(metadata=status.metadata)
        sandbox.linux.cgroup_parent = f"/{endpoint.split('/')[-2]}/foreign"
        made = await cri.create_container(
            pb.CreateContainerRequest(pod_sandbox_id=pod, config=config, sandbox_config=sandbox)
        )
        await cri.start_container(pb.StartContainerRequest(container_id=made.container_id))
        return made.container_id


if __name__ == "__main__":
    print(asyncio.run(make(*sys.argv[1:])))
