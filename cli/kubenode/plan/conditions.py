"""A pod's conditions, and the one word that says how it is."""

from __future__ import annotations

from kubenode.model.observed import ProbeKind
from kubenode.model.status import Condition, ContainerStatus, Kind
from kubenode.plan.situation import Situation

Statuses = tuple[ContainerStatus, ...]


def conditions(situation: Situation, phase: str, init: Statuses, containers: Statuses) -> tuple[Condition, ...]:
    """In the order of their names, as Kubernetes lists them."""
    sandbox = situation.sandbox
    up = sandbox is not None and sandbox.ready
    readiness = _readiness(situation, phase, serving(init, containers))
    return (
        _ready("ContainersReady", readiness),
        _initialized(situation, phase, init),
        Condition(
            type="PodReadyToStartContainers", status=up, since=sandbox.created_at if sandbox is not None and up else 0.0
        ),
        Condition(type="PodScheduled", status=True, since=situation.desired.seen_at),
        _ready("Ready", readiness),
    )


def serving(init: Statuses, containers: Statuses) -> Statuses:
    """The containers that count for readiness: all but those that only prepare."""
    return (*(one for one in init if one.kind is Kind.SIDECAR), *containers)


def initialization_done(status: ContainerStatus) -> bool:
    """Whether an init container lets the next one go."""
    return status.started if status.kind is Kind.SIDECAR else status.state == "terminated" and not status.exit_code


def _initialized(situation: Situation, phase: str, init: Statuses) -> Condition:
    begun = any(status.container_id for status in init) or not init
    if phase == "Succeeded":
        return Condition(type="Initialized", status=True, reason="PodCompleted", since=_last_change(init))
    waiting = [status.name for status in init if not initialization_done(status) and status.kind is Kind.INIT]
    waiting += [one.name for one in init if one.kind is Kind.SIDECAR and not one.started and not one.restarts]
    if not waiting:
        since = _last_change(init) if init and begun else situation.desired.seen_at
        return Condition(type="Initialized", status=True, since=since)
    message = f"not done yet: {', '.join(waiting)}"
    return Condition(type="Initialized", status=False, reason="ContainersNotInitialized", message=message)


def _readiness(situation: Situation, phase: str, statuses: Statuses) -> Condition:
    if phase in ("Succeeded", "Failed"):
        reason = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        return Condition(type="", status=False, reason=reason, since=_last_change(statuses))
    unready = [status.name for status in statuses if not status.ready]
    if unready:
        message = f"not ready: {', '.join(unready)}"
        return Condition(type="", status=False, reason="ContainersNotReady", message=message)
    since = max((_ready_since(one, situation) for one in statuses), default=0.0)
    return Condition(type="", status=True, since=since)


def _ready_since(status: ContainerStatus, situation: Situation) -> float:
    """Its start, or when the last of the probes that readiness waits for said so."""
    probes = situation.latest[status.name].probes
    asked = [probes[kind].at for kind in (ProbeKind.STARTUP, ProbeKind.READINESS) if kind in probes]
    return max((status.started_at, *asked))


def _ready(name: str, readiness: Condition) -> Condition:
    return Condition(
        type=name,
        status=readiness.status,
        reason=readiness.reason,
        message=readiness.message,
        since=readiness.since,
    )


def _last_change(statuses: Statuses) -> float:
    return max((max(status.started_at, status.finished_at) for status in statuses), default=0.0)
