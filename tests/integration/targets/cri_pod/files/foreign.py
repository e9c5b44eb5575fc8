"""Makes a sandbox as another tool would: foreign.py ENDPOINT NAME CGROUP [ANNOTATION=VALUE …]. Prints its id."""

from __future__ import annotations

import asyncio
import sys

from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb


async def make(endpoint: str, name: str, cgroup: str, *annotations: str) -> str:
    config = pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(name=name, namespace="default", uid=f"uid-of-{name}"),
        annotations=dict(one.split("=", maxsplit=1) for one in annotations),
        linux=pb.LinuxPodSandboxConfig(cgroup_parent=f"{cgroup}/{name}"),
    )
    async with CriClient(endpoint) as cri:
        return (await cri.run_pod_sandbox(pb.RunPodSandboxRequest(config=config))).pod_sandbox_id


if __name__ == "__main__":
    print(asyncio.run(make(*sys.argv[1:])))
