"""What is remembered of failures between turns."""

from __future__ import annotations

import pytest

from kubenode.model.actions import Action, Failure, Outcome, Plan, PullImage, Result, StopContainer
from kubenode.plan.backoff import LONGEST_PULL, retry_at
from kubenode.plan.failures import remember
from kubenode.plan.pod import plan
from support.plans import KEY, desired_pod, observed_pod, settings

OLD = Failure(2, 50.0, "Old", "before")


def _actions() -> tuple[Action, ...]:
    desired = desired_pod()
    made: Plan = plan(KEY, desired, observed_pod(desired, {}, {}, {"app": None}), {}, settings(), 100.0)
    return made.actions  # directory, cgroup, run sandbox, pull, write hosts, create, start


SUBJECTS = ["volumes", "cgroup", "sandbox", "image:r.test/app:1", "hosts", "container:app", "container:app"]
CREATE = SUBJECTS.index("container:app")


@pytest.mark.parametrize(("number", "subject"), list(enumerate(SUBJECTS)))
def test_failures_in_a_row_are_counted(number: int, subject: str) -> None:
    outcome = Outcome(_actions()[number], Result.FAILED, "Reason", "what came back")
    first = remember({}, [outcome], 100.0)
    assert first == {subject: Failure(1, 100.0, "Reason", "what came back")}
    assert remember(first, [outcome], 110.0)[subject].count == 2


def test_clearing_up_is_one_subject() -> None:
    outcome = Outcome(StopContainer("app", "app-0", 30, ""), Result.FAILED, "FailedKillContainer", "hangs")
    assert remember({}, [outcome], 100.0).keys() == {"clean-up"}


def test_a_start_that_went_well_is_forgotten_with_all_before_it() -> None:
    failures = dict.fromkeys(SUBJECTS, OLD)
    assert remember(failures, [Outcome(action, Result.DONE) for action in _actions()], 100.0) == {}


def test_creating_alone_does_not_clear_the_container() -> None:
    create = _actions()[CREATE]
    assert remember({"container:app": OLD}, [Outcome(create, Result.DONE)], 100.0) == {"container:app": OLD}


def test_an_image_that_came_without_a_pull_clears_its_failure() -> None:
    create = _actions()[CREATE]
    assert remember({"image:r.test/app:1": OLD}, [Outcome(create, Result.DONE)], 100.0) == {}


def test_what_was_skipped_changes_nothing() -> None:
    skipped = Outcome(PullImage("r.test/app:1", "", "app"), Result.SKIPPED)
    assert remember({"image:r.test/app:1": OLD}, [skipped], 100.0) == {"image:r.test/app:1": OLD}


@pytest.mark.parametrize(
    ("count", "longest", "delay"),
    [(1, LONGEST_PULL, 10), (2, LONGEST_PULL, 20), (5, LONGEST_PULL, 160), (6, LONGEST_PULL, 300), (10**9, 300, 300)],
)
def test_waits_double_up_to_the_longest(count: int, longest: float, delay: float) -> None:
    assert retry_at(Failure(count, 1000.0, "", ""), longest) == 1000.0 + delay


def test_without_a_failure_there_is_no_wait() -> None:
    assert retry_at(None) == 0.0
