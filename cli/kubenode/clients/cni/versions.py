"""Versions of the CNI specification."""

from __future__ import annotations

from collections.abc import Iterable

LATEST = "1.1.0"
# A configuration without a version is of the first.
FIRST = "0.1.0"
CHECK = "0.4.0"
STATUS_AND_GC = "1.1.0"

_DIGITS = 6


def parsed(version: str) -> tuple[int, int, int]:
    """Three numbers; what is left out is 0. Raises ValueError."""
    parts = version.split(".")
    if len(parts) > 3 or not all(part.isascii() and part.isdecimal() and len(part) <= _DIGITS for part in parts):
        raise ValueError(f"{version!r} is no version such as {LATEST}")
    major, minor, micro = [*map(int, parts), 0, 0][:3]
    return major, minor, micro


def at_least(version: str, other: str) -> bool:
    """Raises ValueError."""
    return parsed(version) >= parsed(other)


def highest(versions: Iterable[str]) -> str | None:
    """The highest that we speak, or None. Raises ValueError."""
    return max((one for one in versions if at_least(LATEST, one)), key=parsed, default=None)
