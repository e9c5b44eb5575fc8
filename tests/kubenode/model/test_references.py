"""What a pod refers to decides what wakes it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kubenode.model.objects import ObjectKey
from kubenode.model.pod import Pod
from kubenode.model.references import environment_references, references

MAP, SECRET = ObjectKey("ConfigMap", "shop", "web"), ObjectKey("Secret", "shop", "web")
ITSELF = {"name": "web"}


def pod(**spec: Any) -> Pod:
    app = {"name": "app", "image": "i"}
    document = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"containers": [app], **spec},
    }
    return msgspec.convert(document, Pod)


def volume(**source: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "v", **source}]}


def container(**fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "app", "image": "i", **fields}]}


PLACES: list[tuple[dict[str, Any], set[ObjectKey]]] = [
    ({}, set()),
    (container(envFrom=[{"configMapRef": ITSELF}]), {MAP}),
    (container(envFrom=[{"secretRef": {**ITSELF, "optional": True}, "prefix": "P_"}]), {SECRET}),
    (container(env=[{"name": "A", "valueFrom": {"configMapKeyRef": {**ITSELF, "key": "k"}}}]), {MAP}),
    (container(env=[{"name": "A", "valueFrom": {"secretKeyRef": {**ITSELF, "key": "k"}}}]), {SECRET}),
    (container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]), set()),
    ({"initContainers": container(envFrom=[{"secretRef": ITSELF}])["containers"]}, {SECRET}),
    (volume(configMap=ITSELF), {MAP}),
    (volume(secret={"secretName": "web"}), {SECRET}),
    (volume(secret={}), set()),
    (volume(projected={"sources": [{"configMap": ITSELF}, {"secret": ITSELF}, {"downwardAPI": {}}]}), {MAP, SECRET}),
    (volume(emptyDir={}), set()),
    ({"imagePullSecrets": [ITSELF, {}]}, {SECRET}),
    ({**volume(configMap=ITSELF), **container(envFrom=[{"configMapRef": ITSELF}])}, {MAP}),
]


@pytest.mark.parametrize(("spec", "expected"), PLACES)
def test_every_place_that_can_refer(spec: dict[str, Any], expected: set[ObjectKey]) -> None:
    assert references(pod(**spec)) == expected


def test_a_containers_environment_is_its_own() -> None:
    described = pod(**container(envFrom=[{"configMapRef": ITSELF}]), **volume(secret={"secretName": "web"}))
    assert environment_references(described, described.spec.containers[0]) == {MAP}
