"""Which cgroup driver the runtime uses."""

from __future__ import annotations

import json

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


async def uses_systemd(cri: CriClient, *, otherwise: bool) -> bool:
    """Whether cgroups are named as systemd's slices. Older runtimes tell only in their status, if at all."""
    driver = await runtime_cgroup_driver(cri)
    if driver is not None:
        return driver == "systemd"
    try:
        answer = await cri.status(pb.StatusRequest(verbose=True), timeout=ASK_SECONDS)
    except ClientError:
        return otherwise
    told = _configured(answer.info.get("config", ""))
    return otherwise if told is None else told


def _configured(text: str) -> bool | None:
    """What containerd's configuration says for its default runtime."""
    try:
        containerd = json.loads(text)["containerd"]
        options = containerd["runtimes"][containerd["defaultRuntimeName"]]["options"]
    except (ValueError, KeyError, TypeError):
        return None
    return bool(options.get("SystemdCgroup")) if isinstance(options, dict) else None
