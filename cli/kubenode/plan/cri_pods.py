"""What brings one sandbox, which a task names, to the state that the task wants."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kubenode.model.actions import RemoveContainer, RemoveSandbox, StopSandbox
from kubenode.model.cri_definitions import PodDefinition
from kubenode.model.cri_objects import CriAction, CriPlan, MakeSandbox, Owner, Place, SeenSandbox
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedContainer, ObservedPod, State
from kubenode.plan.cri_definitions import differing, listed, pod_definition
from kubenode.plan.cri_specs import sandbox_spec, stable_uid
from kubenode.plan.removal import tear_down
from kubenode.plan.stops import stop_running

PodState = Literal["running", "stopped", "absent"]
Recreate = Literal["idle", "always", "never"]
ALIVE = (State.RUNNING, State.UNKNOWN)


@dataclass(frozen=True, slots=True)
class WantedPod:
    """`config`: the definition's own, in canonical form. `recreate`: when one that differs may be made anew."""

    key: PodKey
    state: PodState
    definition: PodDefinition
    config: Mapping[str, Any]
    recreate: Recreate = "idle"
    force: bool = False


def plan_pod(wanted: WantedPod, seen: Sequence[SeenSandbox], place: Place) -> CriPlan:
    """`seen`: all sandboxes of the name, newest first."""
    newest = _current(seen)
    before = None if newest is None else _told(newest)
    match wanted.state:
        case "absent":
            plan = _absent(wanted, seen, before)
        case "stopped":
            plan = _stopped(wanted, seen, before)
        case _:
            plan = _running(wanted, seen, place, before)
    problem = _not_ours(wanted, seen) if plan.actions else ""
    return CriPlan(problem=problem) if problem else plan


def _current(seen: Sequence[SeenSandbox]) -> SeenSandbox | None:
    """The newest that runs, else the newest."""
    return next((one for one in seen if one.observed.ready), seen[0] if seen else None)


def _told(sandbox: SeenSandbox) -> dict[str, Any]:
    known = {"definition": "unknown, it was made by other means"} if sandbox.definition is None else sandbox.definition
    return {**known, "state": "running" if sandbox.observed.ready else "stopped"}


def _absent(wanted: WantedPod, seen: Sequence[SeenSandbox], before: Mapping[str, Any] | None) -> CriPlan:
    return CriPlan(tuple(_removal(wanted.key, seen, "", "the pod is not to be there")), before, None)


def _stopped(wanted: WantedPod, seen: Sequence[SeenSandbox], before: Mapping[str, Any] | None) -> CriPlan:
    ready = [one for one in seen if one.observed.ready]
    actions = tuple(_stops(wanted.key, ready, "the pod is not to run"))
    return CriPlan(actions, before, None if before is None else {**before, "state": "stopped"})


def _running(wanted: WantedPod, seen: Sequence[SeenSandbox], place: Place, before: Mapping[str, Any] | None) -> CriPlan:
    definition = pod_definition(wanted.key, wanted.definition, wanted.config)
    after = {**definition, "state": "running"}
    current = _current(seen)
    why = _why_anew(current, definition)
    if current is not None and not why:
        older = [one for one in seen if one is not current]
        actions = tuple(_removal(wanted.key, older, current.observed.uid, "an earlier attempt left it"))
        return CriPlan(actions, before, after)
    if current is not None and (problem := _may_not(wanted, current, why)):
        return CriPlan(problem=problem)
    uid = wanted.definition.uid or (current.observed.uid if current else "") or stable_uid(wanted.key, place.node_name)
    attempt = 1 + max((one.observed.attempt for one in seen), default=-1)
    spec = sandbox_spec(wanted.key, wanted.definition, uid, attempt, place, definition)
    same = [one for one in seen if one.observed.uid == uid]
    # The host's ports are free only once the old one has stopped; it is removed once the new one runs.
    actions = (
        *_removal(wanted.key, [one for one in seen if one.observed.uid != uid], uid, why),
        *_stops(wanted.key, same, why),
        MakeSandbox(spec, wanted.config, why),
        *_leftovers(wanted.key, same, why),
    )
    return CriPlan(actions, before, after)


def _why_anew(current: SeenSandbox | None, definition: Mapping[str, Any]) -> str:
    """Empty where what is there will do."""
    if current is None:
        return "there is none"
    if not current.observed.ready:
        return "it does not run any more, and none can be started twice"
    if current.definition is None:
        return "it was made by other means, with a definition that is not known"
    fields = differing(current.definition, definition)
    return f"it differs in {listed(fields)}" if fields else ""


def _may_not(wanted: WantedPod, current: SeenSandbox, why: str) -> str:
    """Why one that runs is not made anew; empty where it is, or where it does not run."""
    if not current.observed.ready or wanted.recreate == "always":
        return ""
    name = f"Pod {wanted.key}: {why}"
    if wanted.recreate == "never":
        return f"{name}, and it would have to be made anew, which recreate: never rules out."
    running = sorted(one.observed.name for one in current.containers if one.observed.state in ALIVE)
    if not running:
        return ""
    return (
        f"{name}, and it would have to be made anew, with its running containers {listed(running)}. "
        "Set recreate: always to allow that, or stop these first; kubenode.node.cri_container makes them again."
    )


def _not_ours(wanted: WantedPod, seen: Sequence[SeenSandbox]) -> str:
    owners = {one.owner for one in seen}
    if Owner.AGENT in owners:
        return (
            f"Pod {wanted.key} comes from a manifest, which kubenode's agent or a kubelet runs, and would put it back. "
            "Change the manifest instead, e.g. with kubenode.node.static_pod."
        )
    if Owner.OTHER in owners and not wanted.force:
        return (
            f"Pod {wanted.key} was made by other means, so it is not changed. "
            "Set force: true to take it over all the same, or use another name."
        )
    return ""


def _observed(key: PodKey, seen: Iterable[SeenSandbox]) -> ObservedPod:
    sandboxes = tuple(seen)
    containers = tuple(_without_foreign_log(one, sandbox) for sandbox in sandboxes for one in _inside(sandbox))
    return ObservedPod(key, tuple(one.observed for one in sandboxes), containers)


def _inside(sandbox: SeenSandbox) -> Iterator[ObservedContainer]:
    return (one.observed for one in sandbox.containers)


def _without_foreign_log(container: ObservedContainer, sandbox: SeenSandbox) -> ObservedContainer:
    """Logs in a folder of the user's own stay: nothing of it is named for removal."""
    directory = sandbox.observed.log_directory
    if directory and container.log_path.startswith(f"{directory}/"):
        return container
    return dataclasses.replace(container, log_path="")


def _removal(key: PodKey, seen: Sequence[SeenSandbox], keep: str, why: str) -> Iterator[CriAction]:
    """`keep`: the UID of the pod that stays, whose folder and cgroup stay with it."""
    other = [one for one in seen if one.observed.uid != keep]
    yield from _narrowed(tear_down(_observed(key, other), keep, why))
    same = [one for one in seen if one.observed.uid == keep]
    yield from _stops(key, same, why)
    yield from _leftovers(key, same, why)


def _stops(key: PodKey, seen: Sequence[SeenSandbox], why: str) -> Iterator[CriAction]:
    observed = _observed(key, seen)
    yield from stop_running(observed.containers, observed, why)
    for one in seen:
        if one.observed.ready:
            yield StopSandbox(one.observed.id, why)


def _leftovers(key: PodKey, seen: Sequence[SeenSandbox], why: str) -> Iterator[CriAction]:
    for container in _observed(key, seen).containers:
        yield RemoveContainer(container.name, container.id, container.log_path, why)
    for one in seen:
        yield RemoveSandbox(one.observed.id, why)


def _narrowed(actions: Iterable[object]) -> Iterator[CriAction]:
    """A tear-down has no other kinds of actions."""
    return (action for action in actions if isinstance(action, CriAction))
