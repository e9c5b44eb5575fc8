"""A runtime as a pure function, for planner properties: what is observed, and an action, give what is observed next."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from kubenode.model import names
from kubenode.model.actions import (
    Action,
    BindSubPath,
    CleanUpPod,
    CreateContainer,
    MakePodDirectory,
    PostStart,
    PullImage,
    RemoveContainer,
    RemoveSandbox,
    RunSandbox,
    SetCgroup,
    SetUpVolume,
    StartContainer,
    StopContainer,
    StopSandbox,
    UpdateContainer,
    WriteHosts,
)
from kubenode.model.observed import ImageFact, ObservedContainer, ObservedPod, Sandbox, State
from kubenode.model.volume_specs import PodDirectory, VolumeFact
from kubenode.plan.volumes import expected_state

KILLED = 137
ALIVE = (State.RUNNING, State.UNKNOWN)
NEW = "new"


class Forbidden(AssertionError):
    """An action that no runtime would carry out, or that no node may."""


def steps(pod: ObservedPod, actions: Iterable[Action], now: float) -> Iterator[ObservedPod]:
    """What is observed after each action. Raises Forbidden."""
    made: dict[str, str] = {}
    for number, action in enumerate(actions):
        pod = _after(pod, action, now + number / 1000, made)
        yield pod


def _after(pod: ObservedPod, action: Action, now: float, made: dict[str, str]) -> ObservedPod:
    match action:
        case RunSandbox() | CreateContainer() | StartContainer():
            return _after_start(pod, action, now, made)
        case PullImage():
            return dataclasses.replace(pod, images={**pod.images, action.image: ImageFact("sha256:1", uid=1000)})
        case StopContainer():
            return _kill(pod, {action.container_id}, now)
        case StopSandbox():
            return _stop_sandbox(pod, action.sandbox_id, now)
        case RemoveContainer():
            return _without(pod, "", {action.container_id})
        case RemoveSandbox():
            return _without(pod, action.sandbox_id, _inside(pod, action.sandbox_id))
        case _:
            return _on_disk(pod, action)


def _after_start(
    pod: ObservedPod, action: RunSandbox | CreateContainer | StartContainer, now: float, made: dict[str, str]
) -> ObservedPod:
    match action:
        case RunSandbox():
            return _run_sandbox(pod, action, now, made)
        case CreateContainer():
            return _create(pod, action, now, made)
        case StartContainer():
            return _start(pod, action.container_id or made[action.container], now)


def _on_disk(pod: ObservedPod, action: Action) -> ObservedPod:
    match action:
        case CleanUpPod():
            left = tuple(one for one in pod.directories if one.path != action.directory)
            return dataclasses.replace(pod, directories=left)
        case MakePodDirectory():
            return dataclasses.replace(pod, directories=(*pod.directories, PodDirectory(action.uid, action.path)))
        case SetUpVolume():
            fact = VolumeFact("Directory", expected_state(action.volume))
            return dataclasses.replace(pod, volumes={**pod.volumes, action.volume.name: fact})
        case SetCgroup():
            return dataclasses.replace(pod, cgroup=action.spec)
        case WriteHosts() | BindSubPath() | PostStart() | UpdateContainer():
            return pod
    raise Forbidden(f"no runtime knows {action}")


def _inside(pod: ObservedPod, sandbox_id: str) -> set[str]:
    return {one.id for one in pod.containers if one.sandbox_id == sandbox_id}


def _stop_sandbox(pod: ObservedPod, sandbox_id: str, now: float) -> ObservedPod:
    sandboxes = tuple(dataclasses.replace(one, ready=one.ready and one.id != sandbox_id) for one in pod.sandboxes)
    return dataclasses.replace(_kill(pod, _inside(pod, sandbox_id), now), sandboxes=sandboxes)


def _run_sandbox(pod: ObservedPod, action: RunSandbox, now: float, made: dict[str, str]) -> ObservedPod:
    spec = action.spec
    if any(one.uid == spec.uid and one.attempt == spec.attempt for one in pod.sandboxes):
        raise Forbidden(f"the sandbox's name is taken: {spec.uid} {spec.attempt}")
    if any(one.uid != spec.uid and one.ready for one in pod.sandboxes):
        raise Forbidden("a sandbox of another UID is still there")
    started = float(spec.annotations[names.POD_STARTED])
    sandbox_id = f"{NEW}-{spec.uid}-{spec.attempt}"
    sandbox = Sandbox(sandbox_id, spec.uid, spec.attempt, True, now, pod_started_at=started)
    made[""] = sandbox.id
    return dataclasses.replace(pod, sandboxes=(sandbox, *pod.sandboxes))


def _create(pod: ObservedPod, action: CreateContainer, now: float, made: dict[str, str]) -> ObservedPod:
    spec, uid = action.spec, action.sandbox.uid
    sandbox_id = action.sandbox_id or made[""]
    if not any(one.id == sandbox_id and one.ready for one in pod.sandboxes):
        raise Forbidden(f"the sandbox is not ready: {sandbox_id}")
    if any((one.uid, one.name, one.attempt) == (uid, spec.name, spec.attempt) for one in pod.containers):
        raise Forbidden(f"the container's name is taken: {spec.name} {spec.attempt}")
    if pod.images.get(spec.image, ImageFact("")) is None:
        raise Forbidden(f"the image is not here: {spec.image}")
    delay = spec.annotations.get(names.RESTART_BACKOFF)
    container = ObservedContainer(
        id=f"{NEW}-{spec.name}-{spec.attempt}",
        sandbox_id=sandbox_id,
        uid=uid,
        name=spec.name,
        attempt=spec.attempt,
        state=State.CREATED,
        created_at=now,
        hash=spec.annotations[names.CONTAINER_HASH],
        restart_count=spec.attempt,
        backoff_seconds=None if delay is None else float(delay),
        stop_order=int(spec.annotations.get(names.STOP_ORDER, "0")),
    )
    made[spec.name] = container.id
    return dataclasses.replace(pod, containers=(container, *pod.containers))


def _start(pod: ObservedPod, container_id: str, now: float) -> ObservedPod:
    container = next(one for one in pod.containers if one.id == container_id)
    if container.state is not State.CREATED:
        raise Forbidden(f"{container_id} cannot be started: it is {container.state}")
    for other in pod.containers:
        if other.state is State.RUNNING and other.name == container.name:
            raise Forbidden(f"{other.id} runs already as {container_id} starts")
        if other.state is State.RUNNING and other.uid != container.uid:
            raise Forbidden(f"{other.id} of another UID runs as {container_id} starts")
    started = dataclasses.replace(container, state=State.RUNNING, started_at=now)
    return dataclasses.replace(pod, containers=tuple(started if one is container else one for one in pod.containers))


def _kill(pod: ObservedPod, ids: set[str], now: float) -> ObservedPod:
    return dataclasses.replace(
        pod,
        containers=tuple(
            dataclasses.replace(one, state=State.EXITED, exit_code=KILLED, finished_at=now)
            if one.id in ids and one.state in ALIVE
            else one
            for one in pod.containers
        ),
    )


def _without(pod: ObservedPod, sandbox_id: str, containers: set[str]) -> ObservedPod:
    return dataclasses.replace(
        pod,
        sandboxes=tuple(one for one in pod.sandboxes if one.id != sandbox_id),
        containers=tuple(one for one in pod.containers if one.id not in containers),
    )
