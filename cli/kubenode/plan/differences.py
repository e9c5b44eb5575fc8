"""Where two plain values differ, by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# How many paths a sentence names.
NAMED = 5

MISSING = object()


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Path, old and new value of each part that differs: `spec.containers[0].image`; MISSING where there is none.

    What is there on one side only is one difference, whatever is in it.
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            inner = f"{path}.{key}" if path else str(key)
            yield from differences(before.get(key, MISSING), after.get(key, MISSING), inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif type(before) is not type(after) or before != after:
        yield path, before, after


def named(paths: list[str]) -> str:
    """Some of the paths, as a list in a sentence."""
    more = len(paths) - NAMED
    return ", ".join([*paths[:NAMED], f"{more} more"] if more > 0 else paths)
