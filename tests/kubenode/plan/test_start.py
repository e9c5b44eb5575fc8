"""Whether a pod has come up, or never will."""

from __future__ import annotations

import pytest

from kubenode.model.status import ContainerStatus, Exit, Kind, PodStatus
from kubenode.plan.start import STANDING_SECONDS, STEADY_SECONDS, Awaited, outlook

NOW = 1000.0


def container(state: str, reason: str = "", message: str = "", *, code: int | None = None, **fields: object) -> object:
    last = None if code is None else Exit(exit_code=code, reason="Error")
    return ContainerStatus(name="main", state=state, reason=reason, message=message, last=last, **fields)  # type: ignore[arg-type]


def pod(phase: str, *containers: object, **fields: object) -> PodStatus:
    return PodStatus(namespace="default", name="web-n", phase=phase, containers=containers, **fields)  # type: ignore[arg-type]


RUNNING = container("running", ready=True, started_at=NOW - 60)


@pytest.mark.parametrize(
    ("status", "since", "verdict"),
    [
        (pod("Running", RUNNING), 0.0, "done"),
        (pod("Succeeded", container("terminated", "Completed")), 0.0, "done"),
        (pod("Running", container("running", started_at=NOW - STEADY_SECONDS / 2)), 0.0, "waits"),
        (pod("Pending", container("waiting", "ContainerCreating")), 1e6, "waits"),
        (pod("Running", RUNNING, container("waiting", "ContainerCreating")), 1e6, "waits"),
        (pod("Failed", reason="OutOfcpu", message="too much"), 0.0, "failed"),
        (pod("Pending", container("waiting", "ErrImageNeverPull")), 0.0, "failed"),
        (pod("Pending", container("waiting", "ErrImagePull", "dial tcp: connection refused")), 1e6, "waits"),
        (pod("Pending", container("waiting", "ErrImagePull", "pull access denied")), 0.0, "failed"),
        (pod("Pending", container("waiting", "ImagePullBackOff", "dial tcp: connection refused")), 0.0, "failed"),
        (pod("Pending", container("waiting", "CreateContainerConfigError")), STANDING_SECONDS - 1, "waits"),
        (pod("Pending", container("waiting", "CreateContainerConfigError")), STANDING_SECONDS, "failed"),
        (pod("Running", container("waiting", "Error", code=1, restarts=0)), 0.0, "waits"),
        (pod("Running", container("waiting", "CrashLoopBackOff", code=1, restarts=1)), 0.0, "failed"),
        (pod("Running", container("waiting", "CrashLoopBackOff", code=0, restarts=9)), 0.0, "waits"),
    ],
)
def test_a_pod_runs_or_will_or_never_will(status: PodStatus, since: float, verdict: str) -> None:
    found = outlook(status, Awaited.RUNNING, since, NOW)
    assert ("done" if found.done else "failed" if found.failed else "waits") == verdict
    assert found.why


def test_an_init_container_that_fails_again_and_again_counts() -> None:
    init = ContainerStatus(
        name="init", kind=Kind.INIT, state="waiting", reason="Error", restarts=1, last=Exit(exit_code=2, reason="Error")
    )
    found = outlook(pod("Pending", init_containers=(init,)), Awaited.RUNNING, 0.0, NOW)
    assert found.failed
    assert found.looping is init


def test_ready_waits_for_what_probes_say() -> None:
    unready = pod("Running", container("running", started_at=1.0), ready=0, total=1)
    assert outlook(unready, Awaited.RUNNING, 0.0, NOW).done
    assert outlook(unready, Awaited.READY, 0.0, NOW).why == "it runs, and is not ready: main is not ready"
    assert outlook(pod("Running", RUNNING, ready=1, total=1), Awaited.READY, 0.0, NOW).done


def test_a_cause_is_told_with_the_last_words() -> None:
    last = Exit(exit_code=1, reason="Error", message="no database\n")
    ended = ContainerStatus(name="db", state="waiting", reason="CrashLoopBackOff", message="ended", last=last)
    done = ContainerStatus(name="init", state="terminated", reason="Completed")
    found = outlook(pod("Running", ended, init_containers=(done,)), Awaited.RUNNING, 0.0, NOW)
    assert found.why == "it is Running; db is waiting: CrashLoopBackOff ended (its last words: no database)"
