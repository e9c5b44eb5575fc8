"""Whether a pod has come up as it was asked to, and when it is certain that it will not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from kubenode.model.status import ContainerStatus, PodStatus

# Nothing but somebody's hand ends these.
FINAL = frozenset(("ErrImageNeverPull", "InvalidImageName", "ImagePullBackOff", "ImageInspectError"))
# What a registry says of an image that it will not give, the next time either.
REFUSED = re.compile(
    r"not found|manifest unknown|unauthorized|denied|forbidden|authentication required|no match for platform"
    r"|invalid reference",
    re.IGNORECASE,
)
# These may mend themselves as another task of the same play brings what is missing.
STANDING = frozenset(("CreateContainerConfigError", "CreateContainerError"))
STANDING_SECONDS = 10.0
# A first restart may be a pod's way to wait for another one.
RESTARTS_OF_A_LOOP = 1
# What cannot run at all ends sooner.
STEADY_SECONDS = 2.0
PULLS = ("ErrImagePull", "RegistryUnavailable")


class Awaited(StrEnum):
    RUNNING = "running"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Outlook:
    """done: it is as awaited; failed: it cannot become so by itself. `why`: how it is, in a sentence.

    looping: the container whose last words tell more
    """

    done: bool = False
    failed: bool = False
    why: str = ""
    looping: ContainerStatus | None = None


def outlook(status: PodStatus, awaited: Awaited, since: float, now: float) -> Outlook:
    """How it is with a pod that has been so for `since` seconds. now: seconds since the epoch."""
    why = sentence(status)
    if status.phase == "Failed":
        return Outlook(failed=True, why=why, looping=next(_ended_badly(status), None))
    if status.phase == "Succeeded":
        return Outlook(done=True, why=why)
    for container in (*status.init_containers, *status.containers):
        if container.state == "waiting" and _hopeless(container, since):
            return Outlook(failed=True, why=why, looping=container if _loops(container) else None)
    started = status.phase == "Running" and not any(one.state == "waiting" for one in status.containers)
    if awaited is Awaited.READY and started and status.ready < status.total:
        return Outlook(why=f"it runs, and is not ready: {_unready(status)}")
    fresh = [one.name for one in status.containers if one.state == "running" and now - one.started_at < STEADY_SECONDS]
    if started and fresh:
        return Outlook(why=f"{', '.join(fresh)} has only just started")
    return Outlook(done=started, why=why)


def condition_of(status: PodStatus) -> tuple[object, ...]:
    """Equal as long as nothing happens: no times, no sentences that count seconds."""
    containers = (*status.init_containers, *status.containers)
    return status.uid, status.phase, tuple((one.name, one.state, one.reason, one.restarts) for one in containers)


def sentence(status: PodStatus) -> str:
    """The phase, and what holds up which container."""
    containers = (*status.init_containers, *status.containers)
    causes = [_cause(one) for one in containers if one.reason and not _is_done(one)]
    causes = causes or [f"{status.reason} {status.message}"]
    return "; ".join([f"it is {status.phase}", *(cause.strip() for cause in causes if cause.strip())])


def _cause(container: ContainerStatus) -> str:
    """Of one that is waiting after it ended: how it ended, unless its message says so."""
    cause = f"{container.name} is {container.state}: {container.reason} {container.message}".rstrip()
    last = container.last
    if last is None or not last.message or last.message in container.message:
        return cause
    return f"{cause} (its last words: {last.message.strip()})"


def _is_done(container: ContainerStatus) -> bool:
    return container.state == "terminated" and container.reason == "Completed"


def _hopeless(container: ContainerStatus, since: float) -> bool:
    if container.reason in FINAL or _loops(container):
        return True
    if container.reason in PULLS and REFUSED.search(container.message):
        return True
    return container.reason in STANDING and since >= STANDING_SECONDS


def _loops(container: ContainerStatus) -> bool:
    """Whether it ended in failure again and again."""
    last = container.last
    return last is not None and last.exit_code != 0 and container.restarts >= RESTARTS_OF_A_LOOP


def _ended_badly(status: PodStatus) -> Iterator[ContainerStatus]:
    for one in (*status.init_containers, *status.containers):
        if one.state == "terminated" and one.exit_code:
            yield one


def _unready(status: PodStatus) -> str:
    reasons = [f"{one.reason} {one.message}".strip() for one in status.conditions if one.type == "Ready" and one.reason]
    names = [one.name for one in status.containers if not one.ready]
    return "; ".join(reasons) or f"{', '.join(names)} is not ready"
