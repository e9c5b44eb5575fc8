"""What events add to the chain of evidence."""

from __future__ import annotations

from typing import Any

from kubenode.model.describe import Link, LinkState
from kubenode.model.events import Event
from kubenode.model.status import ContainerStatus, Exit, Kind, PodStatus
from kubenode.plan.witnesses import witnessed

EXIT = Link(name="container app: exit", state=LinkState.FAILED, fact="it ended")
STARTUP = Link(name="container app: startup probe", state=LinkState.WAITING, fact="no verdict yet")
LAST = Exit(exit_code=137, reason="Error", message="", started_at=100.0, finished_at=110.0)


def _status(**fields: Any) -> PodStatus:
    app = ContainerStatus(name="app", kind=Kind.APP, **fields)
    return PodStatus(namespace="default", name="web", uid="u1", phase="Running", containers=(app,))


def _event(reason: str, message: str, at: float, container: str = "app", uid: str = "u1") -> Event:
    return Event(type="Warning", reason=reason, message=message, container=container, uid=uid, first_at=at, last_at=at)


KILLED = _event("Killing", "Stopping container app: its liveness probe failed: GET / refused", 109.0)
UNHEALTHY = _event("Unhealthy", "Startup probe failed: connection refused", 109.0)
WAITING = _status(state="waiting", reason="CrashLoopBackOff", last=LAST)
RUNNING = _status(state="running", started_at=100.0)


def _fact(link: Link, status: PodStatus, *events: Event) -> str:
    (found,) = witnessed([link], status, events)
    return found.fact


def test_an_exit_tells_which_probe_stopped_the_container() -> None:
    said = "it ended; it was stopped: its liveness probe failed: GET / refused"
    assert _fact(EXIT, WAITING, KILLED) == said


def test_a_probe_without_a_verdict_tells_what_it_met() -> None:
    assert _fact(STARTUP, RUNNING, UNHEALTHY) == "no verdict yet; so far it failed: connection refused"


def test_what_was_seen_of_another_run_container_or_pod_is_left_out() -> None:
    message = KILLED.message
    for other in (
        _event("Killing", message, 99.0),
        _event("Killing", message, 109.0, container="other"),
        _event("Killing", message, 109.0, uid="u0"),
        _event("Killing", "Stopping container app: its manifest changed", 50.0),
        _event("Unhealthy", "Liveness probe failed: GET / refused", 109.0),
    ):
        assert _fact(EXIT, WAITING, other) == "it ended", other
    assert _fact(STARTUP, RUNNING, _event("Unhealthy", "Readiness probe failed: refused", 109.0)) == "no verdict yet"


def test_what_is_well_needs_no_witness() -> None:
    passes = Link(name="container app: startup probe", state=LinkState.OK, fact="it passes")
    assert _fact(passes, RUNNING, UNHEALTHY) == "it passes"
