"""The planner by tables: what is desired and observed now, and exactly what is then done and awaited.

The expectations follow from Kubernetes' rules; they are written by hand.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubenode.model.observed import ObservedPod
from kubenode.model.static_pod import DesiredPod
from kubenode.model.volume_specs import PodDirectory, VolumeFact
from kubenode.plan.pod import plan
from support.plans import KEY, desired_pod, failures, in_words, observed_pod, prepared, settings

NOW = 1000.0
FIELDS = {
    *("case", "pod", "uid", "refusal", "sandboxes", "containers", "images", "volumes", "directories", "prepared"),
    *("failures", "longest", "now", "actions", "wake"),
}


def _cases() -> list[Any]:
    found = []
    for path in sorted((Path(__file__).parent / "cases").glob("*.yaml")):
        for case in yaml.safe_load(path.read_text()):
            assert case.keys() <= FIELDS, f"{path.name}: {case}"
            assert {"case", "actions"} <= case.keys(), f"{path.name}: {case}"
            found.append(pytest.param(case, id=f"{path.stem}: {case['case']}"))
    return found


@pytest.mark.parametrize("case", _cases())
def test_plan(case: dict[str, Any]) -> None:
    removed = "pod" in case and case["pod"] is None
    desired = None if removed else desired_pod(case.get("pod"), case.get("uid", "u1"), case.get("refusal"))
    node = settings(case.get("longest", "5m"))
    made = plan(KEY, desired, _observed(case, desired), failures(case.get("failures", {})), node, case.get("now", NOW))
    assert [in_words(action) for action in made.actions] == case["actions"]
    assert made.wake_at == case.get("wake")


def _observed(case: dict[str, Any], desired: DesiredPod | None) -> ObservedPod:
    """As the case says; but for `prepared: false` the pod has all that comes before its sandbox."""
    seen = observed_pod(desired, case.get("sandboxes", {}), case.get("containers", {}), case.get("images"))
    if desired is not None and case.get("prepared", True):
        seen = prepared(seen, desired, settings())
    directories = tuple(PodDirectory(uid, path) for uid, path in case.get("directories", {}).items())
    volumes = {name: VolumeFact(**fact) for name, fact in case.get("volumes", {}).items()}
    return dataclasses.replace(seen, directories=(*seen.directories, *directories), volumes={**seen.volumes, **volumes})
