"""All sources as one: an immutable snapshot of the desired pods, and what became of each manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubenode.model.names import PodKey
from kubenode.model.source import Item, ItemState, Snapshot, SourceSet
from kubenode.model.static_pod import DesiredPod


def merge(sets: Mapping[str, SourceSet]) -> Snapshot:
    """One pod a key. Of several manifests for a key the one seen first stays, so that a copy changes nothing."""
    items = [item for source in sets.values() for item in source.items]
    owners = _owners(items)
    return Snapshot(
        pods={key: item.desired for key, item in owners.items() if item.desired is not None},
        items=tuple(_judged(item, owners) for item in items),
        complete=all(source.answered for source in sets.values()),
        errors=tuple(source.error for source in sets.values() if source.error),
    )


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
