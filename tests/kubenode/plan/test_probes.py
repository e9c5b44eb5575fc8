"""Which probes are under way for a pod, and what their verdicts mean."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from kubenode.model.facts import NodeFacts
from kubenode.model.observed import ObservedContainer, ProbeKind, ProbeState
from kubenode.model.pod import Container
from kubenode.model.specs import ExecHook, HttpHook
from kubenode.plan.probes import (
    Check,
    GrpcCheck,
    ProbeTarget,
    TcpCheck,
    is_ready,
    is_started,
    kill_grace_of_failure,
    liveness_failure,
    targets,
)
from support.plans import container, desired_pod, observed_pod

EXEC = {"exec": {"command": ["true"]}}
ALL = {"name": "app", "startupProbe": EXEC, "livenessProbe": EXEC, "readinessProbe": EXEC}
PORTS = [{"name": "web", "containerPort": 8080}, {"name": "admin", "containerPort": 9000}]


def found(
    spec: dict[str, Any],
    containers: dict[str, Any] | None = None,
    sandboxes: dict[str, Any] | None = None,
    **desired: Any,
) -> tuple[ProbeTarget, ...]:
    pod = desired_pod(spec, **desired)
    running: dict[str, Any] = {"app-0": {}}
    return targets(pod, observed_pod(pod, sandboxes or {"s0": {}}, running if containers is None else containers))


def kinds(targets: tuple[ProbeTarget, ...]) -> list[str]:
    return [f"{target.container_id} {target.kind}" for target in targets]


@pytest.mark.parametrize(
    ("probes", "under_way"),
    [
        ({}, ["app-0 startup"]),
        ({"startup": None}, ["app-0 startup"]),
        ({"startup": False}, ["app-0 startup"]),
        ({"startup": True}, ["app-0 startup", "app-0 readiness", "app-0 liveness"]),
        (
            {"startup": True, "readiness": False, "liveness": False},
            ["app-0 startup", "app-0 readiness", "app-0 liveness"],
        ),
    ],
)
def test_the_startup_probe_holds_the_others_back(probes: dict[str, Any], under_way: list[str]) -> None:
    assert kinds(found({"containers": [ALL]}, {"app-0": {"probes": probes}})) == under_way


def test_without_a_startup_probe_the_others_begin_at_once() -> None:
    spec = {"containers": [{"name": "app", "livenessProbe": EXEC, "readinessProbe": EXEC}]}
    assert kinds(found(spec)) == ["app-0 readiness", "app-0 liveness"]


@pytest.mark.parametrize(
    ("containers", "under_way"),
    [
        ({}, []),
        ({"app-0": {"state": "created"}}, []),
        ({"app-0": {"state": "exited"}}, []),
        ({"app-0": {"state": "unknown"}}, []),
        ({"app-0": {"state": "exited"}, "app-1": {}}, ["app-1 readiness"]),
        ({"app-0": {}, "app-1": {"state": "exited"}}, []),
        ({"app-0": {"sandbox_id": "s9"}}, []),
        ({"old-0": {}}, []),
    ],
)
def test_only_the_newest_of_a_name_is_probed_while_it_runs(containers: dict[str, Any], under_way: list[str]) -> None:
    assert kinds(found({"containers": [{"name": "app", "readinessProbe": EXEC}]}, containers)) == under_way


@pytest.mark.parametrize(
    ("sandboxes", "under_way"),
    [
        ({"s0": {"uid": "another"}}, []),
        ({"s0": {}, "s1": {}}, ["app-1 readiness"]),
        ({"s0": {}, "s1": {"uid": "another"}}, ["app-0 readiness"]),
    ],
)
def test_only_the_newest_sandbox_of_the_pod_counts(sandboxes: dict[str, Any], under_way: list[str]) -> None:
    spec = {"containers": [{"name": "app", "readinessProbe": EXEC}]}
    containers = {"app-0": {"sandbox_id": "s0"}, "app-1": {"sandbox_id": "s1"}}
    assert kinds(found(spec, containers, sandboxes)) == under_way


def test_sidecars_are_probed_and_other_init_containers_are_not() -> None:
    inits = [
        {"name": "once", "readinessProbe": EXEC},
        {"name": "proxy", "restartPolicy": "Always", "readinessProbe": EXEC},
    ]
    spec = {"initContainers": inits, "containers": [{"name": "app", "readinessProbe": EXEC}]}
    running: dict[str, Any] = {"once-0": {}, "proxy-0": {}, "app-0": {}}
    assert kinds(found(spec, running)) == ["proxy-0 readiness", "app-0 readiness"]


def test_a_refused_pod_is_not_probed() -> None:
    assert found({"containers": [ALL]}, refusal={"reason": "NodeAffinity", "message": "no"}) == ()


@pytest.mark.parametrize(
    ("probe", "check"),
    [
        (EXEC, ExecHook(("true",))),
        ({"httpGet": {"port": 80}}, HttpHook("HTTP", "10.0.0.9", 80, "/")),
        ({"httpGet": {"port": "web", "path": "/z?a=b"}}, HttpHook("HTTP", "10.0.0.9", 8080, "/z?a=b")),
        ({"httpGet": {"port": "81"}}, HttpHook("HTTP", "10.0.0.9", 81, "/")),
        ({"httpGet": {"port": "gone"}}, HttpHook("HTTP", "10.0.0.9", 0, "/")),
        ({"httpGet": {"port": 70000}}, HttpHook("HTTP", "10.0.0.9", 0, "/")),
        (
            {"httpGet": {"port": 1, "host": "h", "scheme": "HTTPS", "httpHeaders": [{"name": "A", "value": "b"}]}},
            HttpHook("HTTPS", "h", 1, "/", (("A", "b"),)),
        ),
        ({"tcpSocket": {"port": "admin"}}, TcpCheck("10.0.0.9", 9000)),
        ({"tcpSocket": {"port": 5, "host": "127.0.0.1"}}, TcpCheck("127.0.0.1", 5)),
        ({"grpc": {"port": 50051}}, GrpcCheck("10.0.0.9", 50051, "")),
        ({"grpc": {"port": 50051, "service": "db"}}, GrpcCheck("10.0.0.9", 50051, "db")),
    ],
)
def test_names_are_resolved(probe: dict[str, Any], check: Check) -> None:
    (target,) = found({"containers": [{"name": "app", "ports": PORTS, "readinessProbe": probe}]})
    assert target.check == check


@pytest.mark.parametrize(
    ("host_network", "node_ips", "sandbox_ips", "host"),
    [
        (False, ("192.0.2.1",), ("10.0.0.9", "fd00::9"), "10.0.0.9"),
        (False, ("192.0.2.1",), (), ""),
        (True, ("192.0.2.1", "2001:db8::1"), (), "192.0.2.1"),
        (True, (), (), "127.0.0.1"),
    ],
)
def test_the_pods_address_is_asked(
    host_network: bool, node_ips: tuple[str, ...], sandbox_ips: tuple[str, ...], host: str
) -> None:
    spec = {"hostNetwork": host_network, "containers": [{"name": "app", "livenessProbe": {"tcpSocket": {"port": 80}}}]}
    pod = desired_pod(spec)
    observed = observed_pod(pod, {"s0": {"ips": sandbox_ips}}, {"app-0": {}})
    (target,) = targets(pod, dataclasses.replace(observed, node=NodeFacts(ips=node_ips)))
    assert target.check == TcpCheck(host, 80)


def test_a_target_carries_what_the_prober_needs() -> None:
    probe = {"exec": {"command": ["a", "b"]}, "periodSeconds": 3}
    spec = {"containers": [{"name": "app", "livenessProbe": probe}]}
    (target,) = found(spec, {"app-0": {"probes": {"liveness": True}, "started_at": 55.0}})
    assert (target.container_id, target.container, target.started_at) == ("app-0", "app", 55.0)
    assert (target.kind, target.state, target.probe.period_seconds) == (ProbeKind.LIVENESS, ProbeState(True), 3)


def manifest(*probes: str, **grace: int) -> Container:
    """An `app` with these probes, each with its own grace where one is given."""
    own = {kind: {"terminationGracePeriodSeconds": seconds} for kind, seconds in grace.items()}
    fields = {f"{kind}Probe": {**EXEC, **own.get(kind, {})} for kind in probes}
    return desired_pod({"containers": [{"name": "app", **fields}]}).pod.spec.containers[0]


@pytest.mark.parametrize(
    ("probes", "verdicts", "started", "ready"),
    [
        ((), {}, True, True),
        (("startup",), {}, False, False),
        (("startup",), {"startup": False}, False, False),
        (("startup",), {"startup": True}, True, True),
        (("readiness",), {}, True, False),
        (("readiness",), {"readiness": False}, True, False),
        (("readiness",), {"readiness": True}, True, True),
        (("startup", "readiness"), {"readiness": True}, False, False),
        (("startup", "readiness"), {"startup": True, "readiness": True}, True, True),
        (("liveness",), {"liveness": False}, True, True),
    ],
)
def test_started_and_ready(probes: tuple[str, ...], verdicts: dict[str, bool], started: bool, ready: bool) -> None:
    current = container("app-0", probes=verdicts)
    assert (is_started(manifest(*probes), current), is_ready(manifest(*probes), current)) == (started, ready)


@pytest.mark.parametrize("state", ["created", "exited", "unknown"])
def test_what_does_not_run_is_not_ready_and_is_not_stopped(state: str) -> None:
    current = container("app-0", state=state, probes={"startup": True, "readiness": True, "liveness": False})
    app = manifest("startup", "readiness", "liveness")
    assert (is_started(app, current), is_ready(app, current), liveness_failure(app, current)) == (False, False, "")


def failed(*kinds: ProbeKind, message: str = "") -> ObservedContainer:
    states = {kind: ProbeState(False, message) for kind in kinds}
    return dataclasses.replace(container("app-0"), probes=states)


@pytest.mark.parametrize(
    ("current", "why"),
    [
        (failed(), ""),
        (failed(ProbeKind.READINESS), ""),
        (failed(ProbeKind.LIVENESS), "its liveness probe failed"),
        (failed(ProbeKind.LIVENESS, message="status 500"), "its liveness probe failed: status 500"),
        (failed(ProbeKind.STARTUP, message="too slow"), "its startup probe failed: too slow"),
    ],
)
def test_why_a_container_is_stopped(current: ObservedContainer, why: str) -> None:
    assert liveness_failure(manifest("startup", "readiness", "liveness"), current) == why


def test_a_verdict_of_a_probe_that_the_manifest_does_not_have_stops_nothing() -> None:
    assert liveness_failure(manifest("readiness"), failed(ProbeKind.LIVENESS)) == ""


@pytest.mark.parametrize(
    ("grace", "kind", "seconds"),
    [
        ({}, ProbeKind.LIVENESS, 30),
        ({"liveness": 5}, ProbeKind.LIVENESS, 5),
        ({"liveness": 5, "startup": 7}, ProbeKind.STARTUP, 7),
        ({"liveness": 5}, ProbeKind.STARTUP, 30),
        ({"liveness": 0}, ProbeKind.LIVENESS, 0),
    ],
)
def test_the_failed_probes_own_grace_counts(grace: dict[str, int], kind: ProbeKind, seconds: int) -> None:
    app = manifest("startup", "liveness", **grace)
    assert kill_grace_of_failure(app, desired_pod().pod, failed(kind)) == seconds
