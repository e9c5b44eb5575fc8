"""Go's durations, and ages for people."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.duration import format_age, parse_duration

GOOD = [
    ("0", 0.0),
    ("0s", 0.0),
    ("20s", 20.0),
    ("1m30s", 90.0),
    ("1h0m0s", 3600.0),
    ("1.5h", 5400.0),
    (".5s", 0.5),
    ("100ms", 0.1),
    ("5us", 5e-6),
    ("5µs", 5e-6),
    ("7ns", 7e-9),
]


@pytest.mark.parametrize(("text", "seconds"), GOOD)
def test_seconds(text: str, seconds: float) -> None:
    assert math.isclose(parse_duration(text), seconds)


@pytest.mark.parametrize(
    "text", ["", "20", "s", "1 s", "-5s", "1d", "1m 30s", "1..5s", "5s!", "9" * 400 + "h", "300000000h"]
)
def test_what_is_none_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="write it as 20s, 1m30s or 100ms") as raised:
        parse_duration(text)
    assert repr(text) in str(raised.value)


@given(st.text("0123456789.hmsnuµ", max_size=40))
def test_any_text_is_a_finite_duration_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert 0 <= parse_duration(text) < math.inf


AGES = [
    (-5, "0s"),
    (0, "0s"),
    (59.9, "59s"),
    (60, "1m0s"),
    (190, "3m10s"),
    (599, "9m59s"),
    (600, "10m"),
    (3599, "59m"),
    (7500, "2h5m"),
    (86399, "23h59m"),
    (90000, "1d1h"),
]


@pytest.mark.parametrize(("seconds", "text"), AGES)
def test_age(seconds: float, text: str) -> None:
    assert format_age(seconds) == text
