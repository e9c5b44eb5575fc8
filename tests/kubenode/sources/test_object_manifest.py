"""Files of ConfigMaps and Secrets, also hostile ones: read, or refused with a place and without any value."""

from __future__ import annotations

import base64
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.objects import object_key
from kubenode.sources.documents import RefusedError
from kubenode.sources.object_manifest import read_objects

CANARY = "hunter2canary"
CANARY_64 = base64.b64encode(CANARY.encode()).decode()
HEAD = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"


def read(text: str) -> dict[str, dict[str, bytes]]:
    return {str(object_key(value)): dict(value.values) for value, _ in read_objects(text.encode())}


def test_several_documents_and_lists() -> None:
    text = (
        "---\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\ndata: {a: x}\n---\n"
        f"{HEAD}stringData: {{a: y}}\n---\n"
        "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: Secret, metadata: {name: t}, data: {a: eQ==}}\n"
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: u}}\n"
    )
    assert read(text) == {
        "ConfigMap shop/c": {"a": b"x"},
        "Secret default/s": {"a": b"y"},
        "Secret default/t": {"a": b"y"},
        "ConfigMap default/u": {},
    }
    assert [line for _, line in read_objects(text.encode())] == [3, 8, 16, 17]


def test_json_is_read_too() -> None:
    one = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "eQ=="}}
    assert read(json.dumps({"apiVersion": "v1", "kind": "SecretList", "items": [one]})) == {
        "Secret default/s": {"a": b"y"}
    }


def test_base64_may_have_line_ends_and_no_value_is_an_empty_one() -> None:
    assert read(f"{HEAD}data:\n  a: |\n    aHVu\n    dGVy\n  b:\n") == {"Secret default/s": {"a": b"hunter", "b": b""}}


# What is written wrong, and the line that is named; no message may hold the value.
REFUSED = [
    ("", 0),
    ("---\n# nothing\n", 0),
    (f"{HEAD}data: {{a: {CANARY}!}}", 4),
    (f"{HEAD}data:\n  a: {CANARY_64[:-1]}", 5),
    (f"{HEAD}stringData: {{a: [{CANARY}]}}", 4),
    (f"{HEAD}stringData: {{a: 12345}}", 4),
    (f"{HEAD}stringData: {CANARY}", 4),
    (f"{HEAD}stringData: {{a: !{CANARY} b}}", 4),
    (f"{HEAD}stringData: {{a: !!int {CANARY}}}", 1),
    (f"{HEAD}stringData: {{a: *{CANARY}}}", 4),
    (f"{HEAD}stringData:\n  a: {CANARY}: {CANARY}", 5),
    (f"{HEAD}stringData:\n  a: '{CANARY}", 5),
    (f"{HEAD}stringData:\n  a: x\n  a: {CANARY}", 6),
    (f"{HEAD}stringData:\n  a: |\n{CANARY}\n", 7),
    (f"{HEAD}stringdata: {{a: {CANARY}}}", 4),
    (f"{HEAD}type: [{CANARY}]", 4),
    (f"{HEAD}type: kubernetes.io/dockerconfigjson\nstringData: {{.dockerconfigjson: {CANARY}}}", 1),
    (f"apiVersion: v1\nkind: {CANARY}\nmetadata: {{name: s}}", 2),
    (f"apiVersion: {CANARY}\nkind: Secret\nmetadata: {{name: s}}", 1),
    (f"- {CANARY}", 1),
    (CANARY, 1),
    (f"kind: List\nitems: {CANARY}", 2),
    (f"kind: List\nitems:\n- {CANARY}\n", 3),
    (f"{HEAD}---\n{HEAD}data: {{a: {CANARY}!}}", 8),
    ("apiVersion: v1\nkind: Pod\nmetadata: {name: s}", 2),
]


@pytest.mark.parametrize(("text", "line"), REFUSED)
def test_what_is_refused_says_where_and_never_what(text: str, line: int) -> None:
    with pytest.raises(RefusedError) as caught:
        read(text)
    said = f"{caught.value} {caught.value.reason} {caught.value!r} {caught.value.__cause__}"
    assert CANARY not in said
    assert CANARY_64[:8] not in said
    assert caught.value.line == line


def test_a_list_may_be_empty_and_a_file_may_not() -> None:
    with pytest.raises(RefusedError, match="holds no ConfigMap and no Secret"):
        read("apiVersion: v1\nkind: List\nitems: []")


_scalars = st.sampled_from(
    [None, True, 1, 0.5, "", CANARY, CANARY_64, "v1", "Secret", "ConfigMap", "List", f"!{CANARY}", f"{CANARY}: x"]
)
_keys = st.sampled_from(
    ["apiVersion", "kind", "metadata", "name", "namespace", "data", "stringData", "binaryData", "type", "items", "a"]
)
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=5))
_secrets = st.fixed_dictionaries(
    {"apiVersion": st.just("v1"), "kind": st.sampled_from(["Secret", "ConfigMap"]), "metadata": st.just({"name": "s"})},
    optional={"data": _values, "stringData": _values, "binaryData": _values, "type": _values, "immutable": _values},
)


def _outcome(data: bytes) -> str:
    """The objects' representations, or why they are refused."""
    try:
        return " ".join(repr(value) for value, _ in read_objects(data) if value.kind == "Secret") or "no Secret"
    except RefusedError as refusal:
        return refusal.reason


@given(st.lists(_values | _secrets, max_size=3), st.integers(0, 400), st.binary(max_size=3))
def test_whatever_a_file_holds_it_is_read_or_refused(values: list[object], at: int, garbage: bytes) -> None:
    text = yaml.safe_dump_all(values).encode()
    for data in (text, text[:at], text[:at] + garbage + text[at:], json.dumps(values).encode()):
        outcome = _outcome(data)
        assert outcome
        assert CANARY not in outcome
        assert CANARY_64[:8] not in outcome


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    assert _outcome(data)
