"""One turn for one pod: observe, plan, carry out. The agent loops on it; the command line calls it once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from kubenode.apply.gate import StartGate
from kubenode.apply.images import ImagePuller
from kubenode.apply.pod import PodExecutor
from kubenode.clients.cri import CriClient
from kubenode.clients.endpoint import find_endpoint
from kubenode.clients.errors import ClientError
from kubenode.model.actions import Failure, Outcome, Plan
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedPod
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod
from kubenode.observe.runtime import RuntimeObserver
from kubenode.plan.pod import plan
from kubenode.plan.specs import container_hash

OnCall = Callable[[str, float, ClientError | None], None]


@dataclass(frozen=True, slots=True)
class Node:
    """What a turn works with: the settings, and the ways to see and to change the node. `clock`: seconds, epoch."""

    settings: Settings
    cri: CriClient
    observer: RuntimeObserver
    executor: PodExecutor
    clock: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn saw, planned and did. Without `outcomes` the plan was empty or only looked at."""

    observed: ObservedPod
    plan: Plan
    outcomes: list[Outcome] = field(default_factory=list)


@asynccontextmanager
async def open_node(settings: Settings, on_call: OnCall | None = None) -> AsyncIterator[Node]:
    """The node of these settings. Raises ClientError when no runtime can be found."""
    endpoint = find_endpoint(settings.kubelet.container_runtime_endpoint)
    cri = CriClient(
        endpoint,
        image_endpoint=settings.kubelet.image_service_endpoint or None,
        on_call=on_call,
        request_timeout=settings.request_timeout_seconds,
    )
    async with cri:
        executor = PodExecutor(
            cri,
            gate=StartGate(settings.kubenode.max_parallel_pod_starts),
            puller=ImagePuller(cri, settings.parallel_pulls),
            log_links=Path(settings.kubenode.container_logs_directory),
        )
        yield Node(settings, cri, RuntimeObserver(cri), executor)


async def look(node: Node, key: PodKey, desired: DesiredPod | None, failures: Mapping[str, Failure]) -> Turn:
    """A turn that changes nothing: what would be done now. Raises ClientError."""
    images = {container_hash(one): one.image for one in desired.pod.spec.containers} if desired else {}
    observed = await node.observer.pod(key, desired.uid if desired else "", images)
    return Turn(observed, plan(key, desired, observed, failures, node.settings, node.clock()))


async def turn(
    node: Node,
    key: PodKey,
    desired: DesiredPod | None,
    failures: Mapping[str, Failure],
    superseded: asyncio.Event,
) -> Turn:
    """A turn that acts. Raises ClientError when the pod cannot be observed; failed actions are outcomes."""
    seen = await look(node, key, desired, failures)
    return Turn(seen.observed, seen.plan, await node.executor.carry_out(seen.plan, superseded))
