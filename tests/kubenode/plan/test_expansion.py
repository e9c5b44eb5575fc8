"""`$(NAME)` by Kubernetes' rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.pod import EnvVar
from kubenode.plan.expansion import environment, expand

VALUES = {"A": "1", "B": "$(A)", "EMPTY": ""}

EXPANSIONS = [
    ("plain", "plain"),
    ("$(A)", "1"),
    ("x$(A)y$(A)", "x1y1"),
    ("$(EMPTY)", ""),
    ("$(NONE)", "$(NONE)"),
    ("$(B)", "$(A)"),  # a value is not expanded again
    ("$$(A)", "$(A)"),
    ("$$$(A)", "$1"),
    ("$$$$(A)", "$$(A)"),
    ("$$", "$"),
    ("$", "$"),
    ("$A", "$A"),
    ("$(A", "$(A"),
    ("$()", "$()"),
    ("$(A$(B))", "$(A$(B))"),
    ("$((A))", "$((A))"),
]


@pytest.mark.parametrize(("text", "expected"), EXPANSIONS)
def test_expand(text: str, expected: str) -> None:
    assert expand(text, VALUES) == expected


@given(st.text(st.characters(exclude_characters="$")))
def test_text_without_a_dollar_stays(text: str) -> None:
    assert expand(text, VALUES) == text


def test_variables_refer_to_those_before_them() -> None:
    variables = [("A", "1"), ("B", "$(A)$(C)"), ("C", "3"), ("A", "$(A)$(A)")]
    found = environment([EnvVar(name=name, value=value) for name, value in variables])
    assert found == {"A": "11", "B": "1$(C)", "C": "3"}
