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
]
OTHER = [
    _pod({"labels": {"a": "b"}}),
    _pod({"namespace": "other"}),
    _pod(restartPolicy="Never"),
    _pod(containers=[{"name": "app", "image": "r.test/app:2"}]),
    _pod(containers=[{"name": "app", "image": "r.test/app:1", "env": [{"name": "A", "value": "1"}]}]),
]


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
