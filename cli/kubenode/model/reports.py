"""What the agent tells about itself and its node, as it goes over the admin socket and out of the command line."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from kubenode.model.actions import Outcome, Plan
from kubenode.model.source import Item, ObjectItem
from kubenode.model.status import PodStatus


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of all reports."""


class ManifestState(Report, frozen=True, kw_only=True):
    """One manifest: where, whether it is valid, held, invalid or superseded, and why. `line` 0: no one place."""

    source: str
    state: str
    pod: str = ""
    reason: str = ""
    line: int = 0


class ObjectState(Report, frozen=True, kw_only=True):
    """One ConfigMap or Secret of the node, by name: where, its state as a manifest's, and why. It has no values."""

    source: str
    state: str
    object: str = ""
    reason: str = ""
    line: int = 0


class PodsReport(Report, frozen=True, kw_only=True):
    """`complete`: every source and the runtime have answered. `errors` are those of sources that cannot be read.

    `stale` says, while the runtime does not answer, since when what is told may be otherwise.
    """

    node: str
    stale: str = ""
    pods: tuple[PodStatus, ...] = ()
    manifests: tuple[ManifestState, ...] = ()
    objects: tuple[ObjectState, ...] = ()
    complete: bool = True
    errors: tuple[str, ...] = ()


class Step(Report, frozen=True, kw_only=True):
    """One action of a plan and, once carried out, how it went (`result` empty: it was only planned)."""

    action: str
    why: str
    result: str = ""
    reason: str = ""
    message: str = ""


class PodSync(Report, frozen=True, kw_only=True):
    """What one turn does, or did, for one pod. `wake_at`: seconds since the epoch, None when nothing is awaited.

    `notes` are what no step changes, and somebody may expect.
    """

    pod: str
    steps: tuple[Step, ...] = ()
    wake_at: float | None = None
    error: str = ""
    notes: tuple[str, ...] = ()


class SyncReport(Report, frozen=True, kw_only=True):
    """`steps` are those of the node itself, for all pods together."""

    node: str
    dry_run: bool
    steps: tuple[Step, ...] = ()
    pods: tuple[PodSync, ...] = ()
    manifests: tuple[ManifestState, ...] = ()
    objects: tuple[ObjectState, ...] = ()
    complete: bool = True
    errors: tuple[str, ...] = ()


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


class Check(Report, frozen=True, kw_only=True):
    """One question about the node's health, its answer, and what to do when it is not ok."""

    name: str
    level: Level
    message: str
    remedy: str = ""


class HealthReport(Report, frozen=True, kw_only=True):
    node: str
    level: Level
    checks: tuple[Check, ...]


class Versions(Report, frozen=True, kw_only=True):
    """Empty where there is none to ask."""

    kubenode: str
    agent: str = ""
    runtime: str = ""


class AgentState(Report, frozen=True, kw_only=True):
    """How the agent itself is. Ages in seconds; `stuck` lists pods whose turn takes longer than it should."""

    version: str
    started_at: float
    pleg_age: float
    pleg_healthy: bool
    pleg_evented: bool
    runtime_error: str = ""
    stuck: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def manifest_state(item: Item) -> ManifestState:
    pod = str(item.desired.key) if item.desired else ""
    return ManifestState(source=str(item.origin), state=item.state.value, pod=pod, reason=item.reason, line=item.line)


def object_state(item: ObjectItem) -> ObjectState:
    name = str(item.key) if item.key else ""
    return ObjectState(source=item.location, state=item.state.value, object=name, reason=item.reason, line=item.line)


def planned(plan: Plan, notes: tuple[str, ...] = ()) -> PodSync:
    steps = tuple(Step(action=action.verb, why=action.why) for action in plan.actions)
    return PodSync(pod=str(plan.key), steps=steps, wake_at=plan.wake_at, notes=notes)


def carried_out(plan: Plan, outcomes: list[Outcome], notes: tuple[str, ...] = ()) -> PodSync:
    steps = tuple(
        Step(
            action=outcome.action.verb,
            why=outcome.action.why,
            result=outcome.result.value,
            reason=outcome.reason,
            message=outcome.message,
        )
        for outcome in outcomes
    )
    return PodSync(pod=str(plan.key), steps=steps, wake_at=plan.wake_at, notes=notes)
