"""One probe over time, with the time given."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.observed import ProbeKind, ProbeState
from kubenode.model.probes import Probe
from kubenode.model.specs import ExecHook
from kubenode.plan.probe_runs import ProbeRun, advance, first_wait, next_due, over, threshold
from kubenode.plan.probes import ProbeTarget

READINESS, LIVENESS, STARTUP = ProbeKind.READINESS, ProbeKind.LIVENESS, ProbeKind.STARTUP


def verdicts(kind: ProbeKind, results: str, **probe: Any) -> str:
    """After each result (+ passed, - failed) the verdict: + or -, ? before there is one, . once the probe is over."""
    run, said = ProbeRun(), ""
    for now, result in enumerate(results):
        if over(kind, run.state):
            said += "."
            continue
        run = advance(run, kind, Probe(**probe), result == "+", f"{now}", float(now))
        said += {None: "?", True: "+", False: "-"}[run.state.passed]
    return said


@pytest.mark.parametrize(
    ("kind", "probe", "results", "expected"),
    [
        (READINESS, {}, "+", "+"),
        (READINESS, {}, "---", "??-"),
        (READINESS, {}, "+--+--+", "+++++++"),
        (READINESS, {}, "+---+", "+++-+"),
        (READINESS, {"failure_threshold": 1}, "+-+-", "+-+-"),
        (READINESS, {"success_threshold": 2}, "++", "?+"),
        (READINESS, {"success_threshold": 3, "failure_threshold": 1}, "+++-++-+++", "??+------+"),
        (LIVENESS, {}, "+--+---+", "++++++-."),
        (LIVENESS, {}, "---+", "??-."),
        (LIVENESS, {"success_threshold": 2}, "+", "+"),
        (STARTUP, {}, "--+-", "??+."),
        (STARTUP, {"failure_threshold": 5}, "-----+", "????-."),
        (STARTUP, {"failure_threshold": 1}, "-+", "-."),
    ],
)
def test_results_become_verdicts(kind: ProbeKind, probe: dict[str, int], results: str, expected: str) -> None:
    assert verdicts(kind, results, **probe) == expected


def test_a_verdict_says_since_when_it_stands_and_how_the_last_failure_came() -> None:
    run = ProbeRun()
    for now, passed, message in ((1.0, False, "a"), (2.0, False, "b"), (3.0, False, "c"), (4.0, False, "d")):
        run = advance(run, READINESS, Probe(failure_threshold=2), passed, message, now)
    assert run.state == ProbeState(False, "d", 2.0)
    run = advance(run, READINESS, Probe(), True, "", 5.0)
    assert run.state == ProbeState(True, "d", 5.0)


@given(
    kind=st.sampled_from(ProbeKind),
    results=st.lists(st.booleans(), max_size=60),
    success=st.integers(1, 5),
    failure=st.integers(1, 5),
)
def test_a_verdict_turns_only_after_as_many_results_in_a_row(
    kind: ProbeKind, results: list[bool], success: int, failure: int
) -> None:
    probe, run = Probe(success_threshold=success, failure_threshold=failure), ProbeRun()
    for index, passed in enumerate(results):
        before, run = run, advance(run, kind, probe, passed, "", float(index))
        wanted = threshold(kind, probe, passed)
        in_a_row = index + 1 >= wanted and all(one is passed for one in results[index + 1 - wanted : index + 1])
        assert run.state.passed is (passed if in_a_row else before.state.passed)


@pytest.mark.parametrize(
    ("kind", "passed", "done"),
    [
        (READINESS, True, False),
        (READINESS, False, False),
        (LIVENESS, True, False),
        (LIVENESS, False, True),
        (STARTUP, True, True),
        (STARTUP, False, True),
        (STARTUP, None, False),
    ],
)
def test_when_nothing_is_left_to_ask(kind: ProbeKind, passed: bool | None, done: bool) -> None:
    assert over(kind, ProbeState(passed)) is done


def target(started_at: float, **probe: Any) -> ProbeTarget:
    check = ExecHook(("true",))
    return ProbeTarget("c", "app", READINESS, Probe(**probe), check, started_at, ProbeState())


@pytest.mark.parametrize(
    ("case", "started_at", "delay", "now", "wait"),
    [
        ("at once", 1000.0, 0, 1000.0, 0.0),
        ("the whole delay", 1000.0, 20, 1000.0, 20.0),
        ("the rest of it", 1000.0, 20, 1015.0, 5.0),
        ("it is over", 1000.0, 20, 1030.0, 0.0),
        ("the clock was set back by an hour", 5000.0, 20, 1400.0, 20.0),
        ("older than the prober", 900.0, 0, 1000.0, 5.0),
        ("older, and the delay is longer", 995.0, 20, 1000.0, 15.0),
        ("older, but its startup probe took longer than a period", 900.0, 0, 1010.0, 0.0),
    ],
)
def test_the_first_time(case: str, started_at: float, delay: int, now: float, wait: float) -> None:
    one = target(started_at, initial_delay_seconds=delay, period_seconds=10)
    assert first_wait(one, now, began=1000.0, fraction=0.5) == wait, case


def test_the_pace_is_kept_and_what_was_missed_is_not_made_up_for() -> None:
    probe = Probe(period_seconds=10)
    assert (next_due(100.0, probe, 103.0), next_due(100.0, probe, 135.0)) == (110.0, 135.0)


def test_a_run_that_is_taken_up_again_keeps_its_verdict_until_results_say_otherwise() -> None:
    run = ProbeRun(ProbeState(True, at=5.0))
    for _ in range(2):
        run = advance(run, READINESS, Probe(), False, "down", 9.0)
        assert run.state == ProbeState(True, at=5.0)
    assert advance(run, READINESS, Probe(), False, "down", 9.0).state == ProbeState(False, "down", 9.0)
