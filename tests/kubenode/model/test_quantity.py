"""Kubernetes quantities."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.quantity import milli, parse_quantity, whole

GOOD = [
    ("0", "0"),
    (3, "3"),
    (0.5, "0.5"),
    ("500m", "0.5"),
    ("1.5", "1.5"),
    (".5", "0.5"),
    ("5.", "5"),
    ("+1", "1"),
    ("-1Ki", "-1024"),
    ("128Mi", "134217728"),
    ("1G", "1000000000"),
    ("2Ti", "2199023255552"),
    ("1E", "1000000000000000000"),
    ("1Ei", "1152921504606846976"),
    ("1e3", "1000"),
    ("1E3", "1000"),
    ("1e-3", "0.001"),
    ("100n", "0.0000001"),
    ("100u", "0.0001"),
]


@pytest.mark.parametrize(("text", "value"), GOOD)
def test_value(text: str | float, value: str) -> None:
    assert parse_quantity(text) == Decimal(value)


BAD = [
    "",
    " 1",
    "1 Gi",
    "1gi",
    "1K",
    "1kb",
    "Gi",
    "1.2.3",
    "--1",
    "1e",
    "1e1e1",
    "nan",
    "inf",
    "0x10",
    "1_000",
    "9" * 65,
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_none_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity: write a number with a suffix") as raised:
        parse_quantity(text)
    assert repr(text[:64]) in str(raised.value)


@pytest.mark.parametrize(("text", "thousandths"), [("1m", 1), ("1u", 1), ("1.0001", 1001), ("250m", 250), ("0", 0)])
def test_cpu_is_rounded_up_to_thousandths(text: str, thousandths: int) -> None:
    assert milli(text) == thousandths


@pytest.mark.parametrize(("text", "units"), [("1m", 1), ("1.5", 2), ("1Ki", 1024), ("0", 0)])
def test_memory_is_rounded_up_to_bytes(text: str, units: int) -> None:
    assert whole(text) == units


@given(st.text(max_size=80))
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert parse_quantity(text).is_finite()
