"""Whatever is observed, a pod has a status, conditions and an explanation that agree with each other."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.actions import Failure
from kubenode.model.describe import LinkState
from kubenode.model.observed import ImageFact, ObservedContainer, ObservedPod, ProbeKind, ProbeState, Sandbox, State
from kubenode.model.static_pod import DesiredPod, Refusal
from kubenode.plan.events import About, seen_events, status_events
from kubenode.plan.explain import explain, explanation
from kubenode.plan.situation import Situation
from kubenode.plan.status import all_statuses, leftover_status, pod_status
from kubenode.plan.v1 import v1_pod
from support.plans import KEY, desired_pod, settings

TIMES = st.one_of(st.just(0.0), st.floats(-1e12, 1e15))
SUBJECTS = ("sandbox", "volumes", "cgroup", "hosts", "clean-up", "image:r.test/app:1", "container:app", "hook:app-0")
PROBE = {"tcpSocket": {"port": 80}}
SPECS: tuple[dict[str, Any], ...] = (
    {},
    {"restartPolicy": "Never"},
    {"restartPolicy": "OnFailure", "activeDeadlineSeconds": 5},
    {"initContainers": ["one", {"name": "side", "restartPolicy": "Always", "startupProbe": PROBE}]},
    {"containers": [{"name": "app", "readinessProbe": PROBE, "livenessProbe": PROBE, "startupProbe": PROBE}, "two"]},
    {"containers": [{"name": "app", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}}]}]},
    {"volumes": [{"name": "gone", "configMap": {"name": "gone"}}], "hostNetwork": True},
)

probes = st.dictionaries(
    st.sampled_from(ProbeKind), st.builds(ProbeState, st.sampled_from([None, True, False]), st.text(max_size=5), TIMES)
)
containers = st.builds(
    ObservedContainer,
    id=st.sampled_from(["app-0", "b", "c", "d"]),
    sandbox_id=st.sampled_from(["s0", "s1", "gone"]),
    uid=st.sampled_from(["u1", "other"]),
    name=st.sampled_from(["app", "two", "one", "side", "stranger"]),
    attempt=st.integers(0, 5),
    state=st.sampled_from(State),
    created_at=TIMES,
    started_at=TIMES,
    finished_at=TIMES,
    exit_code=st.integers(-1, 300),
    reason=st.sampled_from(["", "Error", "OOMKilled", "StartError"]),
    message=st.text(max_size=8),
    restart_count=st.integers(0, 9),
    backoff_seconds=st.sampled_from([None, 0.0, 10.0]),
    probes=probes,
)
sandboxes = st.builds(
    Sandbox,
    id=st.sampled_from(["s0", "s1"]),
    uid=st.sampled_from(["u1", "other"]),
    attempt=st.integers(0, 3),
    ready=st.booleans(),
    created_at=TIMES,
    ips=st.sampled_from([(), ("10.0.0.9",)]),
    pod_started_at=TIMES,
)
pods = st.builds(
    ObservedPod,
    st.just(KEY),
    st.lists(sandboxes, max_size=2).map(tuple),
    st.lists(containers, max_size=4).map(tuple),
    st.dictionaries(st.just("r.test/app:1"), st.sampled_from([None, ImageFact("x", 0), ImageFact("x", None, "app")])),
)
failed = st.dictionaries(
    st.sampled_from(SUBJECTS), st.builds(Failure, st.integers(1, 9), TIMES, st.just("Reason"), st.text(max_size=8))
)
refusals = st.sampled_from([None, Refusal("OutOfcpu", "too much")])


@given(st.sampled_from(SPECS), pods, failed, refusals, TIMES)
def test_any_status(
    spec: dict[str, object], observed: ObservedPod, found: dict[str, Failure], refusal: Refusal | None, now: float
) -> None:
    plain = desired_pod(spec)
    desired = DesiredPod(plain.pod, plain.origin, 0.0, refusal=refusal)
    situation = Situation.of(desired, observed, found, settings(), now)
    status = pod_status(situation)
    told = explanation("web", explain(situation, status), status)
    assert 0 <= status.ready <= status.total
    assert {one.type: one.status for one in status.conditions}["Ready"] <= (status.ready == status.total)
    assert all(one.state == "running" for one in all_statuses(status) if one.started)
    assert status.column
    assert not told.well or all(link.state in (LinkState.OK, LinkState.WAITING) for link in told.links)
    assert (status.phase == "Failed") <= (not told.well)
    assert msgspec.json.encode(v1_pod(desired, status))
    events = [*status_events(About(KEY), None, status, now), *seen_events(About(KEY), ObservedPod(KEY), observed)]
    assert all(event.reason for event in events)
    assert v1_pod(None, leftover_status(observed, found))["status"]["phase"] == "Running"
