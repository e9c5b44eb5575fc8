"""The same pods straight over CRI, without an agent: the runtime's own share of a start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb
from support.pods import Pods


async def latencies(endpoint: str, cgroup_root: str, logs: Path, count: int, parallel: int) -> list[float]:
    """Seconds from the beginning until each container's start, in order, with so many pods started at once.

    logs: a directory that exists
    """
    async with CriClient(endpoint) as cri, Pods(cri, logs, cgroup_root) as pods:
        began = time.time()
        numbers = iter(range(count))
        started = await asyncio.gather(*(_starts(pods, numbers) for _ in range(parallel)))
    return sorted(moment - began for several in started for moment in several)


async def _starts(pods: Pods, numbers: Iterator[int]) -> list[float]:
    moments = []
    for number in numbers:
        sandbox_id = await pods.run(pods.config(f"bare{number}"))
        container_id = await pods.start(sandbox_id)
        status = await pods.cri.container_status(pb.ContainerStatusRequest(container_id=container_id))
        moments.append(status.status.started_at / 1e9)
    return moments
