"""What can fail again and again, and how failures are remembered between the turns of a pod's worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubenode.model.actions import (
    Action,
    CreateContainer,
    Failure,
    Outcome,
    PullImage,
    Result,
    RunSandbox,
    StartContainer,
)

SANDBOX = "sandbox"
CLEAN_UP = "clean-up"


def image_subject(image: str) -> str:
    return f"image:{image}"


def container_subject(name: str) -> str:
    return f"container:{name}"


def subject(action: Action) -> str:
    """Under which key a failure of this action is remembered: the thing that a retry would touch again."""
    match action:
        case RunSandbox():
            return SANDBOX
        case PullImage():
            return image_subject(action.image)
        case CreateContainer() | StartContainer():
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
            after.pop(image_subject(action.spec.image) if isinstance(action, CreateContainer) else key, None)
        elif outcome.result is Result.FAILED:
            count = after[key].count + 1 if key in after else 1
            after[key] = Failure(count, now, outcome.reason, outcome.message)
    return after
