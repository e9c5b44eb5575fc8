"""Actions in words, as plans show them."""

from __future__ import annotations

import pytest

from kubenode.model.actions import (
    Action,
    CleanUpPod,
    Plan,
    PullImage,
    RemoveContainer,
    RemoveSandbox,
    StartContainer,
    StopContainer,
    StopSandbox,
)
from kubenode.model.names import PodKey
from kubenode.model.reports import PodSync, Step, planned

LONG = "0123456789abcdef0123456789abcdef"
WORDS: list[tuple[Action, str]] = [
    (PullImage("r.test/app:1", "", "app"), "pull image r.test/app:1"),
    (StartContainer("app", LONG, ""), "start container app"),
    (StopContainer("app", LONG, 30, ""), "stop container app within 30 s"),
    (StopSandbox(LONG, ""), "stop sandbox 0123456789abc"),
    (RemoveContainer("app", LONG, "", ""), "remove container app 0123456789abc"),
    (CleanUpPod("/logs/x", "", ""), "remove logs /logs/x"),
    (CleanUpPod("", "/kubepods/x", ""), "remove cgroup"),
    (RemoveSandbox(LONG, ""), "remove sandbox 0123456789abc"),
]


@pytest.mark.parametrize(("action", "words"), WORDS)
def test_words(action: Action, words: str) -> None:
    assert action.verb == words


def test_a_plan_is_reported_with_reasons() -> None:
    plan = Plan(PodKey("default", "web"), (PullImage("a", "it is missing", "app"),), 12.0)
    step = Step(action="pull image a", why="it is missing")
    assert planned(plan) == PodSync(pod="default/web", steps=(step,), wake_at=12.0)
