"""One turn for one pod: observe, plan, carry out. The agent loops on it; the command line calls it once."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from kubenode.apply.gate import StartGate
from kubenode.apply.images import ImagePuller
from kubenode.apply.pod import PodExecutor
from kubenode.clients.cri import CriClient
from kubenode.clients.endpoint import find_endpoint
from kubenode.clients.errors import ClientError, DeadlineExceeded, RuntimeFailure
from kubenode.clients.threads import PatientCalls
from kubenode.model.actions import Failure, Outcome, Plan, StopContainer
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedPod
from kubenode.model.pod import all_containers
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod
from kubenode.observe.driver import runtime_cgroup_driver
from kubenode.observe.local import LocalObserver
from kubenode.observe.probe_store import States
from kubenode.observe.probe_store import load as load_verdicts
from kubenode.observe.probing import Prober
from kubenode.observe.runtime import RuntimeObserver
from kubenode.plan.pod import plan
from kubenode.plan.probes import targets
from kubenode.plan.specs import container_hash

log = logging.getLogger(__name__)

# A few small files are read; a file system that takes longer hangs.
LOOK_SECONDS = 10.0

FILES, LOOK = "this node's files", "a look at the volumes"

OnCall = Callable[[str, float, ClientError | None], None]


@dataclass(frozen=True, slots=True)
class Node:
    """What a turn works with: the settings, and the ways to see and to change the node. `clock`: seconds, epoch."""

    settings: Settings
    cri: CriClient
    observer: RuntimeObserver
    local: LocalObserver
    executor: PodExecutor
    prober: Prober | None = None
    # What an agent kept, for one that looks while none runs.
    verdicts: States = field(default_factory=dict)
    looks: PatientCalls = field(default_factory=PatientCalls)
    clock: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn saw, planned and did. Without `outcomes` the plan was empty or only looked at."""

    observed: ObservedPod
    plan: Plan
    outcomes: list[Outcome] = field(default_factory=list)


@asynccontextmanager
async def open_node(settings: Settings, on_call: OnCall | None = None, *, acting: bool = False) -> AsyncIterator[Node]:
    """The node of these settings; of one that is to be `acting` the runtime is asked how it makes cgroups.

    Raises ClientError when no runtime can be found.
    """
    endpoint = find_endpoint(settings.kubelet.container_runtime_endpoint)
    cri = CriClient(
        endpoint,
        image_endpoint=settings.kubelet.image_service_endpoint or None,
        on_call=on_call,
        request_timeout=settings.request_timeout_seconds,
    )
    async with cri:
        settings = await _with_driver(settings, cri) if acting else settings
        executor = PodExecutor(
            cri,
            gate=StartGate(settings.kubenode.max_parallel_pod_starts),
            puller=ImagePuller(cri, settings.parallel_pulls),
            log_links=Path(settings.kubenode.container_logs_directory),
        )
        yield Node(
            settings,
            cri,
            RuntimeObserver(cri),
            LocalObserver(settings),
            executor,
            verdicts=_kept_verdicts(settings),
        )


def _kept_verdicts(settings: Settings) -> States:
    try:
        return load_verdicts(settings.kept_probes)
    except OSError as error:
        log.warning("probe results cannot be read from %s: %s", settings.kept_probes, error.strerror)
        return {}


async def _with_driver(settings: Settings, cri: CriClient) -> Settings:
    """Two drivers on one node would each make a tree of their own, so the runtime's word counts."""
    configured, told = settings.kubelet.cgroup_driver, await runtime_cgroup_driver(cri)
    if told is None or told == configured:
        return settings
    warning = f"cgroupDriver: {configured} is configured, and the runtime uses {told}, which is used: write {told}"
    log.warning(warning)
    kubelet = msgspec.structs.replace(settings.kubelet, cgroup_driver=told)
    return msgspec.structs.replace(settings, kubelet=kubelet, warnings=(*settings.warnings, warning))


async def look(node: Node, key: PodKey, desired: DesiredPod | None, failures: Mapping[str, Failure]) -> Turn:
    """A turn that changes nothing: what would be done now. Raises ClientError."""
    observed = await observe(node, key, desired)
    return Turn(observed, plan(key, desired, observed, failures, node.settings, node.clock()))


async def observe(node: Node, key: PodKey, desired: DesiredPod | None) -> ObservedPod:
    """The pod in the runtime, on the node's disk, and as its probes see it. Raises ClientError."""
    uid = desired.uid if desired else ""
    in_runtime = await node.observer.pod(key, uid, _images(desired))
    try:
        # Another version may have no part in what hangs.
        seen = await node.looks.call((key, uid), LOOK_SECONDS, node.local.complete, in_runtime, desired)
    except TimeoutError:
        raise _hangs(key, desired) from None
    except OSError as error:
        raise RuntimeFailure(
            endpoint=FILES, operation=LOOK, subject=f"pod {key}", detail=str(error), remedy="It is tried again."
        ) from error
    return _probed(seen, node.prober.states(key) if node.prober else node.verdicts)


def _hangs(key: PodKey, desired: DesiredPod | None) -> DeadlineExceeded:
    volumes = desired.pod.spec.volumes if desired else ()
    paths = [volume.host_path.path for volume in volumes if volume.host_path]
    return DeadlineExceeded(
        endpoint=FILES,
        operation=LOOK,
        subject=f"pod {key}",
        detail=f"no answer in {LOOK_SECONDS:g} s",
        remedy=f"A file system may hang: look at {', '.join(paths) or 'the root directory'}, and unmount what is dead.",
    )


def _probed(seen: ObservedPod, states: States) -> ObservedPod:
    containers = tuple(
        dataclasses.replace(one, probes=states[one.id]) if one.id in states else one for one in seen.containers
    )
    return dataclasses.replace(seen, containers=containers)


def _images(desired: DesiredPod | None) -> dict[str, str]:
    """Which images to look for, by the hash of the container that makes it needless once it runs."""
    if desired is None:
        return {}
    spec = desired.pod.spec
    volumes = {f"volume {volume.name}": volume.image.reference for volume in spec.volumes if volume.image}
    return volumes | {container_hash(one): one.image for one in all_containers(spec)}


async def act(node: Node, seen: Turn, desired: DesiredPod | None, superseded: asyncio.Event) -> Turn:
    """Carry the plan of a look out. What is about to be stopped is no longer probed. Failed actions are outcomes."""
    if node.prober is not None:
        stopping = {action.container_id for action in seen.plan.actions if isinstance(action, StopContainer)}
        wanted = targets(desired, seen.observed) if desired else ()
        node.prober.watch(seen.plan.key, tuple(one for one in wanted if one.container_id not in stopping))
    return Turn(seen.observed, seen.plan, await node.executor.carry_out(seen.plan, superseded))


async def turn(
    node: Node,
    key: PodKey,
    desired: DesiredPod | None,
    failures: Mapping[str, Failure],
    superseded: asyncio.Event,
) -> Turn:
    """A turn that acts. Raises ClientError when the pod cannot be observed."""
    return await act(node, await look(node, key, desired, failures), desired, superseded)
