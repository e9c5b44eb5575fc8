"""One container: what is planned for what is there, and how resources that changed are told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kubenode.model.actions import RemoveContainer, StopContainer, UpdateContainer
from kubenode.model.cri_definitions import ContainerDefinition
from kubenode.model.cri_objects import CriPlan, MakeContainer, Owner, Room, SeenContainer
from kubenode.model.names import PodKey
from kubenode.model.observed import ImageFact, ObservedContainer, State
from kubenode.model.specs import LinuxResources
from kubenode.plan.cri_containers import Found, WantedContainer, plan_container
from kubenode.plan.cri_definitions import container_definition

ROOM = Room(PodKey("default", "web"), "s1", "u", "/logs", own_logs=True)
HERE = {"app:1": ImageFact("sha256:1"), "app:2": ImageFact("sha256:2")}
MIB = 1 << 20


def _definition(**given: Any) -> ContainerDefinition:
    return msgspec.convert({"name": "main", "image": "app:1", **given}, ContainerDefinition)


def _seen(
    state: State = State.RUNNING,
    attempt: int = 0,
    owner: Owner = Owner.MODULE,
    actual: LinuxResources | None = None,
    **made_from: Any,
) -> SeenContainer:
    observed = ObservedContainer(
        f"c{attempt}", "s1", "u", "main", attempt, state, attempt, exit_code=3, grace_seconds=9,
        log_path=f"/logs/main/{attempt}.log", resources=actual,
    )  # fmt: skip
    kept = container_definition(_definition(**made_from), {}, "salt") if owner is Owner.MODULE else None
    return SeenContainer(observed, owner, kept, "salt" if kept else "")


def _plan(state: Any, seen: list[SeenContainer], *, force: bool = False, room: Room = ROOM, **given: Any) -> CriPlan:
    wanted = WantedContainer(state, _definition(**given), {}, "salt", "IfNotPresent", force)
    return plan_container(wanted, Found(room, seen, HERE | {"none:1": None}))


def _verbs(plan: CriPlan) -> list[str]:
    return [action.verb.split()[0] for action in plan.actions]


@pytest.mark.parametrize(
    ("state", "seen", "given", "verbs"),
    [
        ("created", [], {}, ["create"]),
        ("started", [], {}, ["create", "start"]),
        ("started", [], {"image": "none:1"}, ["pull", "create", "start"]),
        ("started", [_seen()], {}, []),
        ("started", [_seen(State.CREATED)], {}, ["start"]),
        ("started", [_seen(State.EXITED)], {}, ["create", "remove", "start"]),
        ("started", [_seen(State.UNKNOWN)], {}, ["create", "stop", "remove", "start"]),
        ("started", [_seen()], {"image": "app:2"}, ["create", "stop", "remove", "start"]),
        ("started", [_seen(State.CREATED, 1), _seen()], {}, ["stop", "remove", "start"]),
        ("started", [_seen()], {"image": ""}, []),
        ("created", [_seen()], {}, []),
        ("created", [_seen(State.EXITED)], {}, []),
        ("created", [_seen()], {"image": "app:2"}, ["create", "stop", "remove"]),
        ("stopped", [_seen()], {"image": "app:2"}, ["stop"]),
        ("stopped", [_seen(State.EXITED)], {}, []),
        ("stopped", [], {}, []),
        ("absent", [_seen(State.EXITED, 1), _seen()], {}, ["stop", "remove", "remove"]),
        ("absent", [], {}, []),
    ],
)
def test_actions(state: str, seen: list[SeenContainer], given: dict[str, Any], verbs: list[str]) -> None:
    plan = _plan(state, seen, **given)
    assert (plan.problem, _verbs(plan)) == ("", verbs)
    assert all(action.why for action in plan.actions)


@pytest.mark.parametrize(
    ("state", "seen", "given", "sentence"),
    [
        ("started", [], {"image": ""}, "there is none yet"),
        ("started", [_seen(State.EXITED)], {"image": ""}, "exited with code 3"),
        ("absent", [_seen(owner=Owner.OTHER)], {}, "force: true"),
        ("started", [_seen(owner=Owner.OTHER)], {}, "force: true"),
        ("absent", [_seen(owner=Owner.AGENT)], {"force": True}, "from a manifest"),
    ],
)
def test_refusals(state: str, seen: list[SeenContainer], given: dict[str, Any], sentence: str) -> None:
    plan = _plan(state, seen, **given)
    assert sentence in plan.problem
    assert not plan.actions


def test_a_new_one_counts_on_and_logs_go_with_what_had_them() -> None:
    plan = _plan("started", [_seen(State.EXITED, 4), _seen(State.EXITED, 2)], image="app:2")
    made, first, second, _ = plan.actions
    assert isinstance(made, MakeContainer)
    assert (made.spec.attempt, made.spec.log_path) == (5, "main/5.log")
    assert [one.log_path for one in (first, second) if isinstance(one, RemoveContainer)] == [
        "/logs/main/4.log",
        "/logs/main/2.log",
    ]
    elsewhere = Room(PodKey("default", "web"), "s1", "u", "/logs")
    kept = _plan("absent", [_seen(State.EXITED)], room=elsewhere).actions
    assert [one.log_path for one in kept if isinstance(one, RemoveContainer)] == [""]


@pytest.mark.parametrize(
    ("given", "seconds"), [({}, 9), ({"stop_grace_seconds": 60}, 60), ({"stop_grace_seconds": 0}, 2)]
)
def test_the_grace_is_the_tasks_else_the_containers(given: dict[str, Any], seconds: int) -> None:
    (stop,) = _plan("stopped", [_seen()], **given).actions
    assert isinstance(stop, StopContainer)
    assert stop.grace_seconds == seconds


def _linux(cpu_shares: int = 1024, cpu_quota: int = 0, memory: int = 0) -> LinuxResources:
    return LinuxResources(cpu_shares, 100_000 if cpu_quota else 0, cpu_quota, memory, 0)


LIMITED: dict[str, Any] = {"resources": {"limits": {"cpu": "200m", "memory": "64Mi"}}}


@pytest.mark.parametrize(
    ("made_from", "actual", "given", "before"),
    [
        # As it was made, and as somebody else has changed it since.
        ({}, _linux(), LIMITED, None),
        (LIMITED, _linux(204, 20_000, 64 * MIB), {}, LIMITED["resources"]),
        (LIMITED, _linux(204, 20_000, 96 * MIB), LIMITED, {"limits": {"cpu": "200m", "memory": "96Mi"}}),
        (LIMITED, _linux(512, 20_000, 64 * MIB), LIMITED,
         {"limits": {"cpu": "200m", "memory": "64Mi"}, "requests": {"cpu": "500m"}}),
    ],
)  # fmt: skip
def test_resources_are_told_and_changed_as_they_are(
    made_from: dict[str, Any], actual: LinuxResources, given: dict[str, Any], before: dict[str, Any] | None
) -> None:
    plan = _plan("started", [_seen(actual=actual, **made_from)], **given)
    (update,) = plan.actions
    assert isinstance(update, UpdateContainer)
    assert plan.before is not None
    assert plan.before.get("resources") == before
    assert plan.after is not None
    assert plan.after.get("resources") == given.get("resources")


def test_what_it_has_already_is_no_change_whatever_it_was_made_from() -> None:
    plan = _plan("started", [_seen(actual=_linux(204, 20_000, 64 * MIB))], **LIMITED)
    assert not plan.actions
    assert plan.before == plan.after


def test_without_a_limit_a_container_that_runs_is_told_so() -> None:
    (update,) = _plan("started", [_seen(actual=_linux(204, 20_000, 64 * MIB), **LIMITED)]).actions
    assert isinstance(update, UpdateContainer)
    assert (update.resources.cpu_shares, update.resources.cpu_quota, update.resources.memory_limit) == (1024, -1, -1)


@pytest.mark.parametrize(
    ("state", "given"),
    [(State.CREATED, LIMITED), (State.RUNNING, {"resources": {"limits": {"hugepages-2Mi": "2Mi"}}})],
)
def test_what_cannot_change_in_place_makes_another(state: State, given: dict[str, Any]) -> None:
    plan = _plan("started", [_seen(state, actual=_linux())], **given)
    assert "create" in _verbs(plan)
