"""The downward API, by Kubernetes' documented rules."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from kubenode.model.facts import NodeFacts
from kubenode.model.pod import Pod
from kubenode.model.volumes import ObjectFieldSelector, ResourceFieldSelector
from kubenode.plan.fields import field_value, resource_value
from kubenode.plan.problems import UnrunnableError
from support.plans import desired_pod

NODE = NodeFacts(
    ips=("192.0.2.1", "2001:db8::1"),
    allocatable={"cpu": 3500, "memory": 8 * 2**30, "ephemeral-storage": 100 * 10**9, "hugepages-2Mi": 2**21},
)
IPS = ("10.0.0.9", "fd00::9")


def _pod(**spec: Any) -> Pod:
    pod = desired_pod({"nodeName": "node", **spec}).pod
    metadata = msgspec.structs.replace(
        pod.metadata,
        labels={"b": "2", "a": "1"},
        annotations={"text": 'é "quoted"\n\t\\ \x01\u200b\U000e0001', "example.org/it's": "x"},
    )
    return msgspec.structs.replace(pod, metadata=metadata)


FIELDS = [
    ("metadata.name", "web-node"),
    ("metadata.namespace", "default"),
    ("metadata.uid", "u1"),
    ("metadata.labels", 'a="1"\nb="2"'),
    ("metadata.labels['a']", "1"),
    ("metadata.labels['none']", ""),
    ("metadata.annotations['example.org/it's']", "x"),
    ("metadata.annotations", 'example.org/it\'s="x"\ntext="é \\"quoted\\"\\n\\t\\\\ \\x01\\u200b\\U000e0001"'),
    ("spec.nodeName", "node"),
    ("spec.serviceAccountName", ""),
    ("status.hostIP", "192.0.2.1"),
    ("status.hostIPs", "192.0.2.1,2001:db8::1"),
    ("status.podIP", "10.0.0.9"),
    ("status.podIPs", "10.0.0.9,fd00::9"),
]


@pytest.mark.parametrize(("path", "expected"), FIELDS)
def test_fields(path: str, expected: str) -> None:
    assert field_value(ObjectFieldSelector(field_path=path), _pod(), IPS, NODE) == expected


@pytest.mark.parametrize("path", ["", "metadata", "metadata.labels[a]", "spec.hostname", "status.phase"])
def test_a_path_that_is_none_is_told_with_those_that_are(path: str) -> None:
    with pytest.raises(UnrunnableError, match=r"metadata\.labels\['KEY'\]"):
        field_value(ObjectFieldSelector(field_path=path), _pod(), IPS, NODE)


def test_addresses_that_are_not_known_are_empty() -> None:
    for path in ("status.podIP", "status.podIPs", "status.hostIP", "status.hostIPs"):
        assert field_value(ObjectFieldSelector(field_path=path), _pod(), (), NodeFacts()) == ""


LIMITS = {"cpu": "1500m", "memory": "100Mi", "ephemeral-storage": 1000, "hugepages-2Mi": "4Mi"}
RESOURCES = [
    ("limits.cpu", 0, LIMITS, {}, "2"),
    ("limits.cpu", "1m", LIMITS, {}, "1500"),
    ("limits.cpu", "200m", LIMITS, {}, "8"),
    ("limits.memory", 0, LIMITS, {}, str(100 * 2**20)),
    ("limits.memory", "1Mi", LIMITS, {}, "100"),
    ("limits.memory", "1Gi", LIMITS, {}, "1"),
    ("limits.ephemeral-storage", 0, LIMITS, {}, "1000"),
    ("limits.hugepages-2Mi", "1Mi", LIMITS, {}, "4"),
    ("requests.cpu", "1m", LIMITS, {"cpu": "0.25"}, "250"),
    ("requests.cpu", "1m", LIMITS, {}, "1500"),
    ("requests.memory", 0, {}, {}, "0"),
    ("requests.hugepages-2Mi", 0, {}, {}, "0"),
    # What the node has, where there is no limit; huge pages are never lent.
    ("limits.cpu", 0, {}, {}, "4"),
    ("limits.cpu", "1m", {"cpu": 0}, {}, "3500"),
    ("limits.memory", "1Gi", {}, {}, "8"),
    ("limits.hugepages-2Mi", 0, {}, {}, "0"),
]


@pytest.mark.parametrize(("resource", "divisor", "limits", "requests", "expected"), RESOURCES)
def test_resources(
    resource: str, divisor: str | int, limits: dict[str, Any], requests: dict[str, Any], expected: str
) -> None:
    container = {"name": "app", "resources": {"limits": limits, "requests": requests}}
    pod = _pod(containers=[container, "side"])
    app, side = pod.spec.containers
    own = ResourceFieldSelector(resource=resource, divisor=divisor)
    assert resource_value(own, app, pod, NODE) == expected
    named = msgspec.structs.replace(own, container_name="app")
    assert resource_value(named, side, pod, NODE) == expected


def test_the_pods_own_limit_comes_before_the_nodes() -> None:
    pod = _pod(resources={"limits": {"cpu": "2"}})
    selector = ResourceFieldSelector(resource="limits.cpu")
    assert resource_value(selector, pod.spec.containers[0], pod, NODE) == "2"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"resource": "limits.gpu"}, "limits.gpu"),
        ({"resource": "cpu"}, "'cpu'"),
        ({"resource": "limits.hugepages-"}, "hugepages-"),
        ({"resource": "limits.cpu", "container_name": "none"}, "'none' is not a container"),
        ({"resource": "limits.cpu", "divisor": "much"}, "not a quantity"),
    ],
)
def test_what_cannot_be_told(fields: dict[str, str], message: str) -> None:
    pod = _pod()
    with pytest.raises(UnrunnableError, match=message) as caught:
        resource_value(ResourceFieldSelector(**fields), pod.spec.containers[0], pod, NODE)
    assert caught.value.reason == "CreateContainerConfigError"


def test_a_node_that_knows_nothing_of_itself_gives_nothing() -> None:
    pod = _pod()
    selector = ResourceFieldSelector(resource="limits.memory")
    assert resource_value(selector, pod.spec.containers[0], pod, dataclasses.replace(NODE, allocatable={})) == "0"
