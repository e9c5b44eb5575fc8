"""From whatever is there, plans lead to what is desired, and never through what may not be, however often they are cut.

The runtime is a pure function; it raises where two containers of a name, or two versions of a pod, would run at once.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubenode.model.actions import Failure, StartContainer
from kubenode.model.observed import ObservedContainer, ObservedPod, State
from kubenode.model.pod import all_containers, is_sidecar
from kubenode.model.reports import PodsReport
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.health import pod_checks
from kubenode.plan.pod import plan
from kubenode.plan.situation import Situation
from kubenode.plan.specs import container_hash
from kubenode.plan.status import pod_status
from support import plans
from support.pure_runtime import NEW, Forbidden, steps

thorough = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

NODE = plans.settings()
NOW = 10_000.0
# Each turn either acts or waits: remove, pull, start, wait for a back-off, start, clear away, for two containers; and
# before them for three init containers.
MOST_TURNS = 24
SIDECAR = {"name": "log", "restartPolicy": "Always"}
POLICIES = ("Always", "OnFailure", "Never")
PULLS = ("Always", "IfNotPresent")


@st.composite
def desired_pods(draw: st.DrawFn) -> DesiredPod:
    names = draw(st.sampled_from([["app"], ["app", "side"], ["side", "app"]]))
    containers = [{"name": name, "imagePullPolicy": draw(st.sampled_from(PULLS))} for name in names]
    init = draw(st.sampled_from([[], ["first"], [SIDECAR], [SIDECAR, "first"], ["first", SIDECAR, "second"]]))
    return plans.desired_pod(
        {"restartPolicy": draw(st.sampled_from(POLICIES)), "containers": containers, "initContainers": init}
    )


@st.composite
def observed_pods(draw: st.DrawFn, desired: DesiredPod | None) -> ObservedPod:
    """Anything that a runtime may hold under one key: two UIDs, some sandboxes, containers in any of their states."""
    sandboxes, containers = {}, {}
    attempts: dict[tuple[str, str], int] = {}
    for uid in ("u1", "u0"):
        for attempt in range(draw(st.integers(0, 2))):
            sandbox_id = f"{uid}s{attempt}"
            ready = draw(st.booleans())
            sandboxes[sandbox_id] = {"uid": uid, "ready": ready, "attempt": attempt}
            for name in draw(st.lists(st.sampled_from(["app", "side", "first", "log", "gone"]), max_size=4)):
                number = attempts[uid, name] = attempts.get((uid, name), -1) + 1
                containers[f"{uid}{name}-{number}"] = {"uid": uid, "name": name, "sandbox_id": sandbox_id} | draw(
                    container_fields()
                )
    images = {
        manifest.name: draw(st.sampled_from([None, {"uid": 1000}, {"uid": 0}, {"username": "app"}]))
        for manifest in (all_containers(desired.pod.spec) if desired else ())
    }
    found = plans.observed_pod(desired, sandboxes, containers, images)
    hashes = {one.name: container_hash(one) for one in all_containers(desired.pod.spec)} if desired else {}
    return dataclasses.replace(
        found,
        containers=tuple(
            one if one.hash else dataclasses.replace(one, hash=hashes.get(one.name, "")) for one in found.containers
        ),
    )


@st.composite
def container_fields(draw: st.DrawFn) -> dict[str, Any]:
    state = draw(st.sampled_from([state.value for state in State]))
    times = st.floats(0, 2 * NOW)
    fields: dict[str, Any] = {
        "state": state,
        "created_at": draw(times),
        "backoff_seconds": draw(st.none() | st.floats(0, 300)),
        "hash": draw(st.sampled_from(["", "other"])),
    }
    if state == "exited":
        fields |= {"exit_code": draw(st.sampled_from([0, 1, 137])), "finished_at": draw(times)}
    return fields


@st.composite
def worlds(draw: st.DrawFn) -> tuple[DesiredPod | None, ObservedPod]:
    desired = draw(st.none() | desired_pods())
    return desired, draw(observed_pods(desired))


SUBJECTS = (
    *("sandbox", "clean-up", "volumes", "cgroup", "hosts"),
    *("container:app", "container:side", "image:r.test/app:1"),
)
FAILURES = st.dictionaries(
    st.sampled_from(SUBJECTS),
    st.builds(Failure, st.integers(1, 10**6), st.floats(0, 2 * NOW), st.just("Failed"), st.just("no")),
)


@given(worlds(), FAILURES)
@thorough
def test_every_state_has_a_plan_and_a_status(
    world: tuple[DesiredPod | None, ObservedPod], failures: dict[str, Failure]
) -> None:
    desired, observed = world
    made = plan(plans.KEY, desired, observed, failures, NODE, NOW)
    assert made.wake_at is None or NOW <= made.wake_at <= NOW + 300
    said = [plans.in_words(action) for action in made.actions]
    assert len(set(said)) == len(said), "nothing is done twice in one plan"
    if desired is not None:
        status = pod_status(Situation.of(desired, observed, failures, NODE, NOW))
        assert status.phase in ("Pending", "Running", "Succeeded", "Failed")
        assert list(pod_checks(PodsReport(node="node", pods=(status,))))


@given(worlds())
@thorough
def test_plans_lead_to_what_is_desired(world: tuple[DesiredPod | None, ObservedPod]) -> None:
    desired, observed = world
    end = _run(desired, observed)
    if desired is None:
        assert end.empty
        return
    assert {*(one.uid for one in end.sandboxes), *(one.uid for one in end.containers)} <= {desired.uid}
    for manifest in desired.pod.spec.containers:
        mine = [one for one in end.containers if one.name == manifest.name]
        running = [one for one in mine if one.state is State.RUNNING]
        assert all(one.hash == container_hash(manifest) for one in running)
        assert len([one for one in mine if one.state is not State.RUNNING]) <= 1, "one dead container is kept"
        if desired.pod.spec.restart_policy == "Always":
            assert len(running) == 1


@given(worlds(), st.data())
@thorough
def test_an_agent_killed_at_any_action_ends_at_the_same(
    world: tuple[DesiredPod | None, ObservedPod], data: st.DataObject
) -> None:
    desired, observed = world
    whole = plan(plans.KEY, desired, observed, {}, NODE, NOW).actions
    done = data.draw(st.integers(0, len(whole)))
    cut = [observed, *steps(observed, whole[:done], NOW)][-1]
    assert _shape(_run(desired, cut)) == _shape(_run(desired, observed))


def _run(desired: DesiredPod | None, observed: ObservedPod) -> ObservedPod:
    """Turn after turn until nothing is left to do or to wait for."""
    now = NOW
    for _ in range(MOST_TURNS):
        made = plan(plans.KEY, desired, observed, {}, NODE, now)
        waits_for_init = _init_containers_end(desired, observed, now) != observed
        if not made.actions and made.wake_at is None and not waits_for_init:
            return observed
        for after in steps(observed, made.actions, now):
            assert desired is None or _in_order(desired, after)
            observed = after
        observed = _init_containers_end(desired, observed, now)
        now = max(now + 1, made.wake_at or 0)
    raise AssertionError(f"still not done after {MOST_TURNS} turns: {observed}")


def _in_order(desired: DesiredPod, observed: ObservedPod) -> bool:
    """Whether nothing that these plans started runs beside an init container that they made and that has not ended."""
    made = [one for one in observed.containers if one.id.startswith(NEW)]
    init = {one.name for one in desired.pod.spec.init_containers if not is_sidecar(one)}
    waiting = any(one.name in init and one.state is not State.EXITED for one in made)
    others = {one.name for one in desired.pod.spec.containers}
    return not (waiting and any(one.name in others and one.state is State.RUNNING for one in made))


def _init_containers_end(desired: DesiredPod | None, observed: ObservedPod, now: float) -> ObservedPod:
    names = {one.name for one in desired.pod.spec.init_containers if not is_sidecar(one)} if desired else set()
    return dataclasses.replace(
        observed,
        containers=tuple(
            dataclasses.replace(one, state=State.EXITED, finished_at=now)
            if one.name in names and one.state is State.RUNNING
            else one
            for one in observed.containers
        ),
    )


def _shape(pod: ObservedPod) -> object:
    """Which containers run, which ended, and whether the pod has a sandbox: without counts of attempts and times."""
    latest: dict[str, ObservedContainer] = {}
    for container in sorted(pod.containers, key=lambda one: one.attempt):
        latest[container.name] = container
    return (
        {name: (one.state, one.hash) for name, one in latest.items()},
        any(sandbox.ready for sandbox in pod.sandboxes),
    )


def test_the_runtime_of_these_properties_forbids_two_of_a_name() -> None:
    """Guards the properties above: they would hold of a runtime that allows everything."""
    desired = plans.desired_pod()
    both = plans.observed_pod(desired, {"s0": {}}, {"app-0": {}, "app-1": {"state": "created"}})
    with pytest.raises(Forbidden, match="app-0 runs already as app-1 starts"):
        list(steps(both, [StartContainer("app", "app-1", "")], NOW))
