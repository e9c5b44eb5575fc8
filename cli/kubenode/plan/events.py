"""What happened to a pod, as events with Kubernetes' reasons: from the outcomes of a turn, and from what changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kubenode.model.actions import (
    Action,
    CreateContainer,
    MakePodDirectory,
    Outcome,
    PostStart,
    PullImage,
    Result,
    RunSandbox,
    SetUpVolume,
    StartContainer,
    StopContainer,
    UpdateContainer,
    WriteHosts,
)
from kubenode.model.events import NORMAL, WARNING, Event
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedPod
from kubenode.model.source import Item, ItemState
from kubenode.model.static_pod import DesiredPod
from kubenode.model.status import ContainerStatus, PodStatus
from kubenode.plan.credentials import unusable_pull_secrets
from kubenode.plan.lifecycle import DEADLINE, exit_code
from kubenode.plan.status import all_statuses

BACK_OFF = "BackOff"
# Waiting reasons that come of no action, and the reason of the event for each.
MISSING = {
    "FailedMount": "FailedMount",
    "CreateContainerConfigError": "Failed",
    "ErrImageNeverPull": "ErrImageNeverPull",
    "InvalidImageName": "InspectFailed",
}


@dataclass(frozen=True, slots=True)
class About:
    """Whose events these are. An empty UID: of a pod that nobody wants any more."""

    key: PodKey
    uid: str = ""

    def event(self, kind: str, reason: str, message: str, at: float, container: str = "") -> Event:
        return Event(
            type=kind,
            reason=reason,
            message=message,
            namespace=self.key.namespace,
            pod=self.key.name,
            uid=self.uid,
            container=container,
            first_at=at,
            last_at=at,
        )


def outcome_events(about: About, outcomes: Iterable[Outcome], ended_at: float) -> tuple[Event, ...]:
    """Of actions that were carried out one after the other, the last of them at `ended_at`."""
    found: list[Event] = []
    pulled: set[str] = set()
    listed = list(outcomes)
    at = ended_at - sum(outcome.seconds for outcome in listed)
    for outcome in listed:
        began, at = at, at + outcome.seconds
        if outcome.result is Result.FAILED:
            found += _failed(about, outcome, at)
        elif outcome.result is Result.DONE:
            found += _done(about, outcome, began, at, pulled)
    return tuple(found)


def _done(about: About, outcome: Outcome, began: float, at: float, pulled: set[str]) -> Iterator[Event]:
    match outcome.action:
        case PullImage() as action:
            pulled.add(action.image)
            yield about.event(NORMAL, "Pulling", f"Pulling image {action.image}", began, action.container)
            text = f"Pulled image {action.image} in {outcome.seconds:.1f} s"
            yield about.event(NORMAL, "Pulled", text, at, action.container)
        case CreateContainer() as action:
            if action.spec.image not in pulled:
                text = f"Image {action.spec.image} is on the node already"
                yield about.event(NORMAL, "Pulled", text, began, action.container)
            yield about.event(NORMAL, "Created", f"Created container {action.container}", at, action.container)
        case StartContainer() as action:
            yield about.event(NORMAL, "Started", f"Started container {action.container}", at, action.container)
        case StopContainer() as action:
            text = f"Stopping container {action.container}: {action.why}"
            yield about.event(NORMAL, "Killing", text, began, action.container)
            if outcome.message:
                yield about.event(WARNING, outcome.reason, outcome.message, at, action.container)
        case RunSandbox() as action if action.spec.attempt:
            yield about.event(NORMAL, "SandboxChanged", f"The pod has a new sandbox: {action.why}", at)
        case UpdateContainer() as action:
            yield about.event(NORMAL, "ResizeCompleted", f"Resized container {action.container}", at, action.container)


def _failed(about: About, outcome: Outcome, at: float) -> Iterator[Event]:
    action = outcome.action
    container = getattr(action, "container", "")
    match action:
        case PullImage():
            text = f"Failed to pull image {action.image}: {outcome.message}"
            yield about.event(WARNING, "Failed", text, at, container)
        case CreateContainer() | StartContainer():
            text = f"{outcome.reason} of container {container}: {outcome.message}"
            yield about.event(WARNING, "Failed", text, at, container)
        case _:
            yield about.event(WARNING, _failure_reason(action, outcome), outcome.message, at, container)


def _failure_reason(action: Action, outcome: Outcome) -> str:
    match action:
        case MakePodDirectory() | SetUpVolume() | WriteHosts():
            return "FailedMount"
        case RunSandbox():
            return "FailedCreatePodSandBox"
        case PostStart():
            return "FailedPostStartHook"
    return outcome.reason or "Failed"


def status_events(about: About, before: PodStatus | None, after: PodStatus, now: float) -> Iterator[Event]:
    """Of what changed by itself: back-off begins, something is missing, the pod as a whole is refused or is over."""
    # A pod that is refused while it runs fails only once it has been stopped.
    if after.reason and (before is None or (before.reason, before.phase) != (after.reason, after.phase)):
        yield from _pod_event(about, before, after, now)
    earlier = {status.name: status for status in all_statuses(before)} if before else {}
    told: dict[tuple[str, ...], Event] = {}
    for status in all_statuses(after):
        known = earlier.get(status.name)
        if status.state == "waiting" and not _same_wait(known, status):
            # A volume that is missing holds up all containers and is one thing that happened.
            told |= {event.identity: event for event in _wait_event(about, status, now)}
    yield from told.values()


def _pod_event(about: About, before: PodStatus | None, after: PodStatus, now: float) -> Iterator[Event]:
    if after.reason == DEADLINE:
        if before is None or before.reason != DEADLINE:
            yield about.event(NORMAL, DEADLINE, after.message, now)
    elif after.column == after.reason and after.phase == "Failed":
        yield about.event(WARNING, after.reason, after.message, now)


def _same_wait(known: ContainerStatus | None, status: ContainerStatus) -> bool:
    """A message may count seconds down: only another attempt or another reason is news, or another thing missing."""
    if known is None or known.state != "waiting" or known.reason != status.reason:
        return False
    return known.container_id == status.container_id and (
        status.reason not in MISSING or known.message == status.message
    )


def _wait_event(about: About, status: ContainerStatus, now: float) -> Iterator[Event]:
    if status.reason == "CrashLoopBackOff":
        code = f" that ended with exit code {status.exit_code}"
        text = f"Back-off restarting container {status.name}{code}"
        yield about.event(WARNING, BACK_OFF, text, now, status.name)
    elif status.reason == "ImagePullBackOff":
        text = f"Back-off pulling image {status.image}: {status.message}"
        yield about.event(WARNING, BACK_OFF, text, now, status.name)
    elif reason := MISSING.get(status.reason, ""):
        container = "" if reason == "FailedMount" else status.name
        yield about.event(WARNING, reason, status.message, now, container)


def pull_secret_events(about: About, desired: DesiredPod, now: float) -> Iterator[Event]:
    """Of imagePullSecrets that give no credentials: the pulls go on without them."""
    for message in unusable_pull_secrets(desired):
        yield about.event(WARNING, "FailedToRetrieveImagePullSecret", message, now)


def seen_events(about: About, before: ObservedPod, after: ObservedPod) -> Iterator[Event]:
    """Of containers that were killed for want of memory since the look before."""
    earlier = {one.id: one for one in before.containers}
    for container in after.containers:
        known = earlier.get(container.id)
        if container.reason == "OOMKilled" and (known is None or not known.reason) and container.uid == about.uid:
            text = f"Container {container.name} was killed for want of memory (exit code {exit_code(container)})"
            yield about.event(WARNING, "OOMKilling", text, container.finished_at, container.name)


def manifest_events(before: Mapping[str, Item], items: Iterable[Item], now: float) -> Iterator[Event]:
    """Of manifests that are not run as they are: `before` are those of the last time, by place."""
    reasons = {ItemState.INVALID: "ManifestInvalid", ItemState.HELD: "ManifestHeld"}
    reasons |= {ItemState.SUPERSEDED: "ManifestSuperseded"}
    for item in items:
        known = before.get(str(item.origin))
        if known is not None and (known.state, known.reason) == (item.state, item.reason):
            continue
        if item.state in reasons or known is not None:
            yield _manifest_event(item, reasons.get(item.state, ""), now)


def _manifest_event(item: Item, reason: str, now: float) -> Event:
    key, place = (item.desired.key if item.desired else PodKey("", "")), str(item.origin)
    where = f"{place}:{item.line}" if item.line else place
    text = f"{where}: {item.reason}" if reason else f"{place} is valid again"
    return Event(
        type=WARNING if reason else NORMAL,
        reason=reason or "ManifestValid",
        message=text,
        namespace=key.namespace,
        pod=key.name,
        uid=item.desired.uid if item.desired else "",
        source=place,
        first_at=now,
        last_at=now,
    )
