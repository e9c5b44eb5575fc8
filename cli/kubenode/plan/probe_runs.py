"""One probe over time: when it is due, and how its results become verdicts.

          first due             successThreshold in a row
waiting ────────────▶ asking ──────────────────────────────▶ passed   startup: over
                        └──────────────────────────────────▶ failed   startup, liveness: over
                                failureThreshold in a row

A verdict stands until enough results in a row say otherwise. A probe that is over is asked no more: the container of
a passed startup probe is started, and that of a failed startup or liveness probe is to be stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kubenode.model.observed import ProbeKind, ProbeState
from kubenode.model.probes import Probe
from kubenode.plan.probes import ProbeTarget


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """The verdict, the last result, and how many in a row were like it."""

    state: ProbeState = field(default_factory=ProbeState)
    last: bool | None = None
    count: int = 0


def threshold(kind: ProbeKind, probe: Probe, passed: bool) -> int:
    """How many results in a row make a verdict."""
    if not passed:
        return probe.failure_threshold
    return probe.success_threshold if kind is ProbeKind.READINESS else 1


def first_wait(target: ProbeTarget, now: float, began: float, fraction: float) -> float:
    """Seconds until the probe is asked first.

    The rest of the initial delay, whatever became of the clock meanwhile. In the first period of the prober, which
    `began` then, containers older than it get a `fraction` (0 to 1) of the period at least: their probes are not asked
    all at once.
    """
    delay, pace = target.probe.initial_delay_seconds, target.probe.period_seconds
    rest = max(0.0, min(float(delay), target.started_at + delay - now))
    return max(rest, fraction * pace) if target.started_at < began and now < began + pace else rest


def next_due(due: float, probe: Probe, now: float) -> float:
    """When the probe is asked again: at its pace, or at once where the last time took longer than a period."""
    return max(due + probe.period_seconds, now)


def advance(run: ProbeRun, kind: ProbeKind, probe: Probe, passed: bool, message: str, now: float) -> ProbeRun:
    """The run after one more result, at `now` in seconds since the epoch."""
    count = run.count + 1 if run.last is passed else 1
    state = run.state
    if count >= threshold(kind, probe, passed):
        same = state.passed is passed
        at = state.at if same else now
        state = ProbeState(passed, state.message if passed else message, at)
    return ProbeRun(state, passed, count)


def over(kind: ProbeKind, state: ProbeState) -> bool:
    """Whether nothing is left to ask."""
    if kind is ProbeKind.READINESS or state.passed is None:
        return False
    return kind is ProbeKind.STARTUP or state.passed is False
