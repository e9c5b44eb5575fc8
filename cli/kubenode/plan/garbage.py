"""Which dead containers and sandboxes of a living pod are no longer kept."""

from __future__ import annotations

from collections.abc import Iterator

from kubenode.model.actions import Action, RemoveContainer, RemoveSandbox, StopSandbox
from kubenode.model.observed import ObservedContainer, State
from kubenode.model.pod import all_containers
from kubenode.plan.backoff import retry_at
from kubenode.plan.failures import CLEAN_UP
from kubenode.plan.lifecycle import ended, finished
from kubenode.plan.situation import Situation

# The kubelet keeps the last dead container of each name, for its logs and exit code.
KEPT_PER_NAME = 1


def garbage(situation: Situation) -> Iterator[Action]:
    """Removals of dead containers beyond the one kept per name, then the end of old sandboxes; those that hold nothing
    any more are removed.
    """
    if situation.now < retry_at(situation.failures.get(CLEAN_UP)):
        return
    dead = list(_dead_containers(situation))
    for container in dead:
        why = f"only the last {KEPT_PER_NAME} dead of a name is kept"
        yield RemoveContainer(container.name, container.id, container.log_path, why)
    yield from _old_sandboxes(situation, {container.id for container in dead})


def _dead_containers(situation: Situation) -> Iterator[ObservedContainer]:
    wanted = {manifest.name for manifest in all_containers(situation.desired.pod.spec)}
    seen: dict[str, int] = {}
    # In a pod that is done, one that was never started only hides the one that ran.
    hiding = _ended_names(situation) if finished(situation) else set()
    for container in situation.observed.containers:
        if container.uid != situation.desired.uid or container.state is State.RUNNING:
            continue
        newest = situation.latest[container.name].id == container.id
        if not ended(container):
            if not newest or container.name not in wanted or container.name in hiding:
                yield container
            continue
        seen[container.name] = seen.get(container.name, 0) + 1
        if seen[container.name] > KEPT_PER_NAME or container.name not in wanted:
            yield container


def _ended_names(situation: Situation) -> set[str]:
    return {one.name for one in situation.mine if ended(one)}


def _old_sandboxes(situation: Situation, removed: set[str]) -> Iterator[Action]:
    held = {container.sandbox_id for container in situation.observed.containers if container.id not in removed}
    current = situation.sandbox.id if situation.sandbox else ""
    why = "a newer sandbox took its place"
    for sandbox in situation.observed.sandboxes:
        if sandbox.uid != situation.desired.uid or sandbox.id == current:
            continue
        if sandbox.ready or sandbox.id not in held:
            yield StopSandbox(sandbox.id, why)
        if sandbox.id not in held:
            yield RemoveSandbox(sandbox.id, why)
