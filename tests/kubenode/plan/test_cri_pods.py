"""One sandbox: what is planned for what is there, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kubenode.model.actions import CleanUpPod, RemoveContainer
from kubenode.model.cri_definitions import PodDefinition
from kubenode.model.cri_objects import MakeSandbox, Owner, Place, SeenContainer, SeenSandbox
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedContainer, Sandbox, State
from kubenode.plan.cri_pods import WantedPod, plan_pod

KEY = PodKey("default", "web")
PLACE = Place("node-1", "/var/log/pods", "")
LOGS = "/var/log/pods/default_web_u"
DEFINED = {"name": "web", "namespace": "default"}


def _sandbox(
    attempt: int = 0,
    *containers: SeenContainer,
    ready: bool = True,
    owner: Owner = Owner.MODULE,
    definition: dict[str, Any] | None = DEFINED,
    uid: str = "u",
) -> SeenSandbox:
    observed = Sandbox(
        f"sandbox-{attempt}", uid, attempt, ready, attempt, log_directory=LOGS, cgroup_parent=f"/k/pod{uid}"
    )
    return SeenSandbox(observed, owner, definition, containers)


def _container(state: State = State.RUNNING, log_path: str = f"{LOGS}/main/0.log") -> SeenContainer:
    observed = ObservedContainer("c1", "sandbox-0", "u", "main", 0, state, 0, log_path=log_path)
    return SeenContainer(observed, Owner.MODULE, {})


def _wanted(state: Any = "running", **given: Any) -> WantedPod:
    more = {name: given.pop(name) for name in ("recreate", "force") if name in given}
    return WantedPod(KEY, state, PodDefinition(**given), {}, **more)


OTHER = {"hostname": "other"}
DEAD = _sandbox(ready=False)


@pytest.mark.parametrize(
    ("wanted", "seen", "verbs"),
    [
        (_wanted(), [], ["run"]),
        (_wanted(), [_sandbox()], []),
        (_wanted(), [_sandbox(0, _container())], []),
        (_wanted(), [DEAD], ["run", "remove"]),
        (_wanted(), [_sandbox(0, _container(State.EXITED), ready=False)], ["run", "remove", "remove"]),
        (_wanted(), [_sandbox(1), DEAD], ["remove"]),
        # The newest died, and an older one runs as defined.
        (_wanted(), [_sandbox(1, ready=False), _sandbox(0)], ["remove"]),
        (_wanted(**OTHER), [_sandbox()], ["stop", "run", "remove"]),
        (_wanted(**OTHER), [_sandbox(0, _container(State.EXITED))], ["stop", "run", "remove", "remove"]),
        (_wanted(**OTHER, recreate="always"), [_sandbox(0, _container())], ["stop", "stop", "run", "remove", "remove"]),
        (_wanted(uid="v"), [_sandbox()], ["stop", "remove", "remove", "run"]),
        (_wanted("stopped"), [], []),
        (_wanted("stopped"), [DEAD], []),
        (_wanted("stopped"), [_sandbox(0, _container())], ["stop", "stop"]),
        (_wanted("absent"), [], []),
        (_wanted("absent"), [_sandbox(0, _container())], ["stop", "stop", "remove", "remove", "remove"]),
        (_wanted("absent"), [_sandbox(1), DEAD], ["stop", "stop", "remove", "remove", "remove"]),
        (_wanted(force=True), [_sandbox(owner=Owner.OTHER, definition=None)], ["stop", "run", "remove"]),
    ],
)
def test_actions(wanted: WantedPod, seen: list[SeenSandbox], verbs: list[str]) -> None:
    plan = plan_pod(wanted, seen, PLACE)
    assert plan.problem == ""
    assert [action.verb.split()[0] for action in plan.actions] == verbs
    assert all(action.why for action in plan.actions)


@pytest.mark.parametrize(
    ("wanted", "seen", "sentence"),
    [
        (_wanted(**OTHER), [_sandbox(0, _container())], "differs in hostname, .* running containers main"),
        (_wanted(**OTHER), [_sandbox(0, _container(State.UNKNOWN))], "running containers main"),
        (_wanted(**OTHER, recreate="never"), [_sandbox()], "never rules out"),
        (_wanted("absent"), [_sandbox(owner=Owner.OTHER, definition=None)], "by other means.*force: true"),
        (_wanted("stopped", force=True), [_sandbox(owner=Owner.AGENT)], "comes from a manifest"),
        (_wanted("absent", force=True), [_sandbox(owner=Owner.AGENT), DEAD], "comes from a manifest"),
    ],
)
def test_refusals(wanted: WantedPod, seen: list[SeenSandbox], sentence: str) -> None:
    plan = plan_pod(wanted, seen, PLACE)
    assert not plan.actions
    assert re.search(sentence, plan.problem)


def test_a_new_attempt_keeps_the_uid_and_counts_on() -> None:
    plan = plan_pod(_wanted(**OTHER), [_sandbox(4), _sandbox(7, ready=False)], PLACE)
    (made,) = (action for action in plan.actions if isinstance(action, MakeSandbox))
    assert (made.spec.uid, made.spec.attempt, made.spec.hostname) == ("u", 8, "other")
    assert not any(isinstance(action, CleanUpPod) for action in plan.actions)


def test_what_a_pod_has_to_itself_goes_with_it() -> None:
    plan = plan_pod(_wanted("absent"), [_sandbox(0, _container())], PLACE)
    (clean,) = (action for action in plan.actions if isinstance(action, CleanUpPod))
    assert (clean.log_directory, clean.cgroup_parent) == ("/var/log/pods/default_web_u", "/k/podu")


def test_logs_elsewhere_stay() -> None:
    plan = plan_pod(_wanted("absent"), [_sandbox(0, _container(log_path="/srv/logs/main.log"))], PLACE)
    assert [action.log_path for action in plan.actions if isinstance(action, RemoveContainer)] == [""]


def test_a_change_shows_as_that_field() -> None:
    plan = plan_pod(_wanted(**OTHER), [_sandbox()], PLACE)
    assert plan.before == {**DEFINED, "state": "running"}
    assert plan.after == {**DEFINED, "state": "running", "hostname": "other"}
