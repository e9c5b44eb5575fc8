"""What takes away a pod that is no longer wanted, whole, in an order that can be cut anywhere and taken up again."""

from __future__ import annotations

from collections.abc import Iterator

from kubenode.model.actions import Action, CleanUpPod, RemoveContainer, RemoveSandbox, StopSandbox
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedPod, Sandbox
from kubenode.model.volume_specs import PodDirectory
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
    """Log directory and cgroup as the sandboxes tell them, or the mark of a pod that never got one.

    The pod's own directory goes last of all that has its UID: without its mark nothing leads to the rest.
    """
    directories = [one for one in observed.directories if one.uid != keep]
    paths = {one.uid: one.path for one in directories}
    there: tuple[Sandbox | PodDirectory, ...] = (*sandboxes, *directories)
    places = dict.fromkeys(_place(observed.key, one) for one in there)
    for uid in dict.fromkeys(uid for uid, _, _ in places):
        told = [place for place in places if place[0] == uid and any(place[1:])] or [(uid, "", "")]
        for place in told:
            directory = paths.get(uid, "") if place is told[-1] else ""
            if directory or any(place[1:]):
                yield CleanUpPod(place[1], place[2], why, directory)


def _place(key: PodKey, there: Sandbox | PodDirectory) -> tuple[str, str, str]:
    """UID, log directory and cgroup."""
    return there.uid, _log_directory(key, there), _cgroup(there)


def _log_directory(key: PodKey, there: Sandbox | PodDirectory) -> str:
    """The pod's log directory, if it is one: what stands in an annotation is not removed unseen."""
    place, _, last = there.log_directory.rpartition("/")
    return there.log_directory if place and last == f"{key.namespace}_{key.name}_{there.uid}" else ""


def _cgroup(there: Sandbox | PodDirectory) -> str:
    """The pod's cgroup, if it is one: a sandbox that another agent made does not say, and no other may be removed."""
    parent = there.cgroup_parent
    slices = parent.endswith(f"-pod{there.uid.replace('-', '_')}.slice") and "/" not in parent
    path = parent.endswith(f"/pod{there.uid}") and ".." not in parent.split("/")
    return parent if slices or path else ""
