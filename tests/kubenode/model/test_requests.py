"""The QoS class of anything that holds a pod."""

from __future__ import annotations

from typing import Any

import pytest

from kubenode.model.requests import QosClass, qos_class_of

FULL = {"cpu": "1", "memory": "1Gi"}


def _container(**resources: Any) -> dict[str, Any]:
    return {"name": "app", "image": "app", "resources": resources}


def _pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"kind": "Pod", "spec": {"containers": list(containers), **spec}}


CASES = [
    (_pod(_container()), QosClass.BEST_EFFORT),
    (_pod({"name": "app", "resources": None}, initContainers=None), QosClass.BEST_EFFORT),
    (_pod(_container(limits={"ephemeral-storage": "1Gi"})), QosClass.BEST_EFFORT),
    (_pod(_container(requests={"cpu": "0"})), QosClass.BEST_EFFORT),
    (_pod(_container(limits=FULL)), QosClass.GUARANTEED),
    (_pod(_container(limits=FULL, requests={"cpu": "1000m", "memory": "1024Mi"})), QosClass.GUARANTEED),
    (_pod(_container(limits=FULL, requests={"cpu": "500m"})), QosClass.BURSTABLE),
    (_pod(_container(limits={"cpu": 1})), QosClass.BURSTABLE),
    (_pod(_container(limits=FULL), _container()), QosClass.BURSTABLE),
    (_pod(_container(limits=FULL), initContainers=[_container()]), QosClass.BURSTABLE),
    (_pod(_container(), resources={"limits": FULL}), QosClass.GUARANTEED),
    # What a node alone does not run has a class all the same.
    (_pod({**_container(limits=FULL), "newField": 1}, serviceAccountName="x"), QosClass.GUARANTEED),
    ({"kind": "DaemonSet", "spec": {"template": _pod(_container(limits=FULL))}}, QosClass.GUARANTEED),
    (
        {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": _pod(_container(limits=FULL))}}}},
        QosClass.GUARANTEED,
    ),
]


@pytest.mark.parametrize(("definition", "expected"), CASES)
def test_class(definition: dict[str, Any], expected: QosClass) -> None:
    assert qos_class_of(definition) is expected


REFUSED = [
    ({}, "it has no spec.containers"),
    ({"spec": {"containers": []}}, "it has no spec.containers"),
    ({"kind": "ConfigMap", "data": {}}, "it has no spec.containers"),
    (_pod(_container(limits={"cpu": "much"})), "'much' is not a quantity"),
    (_pod(_container(limits=["cpu"])), "the pod cannot be read: Expected `object`"),
    ({"spec": {"containers": "app"}}, "spec.containers has to be a list of containers"),
    (_pod(_container(), initContainers=[1]), "spec.initContainers has to be a list of containers"),
]


@pytest.mark.parametrize(("definition", "why"), REFUSED)
def test_refused(definition: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=r"pod|quantity") as caught:
        qos_class_of(definition)
    assert why in str(caught.value)
