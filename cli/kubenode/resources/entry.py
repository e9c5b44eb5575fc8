"""Where a module of the collection comes in: a name and plain parameters, a plain result out."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from typing import Any

from kubenode.clients.errors import KubenodeError
from kubenode.resources.options import read
from kubenode.resources.result import Result

__all__ = ["KubenodeError", "call"]


def call(name: str, params: Mapping[str, Any], *, check: bool) -> tuple[dict[str, Any], list[str]]:
    """What the module of this name returns, and its warnings. Raises KubenodeError and OSError.

    An error may have `values`, which a module that fails returns beside the message.
    """
    resource = importlib.import_module(f"kubenode.resources.{name}")
    options = read(resource.Options, params)
    result: Result = asyncio.run(resource.run(options, check=check))
    return result.returned(), list(result.warnings)
