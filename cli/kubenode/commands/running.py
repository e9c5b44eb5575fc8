"""How commands run what is asynchronous. asyncio is imported only then: help and completion of options are fast."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result, or what it raises."""
    import asyncio

    return asyncio.run(coroutine)
