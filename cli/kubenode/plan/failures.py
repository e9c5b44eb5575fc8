"""What can fail again and again, and how failures are remembered between the turns of a pod's worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubenode.model.actions import (
    Action,
    BindSubPath,
    CreateContainer,
    Failure,
    MakePodDirectory,
    Outcome,
    PostStart,
    PullImage,
    Result,
    RunSandbox,
    SetCgroup,
    SetUpVolume,
    StartContainer,
    StopContainer,
    UpdateContainer,
    WriteHosts,
)

VOLUMES = "volumes"
CGROUP = "cgroup"
SANDBOX = "sandbox"
HOSTS = "hosts"
CLEAN_UP = "clean-up"


def image_subject(image: str) -> str:
    return f"image:{image}"


def container_subject(name: str) -> str:
    return f"container:{name}"


def hook_subject(container_id: str) -> str:
    """By id: the next attempt begins without blame."""
    return f"hook:{container_id}"


def resize_subject(name: str) -> str:
    return f"resize:{name}"


def subject(action: Action) -> str:
    """Under which key a failure of this action is remembered: the thing that a retry would touch again."""
    match action:
        case MakePodDirectory() | SetUpVolume():
            return VOLUMES
        case SetCgroup():
            return CGROUP
        case WriteHosts():
            return HOSTS
        case PostStart():
            return hook_subject(action.container_id)
        case UpdateContainer():
            return resize_subject(action.container)
        case RunSandbox():
            return SANDBOX
        case PullImage():
            return image_subject(action.image)
        case BindSubPath() | CreateContainer() | StartContainer():
            return container_subject(action.container)
        case _:
            return CLEAN_UP


def remember(failures: Mapping[str, Failure], outcomes: Iterable[Outcome], now: float) -> dict[str, Failure]:
    """The failures after these outcomes: one more in a row, or forgotten where it went well.

    A container that was created has its image, also when that came by another way than a pull.
    """
    after = dict(failures)
    for outcome in outcomes:
        action, key = outcome.action, subject(outcome.action)
        if outcome.result is Result.DONE:
            after.pop(_mended(action), None)
        elif outcome.result is Result.FAILED:
            count = after[key].count + 1 if key in after else 1
            after[key] = Failure(count, now, outcome.reason, outcome.message)
    return after


def _mended(action: Action) -> str:
    """What can no longer be failing once this was done: a stopped container's hook is history."""
    match action:
        case CreateContainer():
            return image_subject(action.spec.image)
        case StopContainer():
            return hook_subject(action.container_id)
        case _:
            return subject(action)
