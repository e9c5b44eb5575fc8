"""What takes away a pod that is no longer wanted, whole, in an order that can be cut anywhere and taken up again."""

from __future__ import annotations

from collections.abc import Iterator

from kubenode.model.actions import Action, CleanUpPod, RemoveContainer, RemoveSandbox, StopSandbox
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedPod, Sandbox
from kubenode.plan.stops import stop_running


def tear_down(observed: ObservedPod, keep: str, why: str) -> Iterator[Action]:
    """Removal of all that is under the key but of UID `keep`.

    Stops first and sandboxes last: a plan cut off anywhere is taken up again from what is left.
    """
    containers = [container for container in observed.containers if container.uid != keep]
    sandboxes = [sandbox for sandbox in observed.sandboxes if sandbox.uid != keep]
    yield from stop_running(containers, observed, why)
    for sandbox in sandboxes:
        yield StopSandbox(sandbox.id, why)
    for container in containers:
        yield RemoveContainer(container.name, container.id, container.log_path, why)
    yield from _clean_up(observed, sandboxes, keep, why)
    for sandbox in sandboxes:
        yield RemoveSandbox(sandbox.id, why)


def _clean_up(observed: ObservedPod, sandboxes: list[Sandbox], keep: str, why: str) -> Iterator[Action]:
    """Log directory and cgroup as the sandboxes tell them, and the pod's own directory as the disk does."""
    directories = {one.uid: one.path for one in observed.directories if one.uid != keep}
    places = dict.fromkeys(
        (sandbox.uid, _log_directory(observed.key, sandbox), _cgroup(sandbox)) for sandbox in sandboxes
    )
    for uid, logs, cgroup in places:
        directory = directories.pop(uid, "")
        if logs or cgroup or directory:
            yield CleanUpPod(logs, cgroup, why, directory)
    for directory in directories.values():
        yield CleanUpPod("", "", why, directory)


def _log_directory(key: PodKey, sandbox: Sandbox) -> str:
    """The pod's log directory, if it is one: what stands in an annotation is not removed unseen."""
    place, _, last = sandbox.log_directory.rpartition("/")
    return sandbox.log_directory if place and last == f"{key.namespace}_{key.name}_{sandbox.uid}" else ""


def _cgroup(sandbox: Sandbox) -> str:
    """The pod's cgroup, if it is one: a sandbox that another agent made does not say, and no other may be removed."""
    parent = sandbox.cgroup_parent
    slices = parent.endswith(f"-pod{sandbox.uid.replace('-', '_')}.slice") and "/" not in parent
    path = parent.endswith(f"/pod{sandbox.uid}") and ".." not in parent.split("/")
    return parent if slices or path else ""
