"""Lifecycle hooks from manifests, and to and from the annotation that outlives them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.pod import Container, ContainerPort
from kubenode.model.probes import LifecycleHandler
from kubenode.model.specs import ExecHook, Hook, HttpHook, SleepHook
from kubenode.plan.hooks import hook_from_text, hook_of, hook_to_text

APP = Container(name="app", image="i", ports=[ContainerPort(name="web", container_port=8080)])


@pytest.mark.parametrize(
    ("handler", "hook"),
    [
        ({}, None),
        ({"exec": {"command": ["sh", "-c", "exit"]}}, ExecHook(("sh", "-c", "exit"))),
        ({"sleep": {"seconds": 5}}, SleepHook(5)),
        ({"tcpSocket": {"port": 80}}, None),
        ({"httpGet": {"port": 80}}, HttpHook("HTTP", "", 80, "/")),
        ({"httpGet": {"port": "web", "path": ""}}, HttpHook("HTTP", "", 8080, "/")),
        ({"httpGet": {"port": "gone"}}, HttpHook("HTTP", "", 0, "/")),
        (
            {"httpGet": {"port": 1, "host": "h", "scheme": "HTTPS", "httpHeaders": [{"name": "A", "value": "b"}]}},
            HttpHook("HTTPS", "h", 1, "/", (("A", "b"),)),
        ),
    ],
)
def test_what_a_manifest_asks_for(handler: dict[str, Any], hook: Hook | None) -> None:
    assert hook_of(msgspec.convert(handler, LifecycleHandler), APP) == hook


def test_no_handler_is_no_hook() -> None:
    assert hook_of(None, APP) is None


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
hooks = st.one_of(
    st.builds(ExecHook, st.lists(text).map(tuple)),
    st.builds(SleepHook, st.integers(0, 10**6)),
    st.builds(
        HttpHook,
        st.sampled_from(["HTTP", "HTTPS"]),
        text,
        st.integers(1, 65535),
        text.map(lambda path: f"/{path}"),
        st.lists(st.tuples(text, text)).map(tuple),
    ),
)


@given(hooks)
def test_a_hook_outlives_its_manifest(hook: Hook) -> None:
    assert hook_from_text(hook_to_text(hook)) == hook


def test_the_annotation_is_a_handler_in_kubernetes_form() -> None:
    hook = HttpHook("HTTPS", "h", 8443, "/bye", (("A", "b"),))
    headers = [{"name": "A", "value": "b"}]
    assert json.loads(hook_to_text(hook)) == {
        "httpGet": {"port": 8443, "path": "/bye", "host": "h", "scheme": "HTTPS", "httpHeaders": headers}
    }
    assert json.loads(hook_to_text(SleepHook(3))) == {"sleep": {"seconds": 3}}


@pytest.mark.parametrize(
    "spoilt",
    ["", "{", "null", "[]", "{}", '"x"', '{"exec": 5}', '{"exec": {"command": [1]}}', '{"httpGet": {"port": "web"}}',
     '{"httpGet": {"port": 99999}}', '{"surprise": {}}', "\ud800"],
)  # fmt: skip
def test_spoilt_text_is_no_hook(spoilt: str) -> None:
    assert hook_from_text(spoilt) is None


@given(st.text(max_size=40))
def test_no_text_raises(spoilt: str) -> None:
    assert hook_from_text(spoilt) is None
