"""What a manifest becomes on its node."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kubenode.model import names
from kubenode.model.pod import Pod
from kubenode.model.static_pod import Origin, SourceKind, static_pod

FILE = Origin(SourceKind.FILE, "/manifests/web.yaml")


def _pod(metadata: dict[str, Any] | None = None, **spec: Any) -> Pod:
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", **(metadata or {})},
        "spec": {"containers": [{"name": "app", "image": "r.test/app:1"}], **spec},
    }
    return msgspec.convert(manifest, Pod)


def test_it_is_named_after_its_node() -> None:
    found = static_pod(_pod(), FILE, "Node-A")
    assert found.metadata.name == "web-node-a"
    assert found.metadata.namespace == "default"
    assert found.spec.node_name == "Node-A"


def test_its_annotations_tell_where_it_came_from() -> None:
    found = static_pod(_pod({"annotations": {"mine": "1"}}), FILE, "node").metadata
    assert found.annotations == {"mine": "1", names.CONFIG_SOURCE: "file", names.CONFIG_HASH: found.uid}


def test_a_uid_of_the_manifest_stays() -> None:
    found = static_pod(_pod({"uid": "mine"}), FILE, "node").metadata
    assert (found.uid, found.annotations[names.CONFIG_HASH]) == ("mine", "mine")


SAME = [
    _pod({"namespace": "default"}),
    _pod(restartPolicy="Always"),
    _pod(terminationGracePeriodSeconds=30),
    msgspec.structs.replace(_pod(), status={"phase": "Running"}),
    _pod(resources={}),
    _pod(containers=[{"name": "app", "image": "r.test/app:1", "resources": {"limits": {}}}]),
]
OTHER = [
    _pod({"labels": {"a": "b"}}),
    _pod({"namespace": "other"}),
    _pod(restartPolicy="Never"),
    _pod(containers=[{"name": "app", "image": "r.test/app:2"}]),
    _pod(containers=[{"name": "app", "image": "r.test/app:1", "env": [{"name": "A", "value": "1"}]}]),
]


LIMITS = {"cpu": "1", "memory": "1Gi"}


def _sized(limits: dict[str, Any] | None = None, pod: dict[str, Any] | None = None, **requests: Any) -> Pod:
    resources = {"limits": limits or {}, "requests": requests}
    containers = [{"name": "app", "image": "r.test/app:1", "resources": resources}, {"name": "side", "image": "i"}]
    return _pod(containers=containers, resources=pod or {})


# Two sizes each, and whether the pod can change from one to the other in place.
SIZES = [
    (_sized(cpu="1"), _sized(cpu="2"), True),
    (_sized(cpu="1"), _sized(memory="1Gi"), True),
    (_sized(LIMITS), _sized({**LIMITS, "cpu": "2"}), True),
    (_sized(LIMITS), _sized(LIMITS, cpu="100m"), True),
    (_sized(pod={"limits": LIMITS}), _sized(pod={"limits": {**LIMITS, "memory": "2Gi"}}), True),
    (_sized(), _sized(cpu="1"), False),
    (_sized(pod={"limits": LIMITS}), _sized(pod={"limits": LIMITS, "requests": {"cpu": "500m"}}), False),
    (_sized(LIMITS), _sized({**LIMITS, "ephemeral-storage": "1Gi"}), False),
    (_sized(LIMITS), _sized({**LIMITS, "hugepages-2Mi": "2Mi"}), False),
]


@pytest.mark.parametrize(("before", "after", "in_place"), SIZES)
def test_only_cpu_and_memory_change_in_place_and_only_within_a_qos_class(
    before: Pod, after: Pod, in_place: bool
) -> None:
    uids = {static_pod(pod, FILE, "node").metadata.uid for pod in (before, after)}
    assert len(uids) == (1 if in_place else 2)


@pytest.mark.parametrize("pod", SAME)
def test_the_same_meaning_keeps_the_uid(pod: Pod) -> None:
    assert static_pod(pod, FILE, "node").metadata.uid == static_pod(_pod(), FILE, "node").metadata.uid


@pytest.mark.parametrize("pod", OTHER)
def test_another_meaning_is_another_pod(pod: Pod) -> None:
    assert static_pod(pod, FILE, "node").metadata.uid != static_pod(_pod(), FILE, "node").metadata.uid


@pytest.mark.parametrize(
    ("origin", "node"),
    [
        (Origin(SourceKind.FILE, "/manifests/other.yaml"), "node"),
        (Origin(SourceKind.HTTP, FILE.location), "node"),
        (FILE, "other"),
    ],
)
def test_another_place_is_another_pod(origin: Origin, node: str) -> None:
    assert static_pod(_pod(), origin, node).metadata.uid != static_pod(_pod(), FILE, "node").metadata.uid


def test_labels_in_another_order_are_the_same() -> None:
    uids = {
        static_pod(_pod({"labels": labels}), FILE, "node").metadata.uid
        for labels in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"})
    }
    assert len(uids) == 1


def test_uids_outlive_versions() -> None:
    """A changed UID would restart every static pod of a node when its agent is upgraded."""
    assert static_pod(_pod(), FILE, "node").metadata.uid == "9e851b25974785fe4861962001301db9"
