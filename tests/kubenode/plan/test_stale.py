"""Which running containers still have an object's old values."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from kubenode.model.objects import ObjectKey, Secret
from kubenode.model.pod import Metadata
from kubenode.model.source import ItemState, ObjectItem
from kubenode.plan.stale import stale_environments
from support.plans import desired_pod, observed_pod

# The containers of the tests were created 100 s after the epoch.
KEY = ObjectKey("Secret", "default", "web")
VALUE = Secret(api_version="v1", kind="Secret", metadata=Metadata(name="web"))
WITHOUT = desired_pod({"containers": [{"name": "app", "envFrom": [{"secretRef": {"name": "web"}}]}, "other"]})
USER = dataclasses.replace(WITHOUT, objects={KEY: VALUE})
TOLD = ("container app has Secret default/web as environment and keeps its old values until it starts again",)


def item(changed_at: float, seen_at: float = 50.0) -> ObjectItem:
    return ObjectItem("/o/web.yaml", ItemState.VALID, KEY, VALUE, seen_at, changed_at)


CASES: list[tuple[dict[str, Any], ObjectItem, tuple[str, ...]]] = [
    ({"app-0": {}, "other-0": {}}, item(200), TOLD),
    ({"app-0": {}, "other-0": {}}, item(90), ()),
    ({"app-0": {"state": "exited"}, "other-0": {}}, item(200), ()),
    ({"app-0": {"uid": "another"}, "other-0": {}}, item(200), ()),
    ({"other-0": {}}, item(200), ()),
    # Seen for the first time after the container was made: nobody knows what it was before.
    ({"app-0": {}}, item(200, 200), ()),
]


@pytest.mark.parametrize(("containers", "changed", "told"), CASES)
def test_what_is_told(containers: dict[str, Any], changed: ObjectItem, told: tuple[str, ...]) -> None:
    assert stale_environments(USER, observed_pod(USER, {"s0": {}}, containers), [changed]) == told


def test_what_could_not_start_again_is_told() -> None:
    (told,) = stale_environments(WITHOUT, observed_pod(WITHOUT, {"s0": {}}, {"app-0": {}, "other-0": {}}), [])
    assert told.startswith("container app runs on, and could not start again: Secret default/web")
    assert stale_environments(WITHOUT, observed_pod(WITHOUT, {"s0": {}}, {"other-0": {}}), []) == ()


def test_a_volume_is_not_told_of_since_it_changes() -> None:
    pod = desired_pod({"volumes": [{"name": "v", "secret": {"secretName": "web"}}]})
    assert stale_environments(pod, observed_pod(pod, {"s0": {}}, {"app-0": {}}), [item(200)]) == ()


def test_nothing_is_told_of_a_pod_that_goes() -> None:
    assert stale_environments(None, observed_pod(USER, {}, {}), [item(200)]) == ()
