"""`$(NAME)` by Kubernetes' rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.plan.expansion import expand

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


@given(st.dictionaries(st.text(), st.text()), st.text(st.sampled_from("$()AB x")))
def test_no_value_is_expanded_again(values: dict[str, str], text: str) -> None:
    marked = dict.fromkeys(("A", "B"), "#")
    dollars = dict.fromkeys(("A", "B"), "$(A)")
    assert expand(text, marked).replace("#", "$(A)") == expand(text, dollars)
    assert expand(text.replace("$", "$$"), values) == text
