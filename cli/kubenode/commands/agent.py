"""kubenode agent."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from kubenode.commands.options import CONFIG, Config


def agent(
    config: Config = CONFIG,
    check: Annotated[bool, typer.Option("--check", help="Only say whether the configuration can be used.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
) -> None:
    """Run the node agent: static pods through the container runtime, until SIGTERM. Pods outlive it.

    SIGHUP reads the configuration again.
    """
    if check:
        _check(config)
        return
    import logging

    from kubenode.agent.main import run

    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    for noisy in ("watchfiles", "asyncio", "aiohttp"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    _run(run(config))


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Of a group of errors the first one is told."""
    import asyncio

    try:
        asyncio.run(coroutine)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


def _check(config: Path) -> None:
    from kubenode.agent.config import load

    settings = load(config)
    for warning in settings.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"{config} can be used")
