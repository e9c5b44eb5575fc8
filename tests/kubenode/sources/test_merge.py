"""All sources as one snapshot."""

from __future__ import annotations

from kubenode.model.source import Item, ItemState, SourceSet
from kubenode.model.static_pod import DesiredPod, Origin, SourceKind
from kubenode.sources.merge import merge
from support.plans import KEY, desired_pod

BASE = desired_pod()


def _item(location: str, seen_at: float, kind: SourceKind = SourceKind.FILE) -> Item:
    origin = Origin(kind, location)
    return Item(origin, ItemState.VALID, DesiredPod(BASE.pod, origin, seen_at))


def test_nothing_is_complete_before_every_source_has_answered() -> None:
    item = _item("/m/a", 1)
    half = merge({"files": SourceSet((item,)), "http": SourceSet(answered=False, error="down")})
    assert (half.complete, half.errors, list(half.pods)) == (False, ("down",), [KEY])
    whole = merge({"files": SourceSet((item,)), "http": SourceSet()})
    assert (whole.complete, whole.errors) == (True, ())


def test_of_two_manifests_for_a_pod_the_first_seen_stays() -> None:
    older, newer = _item("/m/b", 1), _item("/m/a", 2)
    for items in ((older, newer), (newer, older)):
        snapshot = merge({"files": SourceSet(items)})
        assert snapshot.pods == {KEY: older.desired}
        states = {item.origin.location: (item.state.value, item.desired) for item in snapshot.items}
        assert states == {"/m/b": ("valid", older.desired), "/m/a": ("superseded", None)}


def test_seen_at_once_the_first_by_name_stays() -> None:
    first, second = _item("/m/a", 1), _item("/m/b", 1)
    assert merge({"files": SourceSet((second, first))}).pods == {KEY: first.desired}


def test_it_holds_over_sources_too() -> None:
    file, url = _item("/m/a", 2), _item("http://h/", 1, SourceKind.HTTP)
    snapshot = merge({"files": SourceSet((file,)), "http": SourceSet((url,))})
    assert snapshot.pods == {KEY: url.desired}
    assert snapshot.items[0].reason == f"http://h/ already defines pod {KEY}; remove one of the two, or rename its pod"


def test_invalid_items_are_shown_and_run_nothing() -> None:
    bad = Item(Origin(SourceKind.FILE, "/m/a"), ItemState.INVALID, None, "why", 3)
    snapshot = merge({"files": SourceSet((bad,))})
    assert (snapshot.pods, snapshot.items) == ({}, (bad,))
