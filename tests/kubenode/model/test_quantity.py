"""Kubernetes quantities."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.quantity import format_quantity, milli, parse_quantity, scale_of, whole

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


CANONICAL = [
    ("0", "0", "0"),
    ("-0", "0", "0"),
    ("1", "1", "1"),
    ("0.5", "500m", "500m"),
    ("0.0001", "100u", "100u"),
    ("0.00000000012", "1n", "1n"),
    ("-0.00000000012", "-1n", "-1n"),
    ("1000", "1k", "1k"),
    ("1023", "1023", "1023"),
    ("1024", "1024", "1Ki"),
    ("1025", "1025", "1025"),
    ("-1024", "-1024", "-1Ki"),
    ("1536Mi", "1610612736", "1536Mi"),
    ("1Gi", "1073741824", "1Gi"),
    ("1024.5", "1024500m", "1024500m"),
    ("12e6", "12M", "12000000"),
    ("1Ei", "1152921504606846976", "1Ei"),
    ("1e99", "1" + "0" * 81 + "E", f"{10**99 // 2**60}Ei"),
]


@pytest.mark.parametrize(("text", "decimal", "binary"), CANONICAL)
def test_canonical_form(text: str, decimal: str, binary: str) -> None:
    value = parse_quantity(text)
    assert format_quantity(value, binary=False) == decimal
    assert format_quantity(value, binary=True) == binary


@given(st.integers(-(2**63), 2**63), st.booleans())
def test_a_canonical_form_means_the_same(number: int, binary: bool) -> None:
    assert parse_quantity(format_quantity(Decimal(number), binary=binary)) == number


def test_scale_of_a_suffix() -> None:
    assert [scale_of(suffix) for suffix in ("Ki", "m", "")] == [Decimal(1024), Decimal("0.001"), Decimal(1)]
    with pytest.raises(ValueError, match="'KB' is not a quantity's suffix: know n u m k"):
        scale_of("KB")
