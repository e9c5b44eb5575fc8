"""What is taken away of a pod that no manifest wants, from what the runtime and the pod's directory tell of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from kubenode.model.actions import CleanUpPod, MakePodDirectory, RunSandbox, SetCgroup
from kubenode.model.volume_specs import PodDirectory
from kubenode.plan.pod import plan
from support.plans import KEY, NODE, desired_pod, observed_pod, settings

PATH = "/var/lib/kubelet/pods/u1"
LOGS, CGROUP = "/var/log/pods/default_web-node_u1", "/kubepods/besteffort/podu1"
MOVED = "/elsewhere/default_web-node_u1"
WHY = "its manifest is gone"


def clean_ups(directory: PodDirectory, sandboxes: dict[str, Any] | None = None) -> list[CleanUpPod]:
    seen = dataclasses.replace(observed_pod(None, sandboxes or {}, {}), directories=(directory,))
    actions = plan(KEY, None, seen, {}, settings(), 1000).actions
    return [action for action in actions if isinstance(action, CleanUpPod)]


def test_the_directory_tells_what_else_there_will_be_before_it_is_made() -> None:
    desired = desired_pod()
    seen = dataclasses.replace(observed_pod(desired, {}, {}), node=NODE)
    actions = plan(KEY, desired, seen, {}, settings(), 1000).actions
    (made,) = (action for action in actions if isinstance(action, MakePodDirectory))
    (cgroup,) = (action.spec.name for action in actions if isinstance(action, SetCgroup))
    (sandbox,) = (action.spec for action in actions if isinstance(action, RunSandbox))
    assert actions[0] is made
    assert (made.log_directory, made.cgroup_parent) == (sandbox.log_directory, cgroup)
    assert cgroup == sandbox.cgroup_parent


def test_a_pod_that_never_got_a_sandbox_leaves_neither_logs_nor_a_cgroup() -> None:
    assert clean_ups(PodDirectory("u1", PATH, LOGS, CGROUP)) == [CleanUpPod(LOGS, CGROUP, WHY, PATH)]


def test_what_sandbox_and_directory_both_tell_is_removed_once() -> None:
    told = {"s0": {"log_directory": LOGS, "cgroup_parent": CGROUP}}
    assert clean_ups(PodDirectory("u1", PATH, LOGS, CGROUP), told) == [CleanUpPod(LOGS, CGROUP, WHY, PATH)]


def test_the_directory_goes_last_so_that_a_removal_cut_off_is_taken_up_again() -> None:
    told = {"s0": {"log_directory": MOVED, "cgroup_parent": CGROUP}}
    assert clean_ups(PodDirectory("u1", PATH, LOGS, CGROUP), told) == [
        CleanUpPod(MOVED, CGROUP, WHY),
        CleanUpPod(LOGS, CGROUP, WHY, PATH),
    ]


@pytest.mark.parametrize(
    ("logs", "cgroup"),
    [("/", "/"), ("/var/log", "/kubepods"), (f"{LOGS}x", f"{CGROUP}x"), ("/a/../b", "/x/../podu1")],
)
def test_what_is_not_the_pods_by_its_name_is_left_alone(logs: str, cgroup: str) -> None:
    assert clean_ups(PodDirectory("u1", PATH, logs, cgroup)) == [CleanUpPod("", "", WHY, PATH)]
