"""All sources as one snapshot."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from kubenode.model.objects import ConfigMap, ObjectKey
from kubenode.model.pod import Metadata
from kubenode.model.source import Item, ItemState, ObjectItem, ObjectSet, SourceSet
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


WEB = ObjectKey("ConfigMap", "default", "web")
USER = desired_pod({"volumes": [{"name": "v", "configMap": {"name": "web"}}]})


def _object(location: str, seen_at: float, value: str = "1") -> ObjectItem:
    metadata = Metadata(name="web")
    one = ConfigMap(api_version="v1", kind="ConfigMap", metadata=metadata, data={"key": value})
    return ObjectItem(location, ItemState.VALID, WEB, one, seen_at, seen_at)


def _pods(*desired: DesiredPod) -> dict[str, SourceSet]:
    named = [
        msgspec.structs.replace(one.pod, metadata=msgspec.structs.replace(one.pod.metadata, name=f"p{index}"))
        for index, one in enumerate(desired)
    ]
    items = (Item(BASE.origin, ItemState.VALID, replace(BASE, pod=pod)) for pod in named)
    return {"files": SourceSet(tuple(items))}


def test_each_pod_gets_the_objects_that_it_refers_to() -> None:
    item = _object("/o/a", 1)
    snapshot = merge(_pods(USER, BASE), ObjectSet((item,)))
    assert [dict(pod.objects) for pod in snapshot.pods.values()] == [{WEB: item.value}, {}]
    assert (snapshot.objects, snapshot.object_items, snapshot.complete) == ({WEB: item.value}, (item,), True)


def test_a_changed_object_changes_only_the_pods_that_refer_to_it() -> None:
    before, after = (merge(_pods(USER, BASE), ObjectSet((_object("/o/a", 1, value),))).pods for value in "12")
    assert [before[key] != after[key] for key in before] == [True, False]


def test_of_two_objects_of_a_key_the_first_seen_stays() -> None:
    older, newer = _object("/o/b", 1, "old"), _object("/o/a", 2, "new")
    snapshot = merge(_pods(USER), ObjectSet((newer, older)))
    assert snapshot.objects == {WEB: older.value}
    assert [(item.state.value, item.value) for item in snapshot.object_items] == [
        ("superseded", None),
        ("valid", older.value),
    ]
    assert snapshot.object_items[0].reason.startswith("/o/b already defines ConfigMap default/web")


def test_an_object_that_was_read_and_is_not_there_is_missing() -> None:
    snapshot = merge(_pods(USER), ObjectSet())
    assert [dict(pod.objects) for pod in snapshot.pods.values()] == [{}]
    assert snapshot.complete


def test_until_objects_can_be_read_only_the_pods_that_need_them_wait() -> None:
    unread = ObjectSet(answered=False, error="down")
    snapshot = merge(_pods(USER, BASE), unread)
    assert [key.name for key in snapshot.pods] == ["p1"]
    assert not snapshot.complete
    assert snapshot.errors == ("down", "default/p0: waiting until ConfigMaps and Secrets can be read")


def test_the_last_good_objects_will_do_meanwhile() -> None:
    held = ObjectSet((_object("/o/a", 1),), answered=False, error="down")
    snapshot = merge(_pods(USER, BASE), held)
    assert ([key.name for key in snapshot.pods], snapshot.complete) == (["p0", "p1"], False)


def test_without_a_directory_of_objects_nothing_waits() -> None:
    snapshot = merge(_pods(USER))
    assert (len(snapshot.pods), snapshot.complete, snapshot.errors) == (1, True, ())
