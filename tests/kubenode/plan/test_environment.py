"""A container's environment: order, references, sources, and what is missing."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from kubenode.model.objects import ConfigMap, LocalObject, Secret, object_key
from kubenode.model.pod import Metadata
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.environment import environment, needs_pod_ip
from kubenode.plan.problems import UnrunnableError
from support.plans import NODE, desired_pod

SECRET_VALUE = "hunter2-do-not-tell"
OBJECTS: list[LocalObject] = [
    ConfigMap(
        api_version="v1",
        kind="ConfigMap",
        metadata=Metadata(name="settings"),
        data={"a": "1", "b.c-d": "$(X)", "X": "map"},
        binary_data={"blob": b"\xff"},
    ),
    Secret(
        api_version="v1",
        kind="Secret",
        metadata=Metadata(name="login"),
        data={"X": SECRET_VALUE.encode(), "raw": b"\xff\xfe" + SECRET_VALUE.encode()},
    ),
    ConfigMap(
        api_version="v1", kind="ConfigMap", metadata=Metadata(name="elsewhere", namespace="other"), data={"z": ""}
    ),
]


def _desired(**container: Any) -> DesiredPod:
    desired = desired_pod({"containers": [{"name": "app", **container}]})
    return dataclasses.replace(desired, objects={object_key(one): one for one in OBJECTS})


def _environment(**container: Any) -> dict[str, str]:
    desired = _desired(**container)
    return environment(desired.pod.spec.containers[0], desired, ("10.0.0.9",), NODE)


def _ref(kind: str, name: str, key: str = "", optional: bool = False) -> dict[str, Any]:
    return {kind: {"name": name, **({"key": key} if key else {}), "optional": optional}}


def _from(name: str, source: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "valueFrom": source}


def test_variables_refer_to_those_before_them() -> None:
    variables = [("A", "1"), ("B", "$(A)$(C)"), ("C", "3"), ("A", "$(A)$(A)")]
    found = _environment(env=[{"name": name, "value": value} for name, value in variables])
    assert found == {"A": "11", "B": "1$(C)", "C": "3"}


def test_groups_come_first_the_later_wins_and_nothing_in_them_is_expanded() -> None:
    maps = _ref("configMapRef", "settings")
    found = _environment(
        envFrom=[maps, {"prefix": "P_", **maps}], env=[{"name": "a", "value": "<$(a)$(P_a)>"}, {"name": "N"}]
    )
    assert found == {
        "a": "<11>",
        "b.c-d": "$(X)",
        "X": "map",
        "N": "",
        "P_a": "1",
        "P_b.c-d": "$(X)",
        "P_X": "map",
    }


def test_a_later_variable_wins() -> None:
    secret = {"secretKeyRef": {"name": "login", "key": "X"}}
    assert _environment(env=[{"name": "X", "value": "early"}, _from("X", secret)]) == {"X": SECRET_VALUE}


def test_a_group_with_names_that_no_variable_has_gives_the_others() -> None:
    found = _environment(envFrom=[{"prefix": "é", **_ref("configMapRef", "settings")}])
    assert found == {}


def test_all_four_sources() -> None:
    found = _environment(
        env=[
            _from("FIELD", {"fieldRef": {"fieldPath": "status.podIP"}}),
            _from("RESOURCE", {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}),
            _from("MAP", _ref("configMapKeyRef", "settings", "a")),
            _from("SECRET", _ref("secretKeyRef", "login", "X")),
            {"name": "ALL", "value": "$(FIELD) $(MAP) $(SECRET)"},
        ],
        resources={"limits": {"memory": "64Mi"}},
    )
    assert found == {
        "FIELD": "10.0.0.9",
        "RESOURCE": "64",
        "MAP": "1",
        "SECRET": SECRET_VALUE,
        "ALL": f"10.0.0.9 1 {SECRET_VALUE}",
    }


@pytest.mark.parametrize(
    "container",
    [
        {"envFrom": [_ref("configMapRef", "none", optional=True), _ref("secretRef", "none", optional=True)]},
        {"env": [_from("A", _ref("configMapKeyRef", "none", "a", optional=True))]},
        {"env": [_from("A", _ref("configMapKeyRef", "settings", "none", optional=True))]},
        {"env": [_from("A", _ref("configMapKeyRef", "settings", "blob", optional=True))]},
    ],
)
def test_optional_ones_may_be_missing(container: dict[str, Any]) -> None:
    assert _environment(**container) == {}


MISSING = [
    ({"envFrom": [_ref("configMapRef", "none")]}, "ConfigMap default/none .* container app"),
    ({"envFrom": [_ref("secretRef", "none")]}, "Secret default/none .* container app"),
    ({"envFrom": [_ref("configMapRef", "elsewhere")]}, "ConfigMap default/elsewhere"),
    ({"env": [_from("A", _ref("secretKeyRef", "login", "none"))]}, "Secret default/login .*'none'.* variable A"),
    ({"env": [_from("A", _ref("configMapKeyRef", "settings", "blob"))]}, "'blob'"),
    ({"env": [_from("A", _ref("secretKeyRef", "login", "raw"))]}, "'raw' of Secret default/login is not text"),
    ({"envFrom": [_ref("secretRef", "login")]}, "is not text"),
]


@pytest.mark.parametrize(("container", "message"), MISSING)
def test_what_is_missing_or_no_text_is_told_without_any_value(container: dict[str, Any], message: str) -> None:
    with pytest.raises(UnrunnableError, match=message) as caught:
        _environment(**container)
    assert caught.value.reason == "CreateContainerConfigError"
    assert SECRET_VALUE not in str(caught.value)


@pytest.mark.parametrize(("path", "needs"), [("status.podIP", True), ("status.podIPs", True), ("status.hostIP", False)])
def test_who_needs_the_pods_address(path: str, needs: bool) -> None:
    desired = _desired(env=[{"name": "A"}, _from("B", {"fieldRef": {"fieldPath": path}})])
    assert needs_pod_ip(desired.pod.spec.containers[0]) is needs
