"""Looking into pods: every pod that the runtime holds, whoever made it, and the container that a name means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from kubenode.agent.naming import NamedPod, Target, resolve
from kubenode.clients.agent import AgentClient
from kubenode.clients.cri import CriClient
from kubenode.clients.endpoint import find_endpoint
from kubenode.clients.errors import KubenodeError
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from kubenode.model.names import PodKey
from kubenode.model.reports import PodsReport
from kubenode.model.settings import Settings

DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"


class NoContainer(KubenodeError):
    """The pod is there, and has no container that would do."""


@dataclass(frozen=True, slots=True)
class SeenContainer:
    """A container as the runtime lists it. `created_at`: nanoseconds since the epoch; `sidecar`: one of ours."""

    id: str
    name: str
    attempt: int
    running: bool
    created_at: int
    sidecar: bool = False


@dataclass(frozen=True, slots=True)
class SeenPod:
    """A pod of the runtime. `containers`: all of its UID, dead ones too, oldest first; `ready`: its sandbox runs."""

    key: PodKey
    uid: str
    sandbox_id: str
    ready: bool
    annotations: Mapping[str, str]
    containers: tuple[SeenContainer, ...] = ()

    @property
    def named(self) -> NamedPod:
        return NamedPod(self.key, tuple(dict.fromkeys(container.name for container in self.containers)))

    def latest(self, name: str) -> SeenContainer | None:
        """The newest container of the name."""
        return next((one for one in reversed(self.containers) if one.name == name), None)


def runtime(settings: Settings, request_timeout: float | None = None) -> CriClient:
    """The runtime's client. Raises Unavailable when there is none."""
    return CriClient(
        find_endpoint(settings.kubelet.container_runtime_endpoint),
        request_timeout=request_timeout or settings.request_timeout_seconds,
    )


async def seen_pods(cri: CriClient) -> list[SeenPod]:
    """Every pod: two calls. Of a name that was there before, only the newest. Raises ClientError."""
    sandboxes = (await cri.list_pod_sandbox(pb.ListPodSandboxRequest())).items
    listed = (await cri.list_containers(pb.ListContainersRequest())).containers
    newest: dict[PodKey, pb.PodSandbox] = {}
    for sandbox in sorted(sandboxes, key=lambda one: (one.state == pb.SANDBOX_READY, one.created_at)):
        newest[PodKey(sandbox.metadata.namespace, sandbox.metadata.name)] = sandbox
    uids = {sandbox.id: sandbox.metadata.uid for sandbox in sandboxes}
    members: dict[str, list[SeenContainer]] = {}
    for container in sorted(listed, key=lambda one: (one.created_at, one.metadata.attempt)):
        uid = uids.get(container.pod_sandbox_id)
        if uid is not None:
            members.setdefault(uid, []).append(_container(container))
    return [_pod(key, sandbox, members.get(sandbox.metadata.uid, [])) for key, sandbox in sorted(newest.items())]


def find(text: str, pods: Sequence[SeenPod], node_name: str) -> tuple[SeenPod, Target]:
    """The pod of that name, and what the name says. Raises UnknownName, AmbiguousName."""
    target = resolve(text, [pod.named for pod in pods], node_name)
    return next(pod for pod in pods if pod.key == target.key), target


def choose(pod: SeenPod, name: str) -> tuple[str, str]:
    """The name of the container to look into, and what to say of the choice. Raises NoContainer.

    As kubectl does: the one asked for, the only one, the one that the pod's annotation names, else the first. Which
    is first, a runtime does not tell: here it is the oldest that runs, as init containers do no more, and sidecars
    only where nothing else runs.
    """
    there = pod.named.containers
    if name and name not in there:
        raise NoContainer(f"Pod {pod.key} has no container {name}. Its containers: {', '.join(there) or 'none yet'}.")
    if not there:
        raise NoContainer(f"Pod {pod.key} has no container yet. kubenode pods says what it waits for.")
    annotated = pod.annotations.get(DEFAULT_CONTAINER, "")
    if name or len(there) == 1 or annotated in there:
        return name or (there[0] if len(there) == 1 else annotated), ""
    running = sorted((one for one in pod.containers if one.running), key=lambda one: one.sidecar)
    first = running[0].name if running else there[0]
    return first, f"Container {first} of {pod.key}, by default; it has {', '.join(there)}."


async def running(cri: CriClient, text: str, container: str, node_name: str) -> tuple[SeenPod, SeenContainer, str]:
    """The pod, its container that runs, and what to say of the choice. Raises KubenodeError.

    text: names the pod, and maybe the container; `container` is asked for beside it, or empty
    """
    pod, target = find(text, await seen_pods(cri), node_name)
    name, note = choose(pod, container or target.container)
    found = pod.latest(name)
    if found is None or not found.running:
        raise NoContainer(
            f"Container {name} of {pod.key} does not run, so nothing can be run in it. "
            f"kubenode logs {pod.key}/{name} shows what it said."
        )
    return pod, found, note


async def waiting(settings: Settings, text: str, container: str) -> NoContainer | None:
    """What a container that the runtime has not got yet waits for, if an agent runs and knows it."""
    try:
        answer = await AgentClient(settings.admin_socket).get("/v1/pods")
        pods = msgspec.json.decode(answer, type=PodsReport).pods
        named = {PodKey(pod.namespace, pod.name): [*pod.init_containers, *pod.containers] for pod in pods}
        known = [NamedPod(key, tuple(one.name for one in all_of)) for key, all_of in named.items()]
        target = resolve(text, known, settings.node_name)
    except (KubenodeError, msgspec.DecodeError):
        return None
    wanted = container or target.container
    for one in named[target.key]:
        if one.state == "waiting" and wanted in ("", one.name):
            why = ": ".join(filter(None, (one.reason, one.message.rstrip(".")))) or "it waits for its turn"
            return NoContainer(f"Container {one.name} of {target.key} has not started, so it has no log. {why}.")
    return None


def _pod(key: PodKey, sandbox: pb.PodSandbox, containers: Sequence[SeenContainer]) -> SeenPod:
    ready = sandbox.state == pb.SANDBOX_READY
    return SeenPod(key, sandbox.metadata.uid, sandbox.id, ready, dict(sandbox.annotations), tuple(containers))


def _container(listed: pb.Container) -> SeenContainer:
    return SeenContainer(
        id=listed.id,
        name=listed.labels.get(names.CONTAINER_NAME, "") or listed.metadata.name,
        attempt=listed.metadata.attempt,
        running=listed.state == pb.CONTAINER_RUNNING,
        created_at=listed.created_at,
        sidecar=names.STOP_ORDER in listed.annotations,
    )
