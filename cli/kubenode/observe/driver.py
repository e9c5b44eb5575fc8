"""Which cgroup driver the runtime uses."""

from __future__ import annotations

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError
from kubenode.clients.stubs import cri_pb2 as pb

ASK_SECONDS = 5.0
DRIVERS = {pb.SYSTEMD: "systemd", pb.CGROUPFS: "cgroupfs"}


async def runtime_cgroup_driver(cri: CriClient) -> str | None:
    """As KubeletConfiguration writes it; None where the runtime does not tell, or cannot be asked."""
    try:
        answer = await cri.runtime_config(timeout=ASK_SECONDS)
    except ClientError:
        return None
    return DRIVERS.get(answer.linux.cgroup_driver) if answer.HasField("linux") else None
