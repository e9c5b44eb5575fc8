"""A pod's condition in Kubernetes' terms."""

from __future__ import annotations

from typing import Any

import pytest

from kubenode.model.status import PodStatus
from kubenode.plan.situation import Situation
from kubenode.plan.status import pod_status
from support.plans import desired_pod, failures, observed_pod, settings

NOW = 1000.0
READY: dict[str, Any] = {"s0": {}}
LOST: dict[str, Any] = {"s0": {"ready": False}}
FAILED = {"state": "exited", "exit_code": 1, "finished_at": 995.0, "started_at": 990.0}
DONE = {"state": "exited", "finished_at": 995.0, "started_at": 990.0}
NEVER, ON_FAILURE = {"restartPolicy": "Never"}, {"restartPolicy": "OnFailure"}
BOTH: dict[str, Any] = {"containers": ["app", "side"]}
NON_ROOT = {"securityContext": {"runAsNonRoot": True}}
NEVER_PULL = {"containers": [{"name": "app", "imagePullPolicy": "Never"}]}


def _status(
    spec: dict[str, Any],
    sandboxes: dict[str, Any],
    containers: dict[str, Any],
    images: dict[str, Any] | None = None,
    failed: dict[str, Any] | None = None,
) -> PodStatus:
    desired = desired_pod(spec)
    observed = observed_pod(desired, sandboxes, containers, images)
    return pod_status(Situation.of(desired, observed, failures(failed or {}), settings(), NOW))


PHASES = [
    ({}, {}, {}, "Pending"),
    ({}, READY, {}, "Pending"),
    ({}, READY, {"app-0": {"state": "created"}}, "Pending"),
    ({}, READY, {"app-0": {}}, "Running"),
    ({}, READY, {"app-0": FAILED}, "Running"),
    ({}, READY, {"app-0": DONE}, "Running"),
    ({}, READY, {"app-1": {"state": "created"}}, "Running"),
    (BOTH, READY, {"app-0": {}}, "Pending"),
    (BOTH, READY, {"app-0": {}, "side-0": FAILED}, "Running"),
    (ON_FAILURE, READY, {"app-0": DONE}, "Succeeded"),
    (ON_FAILURE, READY, {"app-0": FAILED}, "Running"),
    (NEVER, READY, {"app-0": DONE}, "Succeeded"),
    (NEVER, READY, {"app-0": FAILED}, "Failed"),
    (NEVER, READY, {"app-0": {"state": "unknown"}}, "Failed"),
    (NEVER, LOST, {"app-0": {**FAILED, "exit_code": 137}}, "Failed"),
    (NEVER, LOST, {"app-0": {"state": "created"}}, "Failed"),
    ({**NEVER, **BOTH}, READY, {"app-0": DONE, "side-0": FAILED}, "Failed"),
    ({**NEVER, **BOTH}, READY, {"app-0": DONE, "side-0": {}}, "Running"),
]


@pytest.mark.parametrize(("spec", "sandboxes", "containers", "phase"), PHASES)
def test_phase(spec: dict[str, Any], sandboxes: dict[str, Any], containers: dict[str, Any], phase: str) -> None:
    assert _status(spec, sandboxes, containers).phase == phase


REASONS = [
    ({}, {}, {}, None, {}, "ContainerCreating"),
    ({}, READY, {"app-0": {}}, None, {}, ""),
    ({}, {}, {}, None, {"sandbox": {"count": 1, "at": 999.0}}, "Failed"),
    ({}, READY, {}, {"app": None}, {"image:r.test/app:1": {"count": 1, "at": 999.0}}, "Failed"),
    ({}, READY, {}, {"app": None}, {"image:r.test/app:1": {"count": 2, "at": 999.0}}, "ImagePullBackOff"),
    ({}, READY, {}, {"app": None}, {"image:r.test/app:1": {"count": 2, "at": 900.0}}, "Failed"),
    ({}, READY, {}, None, {"container:app": {"count": 1, "at": 999.0}}, "Failed"),
    (NEVER_PULL, READY, {}, {"app": None}, {}, "ErrImageNeverPull"),
    (NON_ROOT, READY, {}, {"app": {"uid": 0}}, {}, "CreateContainerConfigError"),
    (NON_ROOT, READY, {}, {"app": {"username": "app"}}, {}, "CreateContainerConfigError"),
    ({}, READY, {"app-1": {**FAILED, "backoff_seconds": 0.0}}, None, {}, "CrashLoopBackOff"),
    ({}, READY, {"app-0": {**FAILED, "reason": "OOMKilled"}}, None, {}, "OOMKilled"),
    ({}, READY, {"app-0": {}}, None, {"clean-up": {"count": 1, "at": 999.0}}, "Failed"),
]


@pytest.mark.parametrize(("spec", "sandboxes", "containers", "images", "failed", "reason"), REASONS)
def test_reason(
    spec: dict[str, Any],
    sandboxes: dict[str, Any],
    containers: dict[str, Any],
    images: dict[str, Any] | None,
    failed: dict[str, Any],
    reason: str,
) -> None:
    assert _status(spec, sandboxes, containers, images, failed).reason == reason


def test_a_back_off_says_how_it_ended_and_when_it_goes_on() -> None:
    status = _status({}, READY, {"app-1": {**FAILED, "backoff_seconds": 0.0, "message": "no config"}})
    assert status.message == "the last run ended with exit code 1 (no config); starts again in 5 s"


def test_the_restart_count_does_not_fall_while_a_container_is_made() -> None:
    assert _status({}, READY, {"app-3": {"state": "created"}}).restarts == 3


def test_counts_addresses_and_times() -> None:
    status = _status(BOTH, READY, {"app-2": {"started_at": 500.0}, "side-1": {**FAILED}})
    assert (status.ready, status.restarts, status.started_at, status.ips) == (1, 3, 500.0, ("10.0.0.9",))
    assert [one.state for one in status.containers] == ["running", "waiting"]


def test_a_container_that_is_done_is_terminated_with_its_code() -> None:
    (container,) = _status(NEVER, READY, {"app-0": FAILED}).containers
    assert (container.state, container.exit_code, container.finished_at) == ("terminated", 1, 995.0)
