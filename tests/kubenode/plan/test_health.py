"""Verdicts on a node, from facts."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from kubenode.model.facts import AgentFacts, Amount, RuntimeFacts
from kubenode.model.reports import Check, Level, ManifestState, ObjectState, PodsReport
from kubenode.model.settings import DEFAULT_EVICTION_HARD
from kubenode.model.status import PodStatus
from kubenode.plan.health import (
    agent_checks,
    manifest_checks,
    object_checks,
    pod_checks,
    resource_checks,
    runtime_checks,
    worst,
)

GIB = 2**30


def _levels(checks: Iterable[Check]) -> dict[str, str]:
    return {check.name: check.level.value for check in checks}


RUNTIMES = [
    (RuntimeFacts(error="nobody answers"), {"runtime": "critical"}),
    (RuntimeFacts(name="c", ready=True, network_ready=True), {"runtime": "ok", "network": "ok"}),
    (RuntimeFacts(name="c", ready=True, network_message="no CNI"), {"runtime": "ok", "network": "critical"}),
    (RuntimeFacts(name="c", network_ready=True), {"runtime": "critical", "network": "ok"}),
]


@pytest.mark.parametrize(("facts", "expected"), RUNTIMES)
def test_runtime(facts: RuntimeFacts, expected: dict[str, str]) -> None:
    assert _levels(runtime_checks(facts)) == expected


AGENTS = [
    (AgentFacts(), {"agent": "critical"}),
    (AgentFacts("kubelet", "it is ill"), {"agent": "critical"}),
    (AgentFacts("kubelet"), {"agent": "ok"}),
    (AgentFacts("kubenode", pleg_age=1.0), {"agent": "ok", "pleg": "ok"}),
    (AgentFacts("kubenode", pleg_age=200.0, pleg_healthy=False), {"agent": "ok", "pleg": "critical"}),
    (AgentFacts("kubenode", pleg_age=1.0, stuck=("default/web",)), {"agent": "ok", "pleg": "warning"}),
    (AgentFacts("kubenode", pleg_age=1.0, warnings=("x has no effect",)), {"agent": "warning", "pleg": "ok"}),
]


@pytest.mark.parametrize(("facts", "expected"), AGENTS)
def test_agent(facts: AgentFacts, expected: dict[str, str]) -> None:
    assert _levels(agent_checks(facts)) == expected


def _manifests(*states: str, errors: tuple[str, ...] = ()) -> PodsReport:
    manifests = tuple(ManifestState(source=f"/m/{state}.yaml", state=state, reason="why", line=3) for state in states)
    return PodsReport(node="node", manifests=manifests, errors=errors)


@pytest.mark.parametrize(
    ("report", "level", "message"),
    [
        (_manifests(), "ok", "0 valid"),
        (_manifests("valid", "valid"), "ok", "2 valid"),
        (_manifests("valid", "invalid"), "warning", "/m/invalid.yaml:3 is invalid: why"),
        (_manifests("held"), "warning", "/m/held.yaml:3 is held: why"),
        (_manifests(errors=("/m cannot be read",)), "warning", "/m cannot be read"),
    ],
)
def test_manifests(report: PodsReport, level: str, message: str) -> None:
    (check,) = manifest_checks(report)
    assert (check.level, check.message) == (level, message)


def _objects(*states: str) -> PodsReport:
    told = (
        ObjectState(source="/o/a.yaml", state=state, object="Secret default/a", reason="why", line=3)
        for state in states
    )
    return PodsReport(node="node", objects=tuple(told))


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (_objects(), []),
        (_objects("valid", "valid"), [("ok", "2 valid")]),
        (_objects("valid", "held"), [("warning", "/o/a.yaml:3 Secret default/a is held: why")]),
    ],
)
def test_objects(report: PodsReport, expected: list[tuple[str, str]]) -> None:
    assert [(check.level.value, check.message) for check in object_checks(report)] == expected


@pytest.mark.parametrize(
    ("phase", "reason", "level"),
    [("Running", "", "ok"), ("Succeeded", "Completed", "ok"), ("Running", "CrashLoopBackOff", "warning")],
)
def test_pods(phase: str, reason: str, level: str) -> None:
    status = PodStatus(namespace="default", name="web", phase=phase, reason=reason)
    assert _levels(pod_checks(PodsReport(node="node", pods=(status,)))) == {"pods": level}


AMOUNTS = [
    # signal, available, capacity, threshold, level
    ("memory.available", 100 * 2**20, 8 * GIB, "100Mi", "critical"),
    ("memory.available", 100 * 2**20 + 1, 8 * GIB, "100Mi", "warning"),
    ("memory.available", 126 * 2**20, 8 * GIB, "100Mi", "ok"),
    ("nodefs.available", 10, 100, "10%", "critical"),
    ("nodefs.available", 11, 100, "10%", "warning"),
    ("nodefs.available", 13, 100, "10%", "ok"),
    ("nodefs.inodesFree", 4, 100, "5%", "critical"),
    ("pid.available", 0, 100, "0", "critical"),
    ("pid.available", 1, 100, "0", "ok"),
]


@pytest.mark.parametrize(("signal", "available", "capacity", "threshold", "level"), AMOUNTS)
def test_resources(signal: str, available: int, capacity: int, threshold: str, level: str) -> None:
    found = resource_checks({signal: Amount(available, capacity)}, {signal: threshold})
    assert _levels(found) == {signal: level}


def test_what_cannot_be_read_is_not_judged() -> None:
    assert list(resource_checks({}, DEFAULT_EVICTION_HARD)) == []


@pytest.mark.parametrize(
    ("levels", "expected"),
    [([], "ok"), (["ok", "warning"], "warning"), (["warning", "critical", "ok"], "critical")],
)
def test_the_worst_counts(levels: list[str], expected: str) -> None:
    assert worst(Check(name="x", level=Level(level), message="") for level in levels) == expected


def test_all_that_is_not_ok_says_what_to_do() -> None:
    checks = [
        *runtime_checks(RuntimeFacts(name="c")),
        *agent_checks(AgentFacts("kubenode", pleg_age=200.0, pleg_healthy=False)),
        *manifest_checks(_manifests("invalid")),
        *object_checks(_objects("invalid")),
        *resource_checks({"nodefs.available": Amount(1, 100)}, {"nodefs.available": "10%"}),
    ]
    assert [check.name for check in checks if check.level != "ok" and not check.remedy] == []
