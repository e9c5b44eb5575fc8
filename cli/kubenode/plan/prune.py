"""Which containers, sandboxes and images of a runtime are garbage.

The kubelet's own garbage collection is kept to for pods that an agent keeps: of each container the last run stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from kubenode.model.held_images import HeldImage
from kubenode.model.image_reference import parse
from kubenode.model.prune import Images, Inventory, Kind, Prune, PruneContainer, PruneRules, PruneSandbox
from kubenode.plan.held_images import complete


def prune(there: Inventory, rules: PruneRules, now: float) -> tuple[Prune, ...]:
    """Containers first, then the sandboxes and images that nothing holds any more."""
    selected = [sandbox for sandbox in there.sandboxes if _selected(sandbox, rules)]
    containers = list(_containers(there, selected, rules, now)) if rules.containers or rules.pods else []
    gone = {one.id for one in containers}
    sandboxes = list(_sandboxes(there, selected, gone, rules, now)) if rules.pods else []
    images = list(_images(there, gone, rules, now)) if rules.images is not Images.NONE else []
    return (*containers, *sandboxes, *images)


def _selected(sandbox: PruneSandbox, rules: PruneRules) -> bool:
    if rules.namespaces and sandbox.key.namespace not in rules.namespaces:
        return False
    return all(sandbox.labels.get(name) == value for name, value in rules.labels.items())


def _containers(there: Inventory, selected: list[PruneSandbox], rules: PruneRules, now: float) -> Iterator[Prune]:
    """Ended ones; also, with their sandbox, those of a pod that is gone."""
    for sandbox in selected:
        members = [one for one in there.containers if one.sandbox_id == sandbox.id]
        going = rules.pods and _is_garbage(there, sandbox, members, rules, now)
        for container in members:
            why = "its sandbox goes" if going else ""
            if not why and rules.containers and _old(container.ended_at, rules, now):
                why = _spare(there, sandbox, container, rules)
            if why:
                yield Prune(
                    kind=Kind.CONTAINER,
                    id=container.id,
                    name=f"{sandbox.key}/{container.name}",
                    why=why,
                    size=container.log_bytes,
                    log_path=container.log_path,
                )


def _spare(there: Inventory, sandbox: PruneSandbox, container: PruneContainer, rules: PruneRules) -> str:
    """Why an ended container need not stay; empty where it is one of the last runs, which tell how it went."""
    if not sandbox.kept:
        return "it has ended"
    pod = {one.id for one in there.sandboxes if one.uid == sandbox.uid and one.key == sandbox.key}
    runs = [one for one in there.containers if one.sandbox_id in pod and one.name == container.name]
    ended = sorted((one for one in runs if one.ended_at is not None), key=lambda one: one.created_at, reverse=True)
    last = {one.id for one in ended[: rules.keep_per_container]}
    return "" if container.id in last else f"later runs of it are there, of which {rules.keep_per_container} stay"


def _sandboxes(
    there: Inventory, selected: list[PruneSandbox], gone: set[str], rules: PruneRules, now: float
) -> Iterator[Prune]:
    for sandbox in selected:
        members = [one for one in there.containers if one.sandbox_id == sandbox.id and one.id not in gone]
        if not members and _is_garbage(there, sandbox, members, rules, now):
            why = "a later sandbox took its place" if sandbox.kept else "it does not run any more"
            yield Prune(kind=Kind.POD, id=sandbox.id, name=str(sandbox.key), why=why)


def _is_garbage(
    there: Inventory, sandbox: PruneSandbox, members: list[PruneContainer], rules: PruneRules, now: float
) -> bool:
    """A sandbox that has stopped, with nothing in it that may run. The last one of a kept pod is its agent's."""
    if sandbox.ready or not _old(sandbox.created_at, rules, now):
        return False
    if any(not _old(one.ended_at, rules, now) for one in members):
        return False
    if not sandbox.kept:
        return True
    of_the_pod = [one for one in there.sandboxes if one.uid == sandbox.uid and one.key == sandbox.key]
    # Its ended containers may be the last runs that there are.
    return not members and sandbox.id != max(of_the_pod, key=lambda one: one.created_at).id


def _old(at: float | None, rules: PruneRules, now: float) -> bool:
    """Of what is not over yet, no."""
    return at is not None and now - at >= rules.older_than


def _images(there: Inventory, gone: set[str], rules: PruneRules, now: float) -> Iterator[Prune]:
    used = {one.image for one in there.containers if one.id not in gone}
    for image in there.images:
        if _is_needed(image, there, used, rules) or (rules.images is Images.DANGLING and image.tags):
            continue
        # Of unknown age it may be new: something may be about to run from it.
        if rules.older_than and not _old(there.image_times.get(image.id), rules, now):
            continue
        why = "no container was made from it" if image.tags else "it has no tag, and no container was made from it"
        yield Prune(kind=Kind.IMAGE, id=image.id, name=image.name, why=why, size=image.size)


def _is_needed(image: HeldImage, there: Inventory, used: set[str], rules: PruneRules) -> bool:
    names = {image.id, *map(complete, image.names)}
    kept = any(
        fnmatchcase(name, pattern) for name in (*names, *map(_familiar, image.names)) for pattern in rules.keep_images
    )
    return image.pinned or kept or not names.isdisjoint(used | there.needed_images)


def _familiar(name: str) -> str:
    try:
        return parse(name).familiar
    except ValueError:
        return name
