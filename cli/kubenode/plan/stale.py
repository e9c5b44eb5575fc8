"""What a container still has from before a change: environment is given once, when a container is created.

As on a kubelet, such a change restarts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubenode.model.observed import ObservedPod, State
from kubenode.model.pod import all_containers
from kubenode.model.references import environment_references
from kubenode.model.source import ObjectItem
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.environment import environment
from kubenode.plan.problems import UnrunnableError


def stale_environments(
    desired: DesiredPod | None, observed: ObservedPod, objects: Iterable[ObjectItem]
) -> tuple[str, ...]:
    """A sentence for each running container and each object that changed since the container was created, and for each
    that could not be created again.
    """
    if desired is None:
        return ()
    return (*_older(desired, observed, objects), *_not_again(desired, observed))


def _older(desired: DesiredPod, observed: ObservedPod, objects: Iterable[ObjectItem]) -> tuple[str, ...]:
    changed = {item.key: item.changed_at for item in objects if _changed(item)}
    created = {
        one.name: one.created_at for one in observed.containers if one.uid == desired.uid and one.state is State.RUNNING
    }
    return tuple(
        f"container {container.name} has {key} as environment and keeps its old values until it starts again"
        for container in all_containers(desired.pod.spec)
        for key in sorted(environment_references(desired.pod, container))
        if created.get(container.name, float("inf")) < changed.get(key, 0.0)
    )


def _not_again(desired: DesiredPod, observed: ObservedPod) -> Iterator[str]:
    running = {one.name for one in observed.containers if one.uid == desired.uid and one.state is State.RUNNING}
    ips = next((one.ips for one in observed.sandboxes if one.uid == desired.uid and one.ready), ())
    for container in all_containers(desired.pod.spec):
        if container.name in running:
            try:
                environment(container, desired, ips, observed.node)
            except UnrunnableError as problem:
                yield f"container {container.name} runs on, and could not start again: {problem.message}"


def _changed(item: ObjectItem) -> bool:
    """Whether it is used, and was seen otherwise before: at first sight nobody knows since when it is so."""
    return item.value is not None and item.changed_at > item.seen_at
