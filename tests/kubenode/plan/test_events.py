"""What happened to a pod, in Kubernetes' reasons."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from kubenode.model.actions import (
    Action,
    CreateContainer,
    Outcome,
    PostStart,
    PullImage,
    RemoveContainer,
    Result,
    RunSandbox,
    SetUpVolume,
    StartContainer,
    StopContainer,
)
from kubenode.model.events import Event
from kubenode.model.source import Item, ItemState
from kubenode.model.specs import SleepHook
from kubenode.model.volume_specs import EmptyDir
from kubenode.plan.events import (
    About,
    manifest_events,
    outcome_events,
    pull_secret_events,
    seen_events,
    status_events,
)
from kubenode.plan.pod import plan
from kubenode.plan.situation import Situation
from kubenode.plan.status import pod_status
from support.plans import KEY, ORIGIN, UID, desired_pod, failures, observed_pod, prepared, settings

NOW = 1000.0
ABOUT = About(KEY, UID)
READY: dict[str, Any] = {"s0": {}}
CRASHED = {"state": "exited", "exit_code": 1, "started_at": 990.0, "finished_at": 995.0, "backoff_seconds": 0.0}


def _said(events: Iterable[Event]) -> list[str]:
    return [f"{event.type} {event.reason} {event.container}: {event.message}" for event in events]


def _planned(kind: type[Action]) -> Any:
    """The action of this kind that a new pod, with a missing image, needs."""
    desired = desired_pod()
    observed = prepared(observed_pod(desired, {}, {}, {"app": None}), desired, settings())
    actions = plan(KEY, desired, observed, {}, settings(), NOW).actions
    return next(action for action in actions if isinstance(action, kind))


def _done(action: Action, seconds: float = 0.0, **fields: str) -> Outcome:
    return Outcome(action, Result.DONE, seconds=seconds, **fields)


def _failed(action: Action, reason: str = "Reason") -> Outcome:
    return Outcome(action, Result.FAILED, reason, "it came back so")


def test_a_start_from_pull_to_process() -> None:
    pull = PullImage("r.test/app:1", "why", "app")
    create, start = _planned(CreateContainer), _planned(StartContainer)
    found = outcome_events(ABOUT, [_done(pull, 3.0), _done(create, 1.0), _done(start, 0.5)], NOW)
    assert _said(found) == [
        "Normal Pulling app: Pulling image r.test/app:1",
        "Normal Pulled app: Pulled image r.test/app:1 in 3.0 s",
        "Normal Created app: Created container app",
        "Normal Started app: Started container app",
    ]
    assert [event.last_at for event in found] == [995.5, 998.5, 999.5, 1000.0]
    assert {(event.namespace, event.pod, event.uid) for event in found} == {(*KEY, UID)}


def test_an_image_that_was_there() -> None:
    found = outcome_events(ABOUT, [_done(_planned(CreateContainer))], NOW)
    assert _said(found)[0] == "Normal Pulled app: Image r.test/app:1 is on the node already"


STOP = StopContainer("app", "app-0", 30, "its manifest is gone")
FAILURES = [
    (PullImage("i:1", "why", "app"), "Failed app: Failed to pull image i:1: it came back so"),
    (StartContainer("app", "", "why"), "Failed app: Reason of container app: it came back so"),
    (SetUpVolume(EmptyDir("data", "/data"), "why"), "FailedMount : it came back so"),
    (PostStart("app", "app-0", SleepHook(1), "why"), "FailedPostStartHook app: it came back so"),
    (STOP, "Reason app: it came back so"),
]


@pytest.mark.parametrize(("action", "said"), FAILURES)
def test_failures(action: Action, said: str) -> None:
    assert _said(outcome_events(ABOUT, [_failed(action)], NOW)) == [f"Warning {said}"]


def test_a_sandbox_that_fails_or_is_made_again() -> None:
    first = _planned(RunSandbox)
    again = dataclasses.replace(first, spec=dataclasses.replace(first.spec, attempt=1), why="the sandbox is gone")
    assert _said(outcome_events(ABOUT, [_failed(first)], NOW)) == ["Warning FailedCreatePodSandBox : it came back so"]
    assert _said(outcome_events(ABOUT, [_done(first)], NOW)) == []
    assert _said(outcome_events(ABOUT, [_done(again)], NOW)) == [
        "Normal SandboxChanged : The pod has a new sandbox: the sandbox is gone"
    ]


def test_a_stop_and_a_hook_that_failed_before_it() -> None:
    hooked = _done(STOP, 2.0, reason="FailedPreStopHook", message="exit code 1")
    found = outcome_events(ABOUT, [hooked], NOW)
    assert _said(found) == [
        "Normal Killing app: Stopping container app: its manifest is gone",
        "Warning FailedPreStopHook app: exit code 1",
    ]
    assert [event.last_at for event in found] == [998.0, 1000.0]


def test_what_was_skipped_or_only_tidies_is_no_event() -> None:
    remove = RemoveContainer("app", "app-0", "", "why")
    assert not outcome_events(ABOUT, [Outcome(STOP, Result.SKIPPED), _done(remove)], NOW)


def _status(
    containers: dict[str, Any],
    spec: dict[str, Any] | None = None,
    failed: dict[str, Any] | None = None,
    now: float = NOW,
    refusal: dict[str, str] | None = None,
) -> Any:
    desired = desired_pod(spec, refusal=refusal)
    observed = observed_pod(desired, READY, containers)
    return pod_status(Situation.of(desired, observed, failures(failed or {}), settings(), now))


def test_back_off_is_told_once_an_attempt() -> None:
    before, after = _status({"app-1": {}}), _status({"app-1": CRASHED})
    said = ["Warning BackOff app: Back-off restarting container app that ended with exit code 1"]
    assert _said(status_events(ABOUT, before, after, NOW)) == said
    assert not list(status_events(ABOUT, after, _status({"app-1": CRASHED}, now=NOW + 1), NOW + 1))
    next_one = _status({"app-2": {**CRASHED, "backoff_seconds": 10.0}})
    assert _said(status_events(ABOUT, after, next_one, NOW)) == said


def test_a_pull_that_backs_off() -> None:
    before = _status({}, failed={"image:r.test/app:1": {"count": 1, "at": 999.0}})
    after = _status({}, failed={"image:r.test/app:1": {"count": 2, "at": 999.0}})
    assert _said(status_events(ABOUT, before, after, NOW)) == [
        "Warning BackOff app: Back-off pulling image r.test/app:1: it did not work"
    ]


def test_what_is_missing_is_told_once() -> None:
    spec = {"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}
    status = _status({}, spec)
    (event,) = status_events(ABOUT, None, status, NOW)
    assert (event.type, event.reason, event.container) == ("Warning", "Failed", "app")
    assert not list(status_events(ABOUT, status, status, NOW))


def test_a_pod_that_is_refused_and_one_that_is_over() -> None:
    refused = _status({}, refusal={"reason": "OutOfcpu", "message": "4 are left"})
    assert _said(status_events(ABOUT, None, refused, NOW)) == ["Warning OutOfcpu : 4 are left"]
    over = _status({"app-0": {}}, {"activeDeadlineSeconds": 5})
    (event,) = status_events(ABOUT, None, over, NOW)
    assert (event.type, event.reason) == ("Normal", "DeadlineExceeded")
    ended = _status({"app-0": CRASHED}, {"activeDeadlineSeconds": 5})
    assert (over.phase != ended.phase, list(status_events(ABOUT, over, ended, NOW))) == (True, [])


def test_a_pod_that_is_refused_while_it_runs_is_told_of_once() -> None:
    refusal = {"reason": "NodePorts", "message": "the port is taken"}
    running, stopping = _status({"app-0": {}}), _status({"app-0": {}}, refusal=refusal)
    stopped = _status({"app-0": CRASHED}, refusal=refusal)
    pairs = ((running, stopping), (stopping, stopped), (stopped, stopped))
    said = [line for before, after in pairs for line in _said(status_events(ABOUT, before, after, NOW))]
    assert said == ["Warning NodePorts : the port is taken"]


def test_a_volume_that_holds_up_two_containers_is_one_event() -> None:
    missing = {"name": "v", "configMap": {"name": "none"}}
    containers = [{"name": name, "image": "r.test/app:1"} for name in ("app", "two")]
    status = _status({}, {"volumes": [missing], "containers": containers})
    assert [one.reason for one in status.containers] == ["FailedMount", "FailedMount"]
    (event,) = status_events(ABOUT, None, status, NOW)
    assert (event.reason, event.container, event.count) == ("FailedMount", "", 1)


def test_pull_secrets_that_give_nothing() -> None:
    without = desired_pod({"imagePullSecrets": [{"name": "registry"}]})
    (event,) = pull_secret_events(ABOUT, without, NOW)
    assert (event.type, event.reason) == ("Warning", "FailedToRetrieveImagePullSecret")
    assert "registry" in event.message
    assert not list(pull_secret_events(ABOUT, desired_pod(), NOW))


def test_a_kill_for_want_of_memory() -> None:
    desired = desired_pod()
    before = observed_pod(desired, READY, {"app-0": {}})
    after = observed_pod(desired, READY, {"app-0": {**CRASHED, "exit_code": 137, "reason": "OOMKilled"}})
    assert [event.reason for event in seen_events(ABOUT, before, after)] == ["OOMKilling"]
    assert not list(seen_events(ABOUT, after, after))


def test_manifests() -> None:
    desired = desired_pod()
    valid = Item(ORIGIN, ItemState.VALID, desired)
    held = Item(ORIGIN, ItemState.HELD, desired, "no such field", 3)
    place = str(ORIGIN)
    assert not list(manifest_events({}, [valid], NOW))
    assert _said(manifest_events({place: valid}, [held], NOW)) == [f"Warning ManifestHeld : {place}:3: no such field"]
    assert not list(manifest_events({place: held}, [held], NOW))
    assert _said(manifest_events({place: held}, [valid], NOW)) == [f"Normal ManifestValid : {place} is valid again"]
    invalid = Item(ORIGIN, ItemState.INVALID, None, "not YAML")
    (event,) = manifest_events({}, [invalid], NOW)
    assert (event.reason, event.pod, event.source) == ("ManifestInvalid", "", place)


def test_an_event_goes_over_the_wire() -> None:
    (event,) = manifest_events({}, [Item(ORIGIN, ItemState.INVALID, None, "not YAML")], NOW)
    assert msgspec.json.decode(msgspec.json.encode(event), type=Event) == event
