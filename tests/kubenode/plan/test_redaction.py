"""Secrets of a runtime's configuration are hidden, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from kubenode.plan.redaction import HIDDEN, without_secrets


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"password": "p", "user": "u"}, {"password": HIDDEN, "user": "u"}),
        ({"identityToken": "t"}, {"identityToken": HIDDEN}),
        ({"identity_token": "t"}, {"identity_token": HIDDEN}),
        ({"auth": "dTpw"}, {"auth": HIDDEN}),
        ({"auth": None, "password": ""}, {"auth": None, "password": ""}),
        (
            {"auth": {"username": "u", "auth": "x", "more": ["y", 1]}},
            {"auth": {"username": "u", "auth": HIDDEN, "more": [HIDDEN, 1]}},
        ),
        ([{"headers": {"Authorization": ["Basic x"]}}], [{"headers": {"Authorization": [HIDDEN]}}]),
        ({"authority": "x", "enableToken": True}, {"authority": "x", "enableToken": True}),
        ("text", "text"),
    ],
)
def test_texts_are_hidden_by_their_names(value: Any, shown: Any) -> None:
    assert without_secrets(value) == shown
