"""Defaults: what Kubernetes takes for an absent field is the absent field here, in meaning and in hashes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kubenode.model.objects import Secret
from kubenode.model.pod import Pod
from kubenode.model.probes import Probe
from kubenode.model.static_pod import canonical
from kubenode.model.validation import problems

BARE: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}
MOUNTED = [{"name": "v", "hostPath": {"path": "/x"}}, {"name": "c", "configMap": {"name": "c"}}]
PROBE = {"httpGet": {"port": 80}}
FIELD = {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}


def _pod(container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {**BARE, "spec": {"containers": [{"name": "app", "image": "r.test/app:1", **container}], **spec}}


PLAIN = _pod({"ports": [{"containerPort": 1}], "livenessProbe": PROBE, "env": [FIELD]}, volumes=MOUNTED)
# The same, in each of the ways that Kubernetes reads so.
WRITTEN_OUT = _pod(
    {
        "ports": [{"containerPort": 1, "protocol": "TCP", "hostPort": 0, "hostIP": "", "name": ""}],
        "livenessProbe": {
            "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
            "periodSeconds": 10,
            "timeoutSeconds": 1,
            "successThreshold": 1,
            "failureThreshold": 3,
        },
        "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}}],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "resources": {"limits": {}, "requests": {}},
    },
    volumes=[
        {"name": "v", "hostPath": {"path": "/x", "type": ""}},
        {"name": "c", "configMap": {"name": "c", "defaultMode": 420, "optional": False}},
    ],
    restartPolicy="Always",
    dnsPolicy="ClusterFirst",
    schedulerName="default-scheduler",
    enableServiceLinks=True,
    terminationGracePeriodSeconds=30,
)
EMPTY = _pod(
    {
        "ports": [{"containerPort": 1, "protocol": ""}],
        "livenessProbe": {
            "httpGet": {"port": 80, "path": "", "scheme": "", "host": "", "httpHeaders": []},
            "initialDelaySeconds": 0,
            "periodSeconds": 0,
            "timeoutSeconds": 0,
            "successThreshold": 0,
            "failureThreshold": 0,
        },
        "env": [
            {"name": "A", "value": "", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name", "apiVersion": ""}}}
        ],
        "imagePullPolicy": "",
        "restartPolicy": "",
        "terminationMessagePath": "",
        "terminationMessagePolicy": "",
        "workingDir": "",
        "resources": {},
        "securityContext": {},
        "lifecycle": {},
    },
    volumes=MOUNTED,
    restartPolicy="",
    dnsPolicy="",
    schedulerName="",
    hostname="",
    nodeName="",
    runtimeClassName="",
    preemptionPolicy="",
    priorityClassName="",
    serviceAccountName="",
    securityContext={},
    resources={},
)


def _read(value: dict[str, Any]) -> Pod:
    """From text, in which no value is the very object of a default."""
    return msgspec.json.decode(msgspec.json.encode(value), type=Pod)


@pytest.mark.parametrize("value", [WRITTEN_OUT, EMPTY], ids=["written out", "empty"])
def test_a_default_in_other_words_is_the_default(value: dict[str, Any]) -> None:
    assert _read(value) == _read(PLAIN)
    assert canonical(_read(value)) == canonical(_read(PLAIN))
    assert list(problems(_read(value))) == []


def test_what_is_encoded_without_defaults_comes_back_as_it_was() -> None:
    assert msgspec.json.decode(canonical(_read(WRITTEN_OUT)), type=Pod) == _read(PLAIN)


def test_a_probe_of_zeros_has_the_defaults_of_kubernetes() -> None:
    probe = _read(EMPTY).spec.containers[0].liveness_probe
    assert probe is not None
    assert (probe.period_seconds, probe.timeout_seconds, probe.success_threshold, probe.failure_threshold) == (
        *(10, 1, 1, 3),
    )
    assert msgspec.structs.replace(probe, failure_threshold=0).failure_threshold == 3


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (_pod({}, terminationGracePeriodSeconds=0), '"terminationGracePeriodSeconds":0'),
        (_pod({}, volumes=[{"name": "c", "configMap": {"name": "c", "defaultMode": 0}}]), '"defaultMode":0'),
        (_pod({}, enableServiceLinks=False), '"enableServiceLinks":false'),
        (_pod({}, hostUsers=False), '"hostUsers":false'),
    ],
)
def test_a_zero_that_kubernetes_tells_from_none_stays(value: dict[str, Any], said: str) -> None:
    assert said in canonical(_read(value)).decode()


def test_a_secret_without_a_type_is_opaque() -> None:
    value = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": ""}, "type": ""}
    secret = msgspec.convert(value, Secret)
    assert (secret.type, secret.metadata.namespace) == ("Opaque", "default")


def test_a_negative_number_is_no_default() -> None:
    assert msgspec.convert({"periodSeconds": -1}, Probe).period_seconds == -1
