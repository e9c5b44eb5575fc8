"""What is kept of a definition, and when two of them are the same."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kubenode.model import names
from kubenode.model.cri_definitions import ContainerDefinition, PodDefinition
from kubenode.model.names import PodKey
from kubenode.plan.cri_definitions import (
    container_definition,
    differing,
    digest,
    from_annotation,
    listed,
    pod_definition,
    to_annotation,
)


def _container(**given: Any) -> dict[str, Any]:
    definition = msgspec.convert({"name": "main", "image": "app:1", **given}, ContainerDefinition)
    return container_definition(definition, {}, "salt")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"tty": False}, {}),
        ({"security": {}}, {}),
        ({"security": {"seccomp": {"type": "RuntimeDefault"}}}, {}),
        ({"resources": {"limits": {}}}, {}),
        ({"stop_grace_seconds": 5}, {"stop_grace_seconds": 7}),
        ({"labels": {"n": 1}}, {"labels": {"n": "1"}}),
        ({"command": ["sleep", 1]}, {"command": ["sleep", "1"]}),
        ({"env": {"N": 1}}, {"env": {"N": "1"}}),
        ({"resources": {"limits": {"cpu": 0.5}}}, {"resources": {"limits": {"cpu": "500m"}}}),
        ({"resources": {"limits": {"memory": 1024}}}, {"resources": {"limits": {"memory": "1Ki"}}}),
        ({"mounts": [{"container_path": "/d", "host_path": "/h", "read_only": False}]},
         {"mounts": [{"container_path": "/d", "host_path": "/h"}]}),
    ],
)  # fmt: skip
def test_what_means_the_same_is_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert _container(**one) == _container(**other)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"tty": True}, ["tty"]),
        ({"image": "app:2"}, ["image"]),
        ({"env": {"N": "2"}}, ["env"]),
        ({"env": {}}, ["env"]),
        ({"security": {"run_as_user": 0}}, ["security"]),
        ({"args": ["a"], "labels": {"a": "b"}}, ["args", "labels"]),
    ],
)
def test_what_differs_is_named(given: dict[str, Any], fields: list[str]) -> None:
    start = {"env": {"N": "1"}}
    assert differing(_container(**start), _container(**{**start, **given})) == fields


def test_a_digest_tells_values_apart_and_nothing_else() -> None:
    digests = {digest("s", "A", "x"), digest("s", "A", "y"), digest("s", "B", "x"), digest("t", "A", "x")}
    assert len(digests) == 4
    # The name's end and the value's beginning are not the same place.
    assert digest("s", "AB", "C") != digest("s", "A", "BC")


def test_an_annotation_gives_back_what_was_put_in() -> None:
    definition = pod_definition(PodKey("shop", "web"), PodDefinition(labels={"ä": "1"}), {"hostname": "h"})
    assert definition == {"name": "web", "namespace": "shop", "labels": {"ä": "1"}, "config": {"hostname": "h"}}
    assert from_annotation({names.DEFINITION: to_annotation(definition, "s")}) == (definition, "s")


@pytest.mark.parametrize("text", ["", "no json", "[]", "3", '{"definition": 3, "salt": ""}', '{"definition": {}}'])
def test_an_annotation_that_was_spoilt_is_none(text: str) -> None:
    assert from_annotation({names.DEFINITION: text}) == (None, "")


def test_words_are_listed_as_people_write_them() -> None:
    assert [listed(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
