"""JSON from files and plugins that may be anything. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

# No configuration comes near; what is put around a document can then always be written.
MOST_DEPTH = 64
_TOO_DEEP = f"nested deeper than {MOST_DEPTH} levels"


def read(data: bytes) -> Any:
    """Raises ValueError for what is no JSON, and for what is nested too deep."""
    try:
        value = msgspec.json.decode(data)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [child for one in level for child in _children(one)]
        if not level:
            return value
    raise ValueError(_TOO_DEEP)


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
