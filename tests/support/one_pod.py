"""A running pod for integration targets, made straight over CRI; prints its ids as JSON.

    python tests/support/one_pod.py --endpoint unix://… --folder DIR --cgroup-root /x --container app shop/web

With --python the containers have the host's /usr, read-only, and with it the host's /usr/bin/python3. Without
--cgroup-root the sandbox has no cgroup of its own, and no statistics.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import uuid
from pathlib import Path

# As a program it is started from anywhere.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb
from support.images import BUSYBOX
from support.pods import FOREVER

# On a host whose /lib and /lib64 are links into /usr.
OF_PYTHON = {"/usr": "/usr", "/usr/lib": "/lib", "/usr/lib64": "/lib64"}


async def start(asked: argparse.Namespace) -> dict[str, object]:
    namespace, name = asked.pod.split("/")
    uid = str(uuid.uuid4())
    logs = Path(asked.folder) / f"{namespace}_{name}_{uid}"
    logs.mkdir(parents=True)
    labels = {"app": name}
    sandbox = pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(name=name, namespace=namespace, uid=uid),
        hostname=name,
        log_directory=str(logs),
        labels=labels,
        linux=pb.LinuxPodSandboxConfig(cgroup_parent=f"{asked.cgroup_root}/pod{uid}" if asked.cgroup_root else ""),
    )
    async with CriClient(asked.endpoint) as cri:
        made = await cri.run_pod_sandbox(pb.RunPodSandboxRequest(config=sandbox))
        containers = {}
        for one in asked.container:
            config = pb.ContainerConfig(
                metadata=pb.ContainerMetadata(name=one),
                image=pb.ImageSpec(image=BUSYBOX),
                command=FOREVER,
                log_path=f"{one}_0.log",
                labels=labels,
                mounts=_mounts() if asked.python else [],
                linux=pb.LinuxContainerConfig(),
            )
            request = pb.CreateContainerRequest(
                pod_sandbox_id=made.pod_sandbox_id, config=config, sandbox_config=sandbox
            )
            containers[one] = (await cri.create_container(request)).container_id
            await cri.start_container(pb.StartContainerRequest(container_id=containers[one]))
    return {"sandbox": made.pod_sandbox_id, "containers": containers, "uid": uid}


def _mounts() -> list[pb.Mount]:
    return [pb.Mount(host_path=host, container_path=path, readonly=True) for host, path in OF_PYTHON.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--folder", required=True, help="for logs")
    parser.add_argument("--cgroup-root", default="")
    parser.add_argument("--container", action="append", default=[])
    parser.add_argument("--python", action="store_true")
    parser.add_argument("pod", metavar="NAMESPACE/POD")
    print(json.dumps(asyncio.run(start(parser.parse_args()))))


if __name__ == "__main__":
    main()
