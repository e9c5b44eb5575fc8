"""Whatever a manifest that was accepted holds: there is a plan for it, from nothing and from each step on the way."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from kubenode.model.objects import ConfigMap, Objects, Secret, object_key
from kubenode.model.observed import ObservedPod
from kubenode.model.pod import Metadata
from kubenode.model.static_pod import DesiredPod, Origin, SourceKind, static_pod
from kubenode.plan.pod import plan
from kubenode.plan.situation import Situation
from kubenode.plan.status import pod_status
from kubenode.sources.manifest import RefusedError, read_pod
from support import plans
from support.manifests import PLACES, REAL, changed, mutated
from support.pure_runtime import steps

ORIGIN = Origin(SourceKind.FILE, "/m/x.yaml")
NODE = plans.settings()
NOW, TURNS = 10_000.0, 6
# What the pods of tests/support/manifests.py refer to.
OBJECTS: Objects = {
    object_key(value): value
    for value in (
        ConfigMap(api_version="v1", kind="ConfigMap", metadata=Metadata(name="c"), data={"k": "v", "a=b": "$(A)"}),
        Secret(api_version="v1", kind="Secret", metadata=Metadata(name="s"), data={"k": b"\0\xff"}),
    )
}


def _planned(manifest: Any, objects: Objects) -> int:
    """Turns from nothing on, as far as there is something to do; how many actions there were."""
    try:
        pod = read_pod(bytes(yaml.dump(manifest, Dumper=yaml.CSafeDumper, encoding="utf-8")))
    except RefusedError:
        return 0
    desired = DesiredPod(static_pod(pod, ORIGIN, "node"), ORIGIN, NOW, objects)
    seen = ObservedPod(desired.key, (), (), {}, node=plans.NODE)
    number = 0
    for turn in range(TURNS):
        now = NOW + 600 * turn
        decided = plan(desired.key, desired, seen, {}, NODE, now)
        for after in steps(seen, decided.actions, now):
            number, seen = number + 1, dataclasses.replace(after, node=plans.NODE)
        pod_status(Situation.of(desired, seen, {}, NODE, now))
        plan(desired.key, None, seen, {}, NODE, now)
    return number


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("objects", [{}, OBJECTS], ids=["no objects", "objects"])
def test_real_manifests_are_planned(name: str, objects: Objects) -> None:
    assert _planned(REAL[name], objects) > 0


@given(mutated())
@settings(max_examples=60, deadline=5000, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_was_accepted_is_planned(manifest: dict[str, Any]) -> None:
    _planned(manifest, {})
    _planned(manifest, OBJECTS)


@pytest.mark.parametrize("odd", [None, "", "x", 1, []], ids=repr)
def test_small_changes_in_every_place(odd: Any) -> None:
    """Unlike whole trees, these are often accepted."""
    for name, place in PLACES:
        if name == "wide":
            _planned(changed(name, place, odd), OBJECTS)
