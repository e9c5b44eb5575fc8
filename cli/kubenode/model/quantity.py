"""Kubernetes quantities ("500m", "128Mi", "1e3") as exact numbers."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_UP, Decimal, localcontext

_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
# No quantity of anything needs more; a million digits would be computed with.
_LONGEST = 64
# What the longest quantity with the largest exponent may have, and billionths of it.
_DIGITS = 256
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?:[eE]([+-]?[0-9]{1,2})|([numkMGTPE]|[KMGTPE]i)?)")


def parse_quantity(text: str | int | float) -> Decimal:
    """The quantity's value in its base unit (cores, bytes). Raises ValueError that names the text."""
    written = str(text)
    match = _QUANTITY.fullmatch(written) if len(written) <= _LONGEST else None
    if match is None:
        raise ValueError(
            f"{written[:_LONGEST]!r} is not a quantity: write a number with a suffix such as 500m, 128Mi or 2Gi"
        )
    number, exponent, suffix = match.groups()
    scale = Decimal(10) ** int(exponent) if exponent else _SUFFIXES[suffix or ""]
    return Decimal(number) * scale


def milli(text: str | int | float) -> int:
    """The quantity in thousandths, rounded up, as the kubelet rounds CPU."""
    return int((parse_quantity(text) * 1000).to_integral_value(rounding=ROUND_CEILING))


def whole(text: str | int | float) -> int:
    """The quantity in its base unit, rounded up, as the kubelet rounds memory."""
    return int(parse_quantity(text).to_integral_value(rounding=ROUND_CEILING))


def scale_of(suffix: str) -> Decimal:
    """What one of the suffix is in the base unit: Ki is 1024. Raises ValueError for one that there is not."""
    if suffix not in _SUFFIXES:
        raise ValueError(f"{suffix!r} is not a quantity's suffix: know {' '.join(filter(None, _SUFFIXES))}")
    return _SUFFIXES[suffix]


def format_quantity(value: Decimal, *, binary: bool) -> str:
    """The canonical form: a whole number with the largest suffix that leaves one. At most billionths, rounded up.

    binary: with Ki to Ei. What is below 1024, or no whole number, gets a decimal suffix all the same.
    """
    with localcontext(prec=_DIGITS):
        if binary and abs(value) >= 1024 and value == value.to_integral_value():
            suffixes: tuple[str, ...] = ("", *_BINARY)
        else:
            suffixes = _DECIMAL
            value = value.quantize(_SUFFIXES["n"], rounding=ROUND_UP)
        fitting = [suffix for suffix in suffixes if value % _SUFFIXES[suffix] == 0]
        suffix = fitting[-1] if value else ""
        return f"{int(value / _SUFFIXES[suffix])}{suffix}"
