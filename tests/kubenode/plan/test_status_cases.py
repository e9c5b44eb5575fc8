"""A pod's status, conditions and explanation by tables. The expectations are Kubernetes' words, written by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from kubenode.model.actions import Failure
from kubenode.model.observed import ProbeKind, ProbeState
from kubenode.model.status import PodStatus
from kubenode.plan.explain import explain, explanation
from kubenode.plan.situation import Situation
from kubenode.plan.status import all_statuses, pod_status
from kubenode.plan.v1 import v1_pod
from support.plans import desired_pod, observed_pod, settings

NOW = 1000.0
GIVEN = {"pod", "sandboxes", "containers", "images", "failures", "refusal", "held"}
EXPECTED = {"phase", "column", "ready", "conditions", "waits", "last", "links", "well", "headline"}
ALWAYS = {"case", "phase", "column", "ready", "conditions", "links", "well"}
HELD = {
    "source": "/manifests/web.yaml",
    "source_state": "held",
    "source_reason": "$.spec.x is no field",
    "source_line": 3,
}


def _cases() -> list[Any]:
    found = []
    for case in yaml.safe_load((Path(__file__).parent / "status_cases" / "status.yaml").read_text()):
        assert case.keys() <= GIVEN | EXPECTED | {"case"}, case
        assert case.keys() >= ALWAYS, case
        found.append(pytest.param(case, id=case["case"]))
    return found


def _situation(case: dict[str, Any]) -> Situation:
    desired = desired_pod(case.get("pod"), refusal=case.get("refusal"))
    given = {name: dict(fields) for name, fields in case.get("containers", {}).items()}
    probes = {name: _probes(fields.pop("probes", {})) for name, fields in given.items()}
    observed = observed_pod(desired, case.get("sandboxes", {}), given, case.get("images"))
    containers = tuple(dataclasses.replace(one, probes=probes[one.id]) for one in observed.containers)
    failed = {subject: Failure(**fields) for subject, fields in case.get("failures", {}).items()}
    return Situation.of(desired, dataclasses.replace(observed, containers=containers), failed, settings(), NOW)


def _probes(given: dict[str, Any]) -> dict[ProbeKind, ProbeState]:
    return {ProbeKind(kind): ProbeState(**fields) for kind, fields in given.items()}


def _status(case: dict[str, Any], situation: Situation) -> PodStatus:
    status = pod_status(situation)
    return msgspec.structs.replace(status, **HELD) if case.get("held") else status


@pytest.mark.parametrize("case", _cases())
def test_status(case: dict[str, Any]) -> None:
    status = _status(case, _situation(case))
    assert (status.phase, status.column) == (case["phase"], case["column"])
    assert f"{status.ready}/{status.total}" == case["ready"]
    assert [one.type for one in status.conditions if one.status] == case["conditions"]
    assert [one.type for one in status.conditions] == sorted(one.type for one in status.conditions)
    by_name = {one.name: one for one in all_statuses(status)}
    for name, reason in case.get("waits", {}).items():
        assert (by_name[name].state, by_name[name].reason) == ("waiting", reason)
    for name, end in case.get("last", {}).items():
        last = by_name[name].last
        assert last is not None
        assert [last.exit_code, last.reason] == end


@pytest.mark.parametrize("case", _cases())
def test_explanation(case: dict[str, Any]) -> None:
    situation = _situation(case)
    status = _status(case, situation)
    found = explanation("default/web", explain(situation, status), status)
    assert {link.name: link.state.value for link in found.links if link.state != "ok"} == case["links"]
    assert found.well is case["well"]
    assert found.headline.startswith(case.get("headline", ""))
    assert all(link.remedy for link in found.links if link.state == "failed")
    assert all(link.fact for link in found.links if link.state in ("ok", "failed", "waiting"))


@pytest.mark.parametrize("case", _cases())
def test_kubernetes_form(case: dict[str, Any]) -> None:
    situation = _situation(case)
    pod = v1_pod(situation.desired, pod_status(situation))
    status = pod["status"]
    assert status["phase"] == case["phase"]
    assert [one["type"] for one in status["conditions"] if one["status"] == "True"] == case["conditions"]
    names = [one["name"] for one in pod["spec"]["containers"]]
    assert [one["name"] for one in status["containerStatuses"]] == names
    for one in (*status.get("initContainerStatuses", []), *status["containerStatuses"]):
        (state,) = one["state"]
        assert state in ("waiting", "running", "terminated")
        assert one["lastState"] == {} or one["lastState"]["terminated"]["exitCode"] >= 0
