"""ConfigMaps and Secrets: what they mean, what is refused, and that a Secret shows no value."""

from __future__ import annotations

import copy
import pprint
from typing import Any

import msgspec
import pytest
from rich.pretty import pretty_repr

from kubenode.model.objects import MAX_VALUES, ConfigMap, LocalObject, Secret, differs, object_key, object_problems

CANARY = "canary-value"


def secret(**fields: Any) -> Secret:
    return msgspec.convert({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **fields}, Secret)


def config_map(**fields: Any) -> ConfigMap:
    return msgspec.convert({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, **fields}, ConfigMap)


@pytest.mark.parametrize("fields", [{"stringData": {"a": CANARY}}, {"data": {"a": "Y2FuYXJ5LXZhbHVl"}}])
def test_a_secret_is_represented_by_its_keys(fields: dict[str, Any]) -> None:
    one = secret(**fields)
    assert one.values == {"a": CANARY.encode()}
    for text in (repr(one), str(one), f"{one}", pprint.pformat(one), pretty_repr(one), repr([copy.copy(one)])):
        assert CANARY not in text
        assert "Y2Fu" not in text
    assert repr(one) == "Secret(default/s: keys a)"


def test_string_data_wins() -> None:
    assert secret(data={"a": "MQ==", "b": "MQ=="}, stringData={"a": "2"}).values == {"a": b"2", "b": b"1"}


def test_an_empty_namespace_is_the_default_one() -> None:
    assert str(object_key(secret(metadata={"name": "s", "namespace": ""}))) == "Secret default/s"


GOOD: list[LocalObject] = [
    config_map(data={"a": "1", "b.c_d-E": "2", "..a"[1:]: "3"}, binaryData={"f": "AA=="}),
    config_map(data={"a": "x" * MAX_VALUES}),
    config_map(metadata={"name": "kube-root-ca.crt"}),
    secret(type="kubernetes.io/tls", data={"tls.crt": "", "tls.key": ""}),
    secret(type="kubernetes.io/basic-auth", stringData={"username": "u"}),
    secret(type="kubernetes.io/dockerconfigjson", stringData={".dockerconfigjson": "{}"}),
    secret(type="example.org/own"),
]

BAD: list[tuple[LocalObject, str]] = [
    (config_map(apiVersion="v2"), "$.apiVersion"),
    (config_map(metadata={"name": "Upper"}), "$.metadata.name"),
    (config_map(metadata={"name": "a" * 254}), "$.metadata.name"),
    (config_map(metadata={"name": "a", "namespace": "a.b"}), "$.metadata.namespace"),
    (secret(metadata={"name": "s", "labels": {"a": "b c"}}), "$.metadata.labels.a"),
    (secret(metadata={"name": "s", "labels": {"a b": ""}}), "$.metadata.labels['a b']"),
    (config_map(metadata={"name": "c", "annotations": {"/a": ""}}), "$.metadata.annotations['/a']"),
    (config_map(metadata={"name": "c", "annotations": {"a": "x" * 2**18}}), "$.metadata.annotations"),
    (config_map(data={"a/b": CANARY}), "$.data"),
    (config_map(data={"..": CANARY}), "$.data"),
    (config_map(data={".": CANARY}), "$.data"),
    (config_map(data={"": CANARY}), "$.data"),
    (config_map(data={"a" * 254: CANARY}), "$.data"),
    (config_map(data={"a\n": CANARY}), "$.data"),
    (config_map(binaryData={"a b": "AA=="}), "$.binaryData"),
    (config_map(data={"a": CANARY}, binaryData={"a": "AA=="}), "$.binaryData"),
    (config_map(data={"a": "x" * MAX_VALUES, "b": "x"}), "$"),
    (secret(stringData={"a/b": CANARY}), "$.stringData"),
    (secret(data={"a": "AAAA" * (MAX_VALUES // 3 + 2)}), "$"),
    (secret(type="kubernetes.io/tls", stringData={"tls.key": CANARY}), "$.data"),
    (secret(type="kubernetes.io/ssh-auth", stringData={"key": CANARY}), "$.data"),
    (secret(type="kubernetes.io/basic-auth", stringData={"user": CANARY}), "$.data"),
    (secret(type="kubernetes.io/dockerconfigjson", stringData={".dockerconfigjson": CANARY}), "$.data"),
    (secret(type="kubernetes.io/dockercfg", stringData={".dockercfg": "[]"}), "$.data"),
    (secret(type="kubernetes.io/dockercfg", stringData={".dockercfg": "[" * 100_000}), "$.data"),
]


@pytest.mark.parametrize("value", GOOD)
def test_what_kubernetes_takes_is_taken(value: LocalObject) -> None:
    assert list(object_problems(value)) == []


@pytest.mark.parametrize(("value", "path"), BAD)
def test_what_kubernetes_refuses_is_refused_where_it_stands(value: LocalObject, path: str) -> None:
    found = list(object_problems(value))
    assert [problem.path for problem in found] == [path]
    assert CANARY not in str(found)


@pytest.mark.parametrize(
    ("after", "forbidden"),
    [
        (secret(immutable=True, stringData={"a": "1"}), False),
        (secret(immutable=True, data={"a": "MQ=="}), False),
        (secret(immutable=True, stringData={"a": "1"}, metadata={"name": "s", "labels": {"x": "y"}}), False),
        (secret(immutable=True, stringData={"a": "2"}), True),
        (secret(immutable=True, stringData={"a": "1", "b": ""}), True),
        (secret(immutable=True, stringData={"a": "1"}, type="other"), True),
        (secret(stringData={"a": "1"}), True),
    ],
)
def test_what_an_immutable_object_forbids(after: Secret, forbidden: bool) -> None:
    assert differs(secret(immutable=True, stringData={"a": "1"}), after) is forbidden
    assert not differs(secret(stringData={"a": "1"}), after)
