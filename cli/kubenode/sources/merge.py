"""All sources as one: an immutable snapshot of the desired pods, and what became of each manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kubenode.model.names import PodKey
from kubenode.model.objects import ObjectKey, Objects
from kubenode.model.references import references
from kubenode.model.source import Item, ItemState, ObjectItem, ObjectSet, Snapshot, SourceSet
from kubenode.model.static_pod import DesiredPod


def merge(sets: Mapping[str, SourceSet], local: ObjectSet | None = None) -> Snapshot:
    """One pod a key, one object a key. Of several manifests for a key the one seen first stays: a copy changes nothing.

    Each pod gets the objects it refers to. `local` is None where no directory of objects is configured.
    """
    items = [item for source in sets.values() for item in source.items]
    owners = _owners(items)
    object_owners = _object_owners(local.items if local else ())
    objects = {key: item.value for key, item in object_owners.items() if item.value is not None}
    given = [_given(item.desired, objects) for item in owners.values() if item.desired is not None]
    known = local is None or local.answered
    ready = {pod.key: pod for pod in given if known or len(pod.objects) == len(references(pod.pod))}
    answers = [*sets.values(), *((local,) if local else ())]
    waiting = [str(pod.key) for pod in given if pod.key not in ready]
    return Snapshot(
        pods=ready,
        items=tuple(_judged(item, owners) for item in items),
        complete=all(answer.answered for answer in answers),
        errors=(
            *(answer.error for answer in answers if answer.error),
            *((f"{', '.join(waiting)}: waiting until ConfigMaps and Secrets can be read",) if waiting else ()),
        ),
        objects=objects,
        object_items=tuple(_judged_object(item, object_owners) for item in (local.items if local else ())),
    )


def _given(desired: DesiredPod, objects: Objects) -> DesiredPod:
    found = {key: objects[key] for key in sorted(references(desired.pod)) if key in objects}
    return replace(desired, objects=found) if found else desired


def _object_owners(items: Iterable[ObjectItem]) -> dict[ObjectKey, ObjectItem]:
    owners: dict[ObjectKey, ObjectItem] = {}
    for item in sorted(items, key=lambda item: (item.seen_at, item.location)):
        if item.key is not None and item.value is not None:
            owners.setdefault(item.key, item)
    return owners


def _judged_object(item: ObjectItem, owners: Mapping[ObjectKey, ObjectItem]) -> ObjectItem:
    if item.key is None or item.value is None or owners[item.key] is item:
        return item
    reason = f"{owners[item.key].location} already defines {item.key}; remove one of the two, or rename it"
    return replace(item, state=ItemState.SUPERSEDED, value=None, reason=reason)


def _owners(items: Iterable[Item]) -> dict[PodKey, Item]:
    owners: dict[PodKey, Item] = {}
    for item in items:
        if item.desired is not None:
            owner = owners.setdefault(item.desired.key, item)
            if owner.desired is not None and _precedence(item.desired) < _precedence(owner.desired):
                owners[item.desired.key] = item
    return owners


def _precedence(desired: DesiredPod) -> tuple[float, str]:
    return desired.seen_at, desired.origin.location


def _judged(item: Item, owners: Mapping[PodKey, Item]) -> Item:
    if item.desired is None or owners[item.desired.key] is item:
        return item
    owner = owners[item.desired.key]
    reason = f"{owner.origin} already defines pod {item.desired.key}; remove one of the two, or rename its pod"
    return Item(item.origin, ItemState.SUPERSEDED, None, reason)
