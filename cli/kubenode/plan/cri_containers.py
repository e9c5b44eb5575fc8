"""What brings one container, which a task names, to the state that the task wants, in a sandbox that is there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from kubenode.model.actions import PullImage, RemoveContainer, StartContainer, StopContainer, UpdateContainer
from kubenode.model.cri_definitions import ContainerDefinition, ResourceOptions
from kubenode.model.cri_objects import CriAction, CriPlan, MakeContainer, Owner, Room, SeenContainer
from kubenode.model.observed import ImageFact, State
from kubenode.model.quantity import format_quantity
from kubenode.model.requests import CPU, MEMORY
from kubenode.model.settings import DEFAULT_CPU_PERIOD_US
from kubenode.model.specs import LinuxResources
from kubenode.plan.cri_definitions import (
    RESOURCES,
    canonical_resources,
    container_definition,
    differing,
    listed,
)
from kubenode.plan.cri_specs import container_spec, default_log_path, linux_resources
from kubenode.plan.images import NeededImage, never_pulled, pull_reason
from kubenode.plan.resize import changed_resources, update_of
from kubenode.plan.resources import shares_of
from kubenode.plan.stops import MIN_KILL_GRACE_SECONDS

ContainerState = Literal["created", "started", "stopped", "absent"]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]
ALIVE = (State.RUNNING, State.UNKNOWN)
# What runtimes give a container that asks for no CPU.
DEFAULT_SHARES = 1024


@dataclass(frozen=True, slots=True)
class WantedContainer:
    """`config`: the definition's own, in canonical form. `salt`: for digests of a container that is yet to be made."""

    state: ContainerState
    definition: ContainerDefinition
    config: Mapping[str, Any]
    salt: str
    pull: PullPolicy = "IfNotPresent"
    force: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What is there: all containers of the name, newest first, and the images that were asked about."""

    room: Room
    containers: Sequence[SeenContainer] = ()
    images: Mapping[str, ImageFact | None] = dataclasses.field(default_factory=dict)

    @property
    def current(self) -> SeenContainer | None:
        return self.containers[0] if self.containers else None


def plan_container(wanted: WantedContainer, found: Found) -> CriPlan:
    """Raises ValueError for a quantity that is none."""
    current = found.current
    before = None if current is None else _told(current)
    match wanted.state:
        case "absent":
            actions = tuple(_removals(found.containers, wanted, found.room, "the container is not to be there"))
            plan = CriPlan(actions, before, None)
        case "stopped":
            alive = [one for one in found.containers if one.observed.state in ALIVE]
            actions = tuple(_stop(one, wanted, "the container is not to run") for one in alive)
            plan = CriPlan(actions, before, {**before, "state": "exited"} if before and actions else before)
        case _:
            plan = _there(wanted, found)
    problem = _not_ours(wanted, found) if plan.actions else ""
    return CriPlan(problem=problem) if problem else plan


def _told(container: SeenContainer, definition: Mapping[str, Any] | None = None) -> dict[str, Any]:
    known = definition or container.definition or {"definition": "unknown, it was made by other means"}
    return {**known, "state": str(container.observed.state)}


def _there(wanted: WantedContainer, found: Found) -> CriPlan:
    """For created and started."""
    current = found.current
    if not wanted.definition.image:
        return _as_it_is(wanted, current)
    salt = current.salt if current and current.salt else wanted.salt
    definition = container_definition(wanted.definition, wanted.config, salt)
    if current is None or current.definition is None:
        why = "there is none" if current is None else "it was made by other means, with a definition that is not known"
        before = None if current is None else _told(current)
        return _made(wanted, found, definition, salt, why, before)
    kept = _with_actual_resources(current, definition)
    before = _told(current, kept)
    fields = differing(kept, definition)
    if wanted.state == "started" and current.observed.state in (State.EXITED, State.UNKNOWN):
        why = _ended(current) + (f", and it differs in {listed(fields)}" if fields else "")
        return _made(wanted, found, definition, salt, why, before)
    update = _update(wanted, current) if fields == [RESOURCES] else None
    if fields and update is None:
        return _made(wanted, found, definition, salt, f"it differs in {listed(fields)}", before)
    older = found.containers[1:]
    actions = (
        *_removals(older, wanted, found.room, "an earlier attempt left it"),
        *([update] if update else []),
        *_start(wanted, current),
    )
    return CriPlan(actions, before, {**definition, "state": _state_after(wanted, current)})


def _as_it_is(wanted: WantedContainer, current: SeenContainer | None) -> CriPlan:
    """Named only: it is started if it can be, and stays what it is."""
    name = wanted.definition.name
    if current is None:
        return CriPlan(problem=f"Container {name}: there is none yet, and to make it its image has to be given.")
    if wanted.state == "started" and current.observed.state in (State.EXITED, State.UNKNOWN):
        return CriPlan(
            problem=f"Container {name}: {_ended(current)}, and none can be started twice: give its definition, at "
            "least its image, to have it made anew."
        )
    return CriPlan(
        tuple(_start(wanted, current)), _told(current), {**_told(current), "state": _state_after(wanted, current)}
    )


def _ended(current: SeenContainer) -> str:
    observed = current.observed
    if observed.state is State.UNKNOWN:
        return "the runtime lost track of it"
    return f"it exited with code {observed.exit_code}" + (f" ({observed.reason})" if observed.reason else "")


def _start(wanted: WantedContainer, current: SeenContainer) -> Iterator[StartContainer]:
    if wanted.state == "started" and current.observed.state is State.CREATED:
        yield StartContainer(wanted.definition.name, current.observed.id, "it is created and not started")


def _state_after(wanted: WantedContainer, current: SeenContainer) -> str:
    return "running" if wanted.state == "started" else str(current.observed.state)


def _made(
    wanted: WantedContainer,
    found: Found,
    definition: Mapping[str, Any],
    salt: str,
    why: str,
    before: Mapping[str, Any] | None,
) -> CriPlan:
    """The new one is created first: where that fails the old one is still there, and runs."""
    name = wanted.definition.name
    needed = [NeededImage(image, wanted.pull) for image in images_of(wanted.definition)]
    missing = [image.reference for image in needed if never_pulled(image, found.images)]
    if missing:
        return CriPlan(
            problem=f"Container {name}: the image {listed(missing)} is not on the node, and its pull policy is Never. "
            "kubenode.node.cri_image brings it there."
        )
    attempt = 1 + max((one.observed.attempt for one in found.containers), default=-1)
    spec = container_spec(wanted.definition, attempt, found.room, definition, salt)
    pulls = (PullImage(image.reference, pull_reason(image, found.images), name) for image in needed)
    actions: tuple[CriAction, ...] = (
        *(pull for pull in pulls if pull.why),
        MakeContainer(spec, wanted.config, why),
        *_removals(found.containers, wanted, found.room, why),
        *([StartContainer(name, "", why)] if wanted.state == "started" else []),
    )
    after = {**definition, "state": "running" if wanted.state == "started" else "created"}
    return CriPlan(actions, before, after)


def images_of(definition: ContainerDefinition) -> list[str]:
    """Its own, and those that it mounts."""
    images = [definition.image, *(mount.image for mount in definition.mounts)]
    return list(dict.fromkeys(filter(None, images)))


def _removals(
    containers: Sequence[SeenContainer], wanted: WantedContainer, room: Room, why: str
) -> Iterator[CriAction]:
    for one in containers:
        if one.observed.state in ALIVE:
            yield _stop(one, wanted, why)
    for one in containers:
        observed = one.observed
        default = f"{room.log_directory}/{default_log_path(observed.name, observed.attempt)}"
        log = default if room.own_logs and observed.log_path == default else ""
        yield RemoveContainer(observed.name, observed.id, log, why)


def _stop(container: SeenContainer, wanted: WantedContainer, why: str) -> StopContainer:
    given = wanted.definition.stop_grace_seconds
    seconds = container.observed.grace_seconds if given is None else given
    grace = max(MIN_KILL_GRACE_SECONDS, seconds)
    return StopContainer(container.observed.name, container.observed.id, grace, why)


def _not_ours(wanted: WantedContainer, found: Found) -> str:
    owners, name = {one.owner for one in found.containers}, wanted.definition.name
    if Owner.AGENT in owners:
        return f"Container {name}: it comes from a manifest, which kubenode's agent or a kubelet runs. Change that."
    if Owner.OTHER in owners and not wanted.force:
        return (
            f"Container {name}: it was made by other means, so it is not changed. "
            "Set force: true to take it over all the same, or use another name."
        )
    return ""


def _with_actual_resources(current: SeenContainer, definition: Mapping[str, Any]) -> dict[str, Any]:
    """The kept definition, but with the CPU and memory that the container has: these can be changed where it runs.

    Where that is what the task asks for it is spelled as there.
    """
    kept, actual = dict(current.definition or {}), current.observed.resources
    if actual is None:
        return kept
    had, wants = _resources(kept), _resources(definition)
    fixed = {name: part for name, part in _fixed(had).items() if part}
    if _fixed(had) == _fixed(wants) and not changed_resources(_effective(wants), _comparable(actual)):
        told = definition.get(RESOURCES)
    elif not changed_resources(_effective(had), _comparable(actual)):
        told = kept.get(RESOURCES)
    else:
        told = _merged(fixed, _in_words(actual))
    kept.pop(RESOURCES, None)
    return {**kept, RESOURCES: told} if told else kept


def _resources(definition: Mapping[str, Any]) -> ResourceOptions:
    return ResourceOptions(**definition.get(RESOURCES, {}))


def _effective(resources: ResourceOptions) -> LinuxResources:
    return _comparable(linux_resources(resources))


def _comparable(resources: LinuxResources) -> LinuxResources:
    """Without a request for CPU a runtime says its default, or nothing."""
    return dataclasses.replace(resources, cpu_shares=resources.cpu_shares or DEFAULT_SHARES)


def _fixed(resources: ResourceOptions) -> dict[str, Any]:
    """The part that a container keeps for life."""
    plain = canonical_resources(resources)
    limits = {name: value for name, value in plain.get("limits", {}).items() if name not in (CPU, MEMORY)}
    return {"limits": limits, "oom_score_adj": plain.get("oom_score_adj", 0)}


def _in_words(actual: LinuxResources) -> dict[str, Any]:
    """As its options would ask for it: a request that is the limit is not said twice."""
    limits, requests, cpu = {}, {}, 0
    if actual.cpu_quota > 0 and actual.cpu_period > 0:
        cpu = actual.cpu_quota * 1000 // actual.cpu_period
        limits[CPU] = f"{cpu}m"
    if actual.memory_limit > 0:
        limits[MEMORY] = _bytes(actual.memory_limit)
    if actual.cpu_shares not in (0, DEFAULT_SHARES, shares_of(cpu) if cpu else 0):
        requests[CPU] = f"{-(-actual.cpu_shares * 1000 // 1024)}m"
    return {"limits": limits, "requests": requests}


def _bytes(amount: int) -> str:
    return format_quantity(Decimal(amount), binary=True)


def _merged(fixed: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    limits = {**fixed.get("limits", {}), **told["limits"]}
    merged = {**fixed, "limits": limits, "requests": told["requests"]}
    return {name: part for name, part in merged.items() if part}


def _update(wanted: WantedContainer, current: SeenContainer) -> UpdateContainer | None:
    """What gives the container that is there other CPU and memory; None where only another one can have them."""
    had, actual = _resources(current.definition or {}), current.observed.resources
    if actual is None or current.observed.state is not State.RUNNING:
        return None
    if _fixed(had) != _fixed(wanted.definition.resources):
        return None
    goal = _effective(wanted.definition.resources)
    changes = changed_resources(goal, _comparable(actual))
    why = f"its {listed(changes)} are not as defined"
    update = update_of(goal, DEFAULT_CPU_PERIOD_US)
    return UpdateContainer(wanted.definition.name, current.observed.id, update, why)
