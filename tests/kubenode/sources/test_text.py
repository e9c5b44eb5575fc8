"""Manifests written as text: what goes in comes out, in one layout."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.sources.manifest import read_pod
from kubenode.sources.text import canonical_text, manifest_text


@given(st.text())
def test_every_text_is_read_back_as_it_was(value: str) -> None:
    env = [{"name": "X", "value": value.replace("\0", "")}]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [_container(env)]}}
    assert read_pod(manifest_text(pod).encode()).spec.containers[0].env[0].value == env[0]["value"]


@pytest.mark.parametrize("value", ["1e3", "0o17", "y", "N", "-", "2026-01-02", "12_000", ".5", "+1", "0x1f"])
def test_what_other_readers_take_for_something_else_is_quoted(value: str) -> None:
    text = manifest_text({"value": value})
    assert text in (f'value: "{value}"\n', f"value: '{value}'\n")


def test_layout_comments_order_and_anchors_do_not_matter() -> None:
    plain = "a: {x: 1, y: [2, 3]}\nb: {x: 1, y: [2, 3]}\n"
    assert canonical_text(plain) == canonical_text("# comment\nb: &same\n  y:\n    - 2\n    - 3\n  x: 1\na: *same\n")


@pytest.mark.parametrize("text", ["a: [", "a: 1\n---\nb: 2\n", "? [1]\n: 2\nb: 3\n"])
def test_what_is_no_manifest_stays_as_it_is(text: str) -> None:
    assert canonical_text(text) == text


def test_nothing_is_nothing() -> None:
    assert canonical_text(" \n") == ""


def _container(env: list[dict[str, str]]) -> dict[str, object]:
    return {"name": "main", "image": "i", "env": env}
