"""The rules of a static pod beyond its types: each broken one, with the path of the value."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kubenode.model.pod import Pod
from kubenode.model.validation import Problem, problems

APP = {"name": "app", "image": "r.test/app:1"}
C0 = "$.spec.containers[0]"


def _problems(top: dict[str, Any], metadata: dict[str, Any], spec: dict[str, Any]) -> list[Problem]:
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", **metadata},
        "spec": {"containers": [APP], **spec},
        **top,
    }
    return list(problems(msgspec.convert(manifest, Pod)))


def _of(**fields: Any) -> dict[str, Any]:
    return {"containers": [APP | fields]}


GOOD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"name": "a.b-c.d", "namespace": "kube-system", "uid": "0a-1"}, {}),
    ({"name": "a" * 253, "namespace": "a" * 63, "uid": "a" * 63}, {}),
    ({}, {"terminationGracePeriodSeconds": 0}),
    ({}, {"hostNetwork": True, **_of(ports=[{"containerPort": 80, "hostPort": 80}])}),
    ({}, _of(ports=[{"containerPort": 80, "hostPort": 80, "hostIP": "::1", "protocol": "UDP"}, {"containerPort": 80}])),
    ({}, _of(ports=[{"containerPort": 1, "hostPort": 8, "protocol": kind} for kind in ("TCP", "UDP", "SCTP")])),
    ({}, _of(resources={"limits": {"cpu": 2, "memory": "1Gi"}, "requests": {"cpu": "2000m", "memory": "1Gi"}})),
    ({}, _of(securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "a/b.json"}})),
    ({}, {"securityContext": {"runAsUser": 2**31 - 1, "supplementalGroups": [0, 5]}}),
]


@pytest.mark.parametrize(("metadata", "spec"), GOOD)
def test_nothing_speaks_against_it(metadata: dict[str, Any], spec: dict[str, Any]) -> None:
    assert _problems({}, metadata, spec) == []


BAD: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = [
    ({"apiVersion": "v2"}, {}, {}, "$.apiVersion"),
    ({"kind": "Deployment"}, {}, {}, "$.kind"),
    ({}, {"name": ""}, {}, "$.metadata.name"),
    ({}, {"name": "Web"}, {}, "$.metadata.name"),
    ({}, {"name": "../x"}, {}, "$.metadata.name"),
    ({}, {"name": "a\n"}, {}, "$.metadata.name"),
    ({}, {"name": "a" * 254}, {}, "$.metadata.name"),
    ({}, {"namespace": "a.b"}, {}, "$.metadata.namespace"),
    ({}, {"namespace": "a" * 64}, {}, "$.metadata.namespace"),
    ({}, {"uid": "a/b"}, {}, "$.metadata.uid"),
    ({}, {"uid": "a" * 64}, {}, "$.metadata.uid"),
    ({}, {}, {"containers": []}, "$.spec.containers"),
    ({}, {}, {"restartPolicy": "always"}, "$.spec.restartPolicy"),
    ({}, {}, {"dnsPolicy": "None"}, "$.spec.dnsPolicy"),
    ({}, {}, {"terminationGracePeriodSeconds": -1}, "$.spec.terminationGracePeriodSeconds"),
    ({}, {}, {"terminationGracePeriodSeconds": 2**31}, "$.spec.terminationGracePeriodSeconds"),
    ({}, {}, {"hostname": "a.b"}, "$.spec.hostname"),
    ({}, {}, {"serviceAccountName": "x"}, "$.spec.serviceAccountName"),
    ({}, {}, {"serviceAccount": "x"}, "$.spec.serviceAccount"),
    ({}, {}, {"securityContext": {"runAsUser": -1}}, "$.spec.securityContext.runAsUser"),
    ({}, {}, {"securityContext": {"runAsGroup": 2**31}}, "$.spec.securityContext.runAsGroup"),
    ({}, {}, {"securityContext": {"supplementalGroups": [1, 2**63]}}, "$.spec.securityContext.supplementalGroups[1]"),
    ({}, {}, {"securityContext": {"seccompProfile": {"type": "x"}}}, "$.spec.securityContext.seccompProfile.type"),
    ({}, {}, {"containers": [APP, APP]}, "$.spec.containers[1].name"),
    ({}, {}, _of(name="App"), f"{C0}.name"),
    ({}, {}, _of(name="a.b"), f"{C0}.name"),
    ({}, {}, _of(image=""), f"{C0}.image"),
    ({}, {}, _of(image=" a"), f"{C0}.image"),
    ({}, {}, _of(imagePullPolicy="Sometimes"), f"{C0}.imagePullPolicy"),
    ({}, {}, _of(ports=[{"containerPort": 0}]), f"{C0}.ports[0].containerPort"),
    ({}, {}, _of(ports=[{"containerPort": 1, "hostPort": 65536}]), f"{C0}.ports[0].hostPort"),
    ({}, {}, _of(ports=[{"containerPort": 1, "protocol": "tcp"}]), f"{C0}.ports[0].protocol"),
    ({}, {}, _of(ports=[{"containerPort": 1, "hostIP": "localhost"}]), f"{C0}.ports[0].hostIP"),
    ({}, {}, _of(ports=[{"containerPort": 1, "hostPort": 9}] * 2), f"{C0}.ports[1].hostPort"),
    ({}, {}, {"hostNetwork": True, **_of(ports=[{"containerPort": 1, "hostPort": 2}])}, f"{C0}.ports[0].hostPort"),
    ({}, {}, _of(env=[{"name": "A"}, {"name": "A=B"}]), f"{C0}.env[1].name"),
    ({}, {}, _of(env=[{"name": "A", "value": "\0"}]), f"{C0}.env[0].value"),
    ({}, {}, _of(resources={"limits": {"cpu": "much"}}), f"{C0}.resources.limits.cpu"),
    ({}, {}, _of(resources={"limits": {"cpu": "-1"}}), f"{C0}.resources.limits.cpu"),
    ({}, {}, _of(resources={"limits": {"cpu": "100T"}}), f"{C0}.resources.limits.cpu"),
    ({}, {}, _of(resources={"requests": {"memory": "9Ei"}}), f"{C0}.resources.requests.memory"),
    (
        {},
        {},
        _of(resources={"limits": {"memory": "1Gi"}, "requests": {"memory": "2Gi"}}),
        f"{C0}.resources.requests.memory",
    ),
    ({}, {}, _of(securityContext={"runAsUser": -1}), f"{C0}.securityContext.runAsUser"),
    (
        {},
        {},
        _of(securityContext={"privileged": True, "allowPrivilegeEscalation": False}),
        f"{C0}.securityContext.allowPrivilegeEscalation",
    ),
    *(
        (
            {},
            {},
            _of(securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": profile}}),
            f"{C0}.securityContext.seccompProfile.localhostProfile",
        )
        for profile in ("", "/etc/x.json", "../x.json", "a/../../x.json")
    ),
]


@pytest.mark.parametrize(("top", "metadata", "spec", "path"), BAD)
def test_what_breaks_a_rule_is_named(
    top: dict[str, Any], metadata: dict[str, Any], spec: dict[str, Any], path: str
) -> None:
    found = _problems(top, metadata, spec)
    assert [problem.path for problem in found] == [path]
    assert found[0].message
