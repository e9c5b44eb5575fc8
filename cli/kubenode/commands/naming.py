"""Pod names on the command line: what the shell completes. Fast, and silent when it fails."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from kubenode.agent.looking import SeenPod
    from kubenode.model.settings import Settings

POD_HELP = "[NAMESPACE/]POD[/CONTAINER]; a static pod with its node's name at the end or without."
SECONDS = 1.0


def complete_pod(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of pods, and of containers after a pod of several."""
    from kubenode.agent.naming import completions
    from kubenode.clients.errors import KubenodeError

    try:
        settings, pods = _look(ctx)
        return completions(incomplete, [pod.named for pod in pods], settings.node_name)
    except (KubenodeError, OSError, KeyError):
        return []


def complete_container(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of the containers of the pod that stands on the line."""
    from kubenode.agent.looking import find
    from kubenode.clients.errors import KubenodeError

    try:
        settings, pods = _look(ctx)
        pod, _ = find(str(ctx.params["pod"]), pods, settings.node_name)
        return [name for name in pod.named.containers if name.startswith(incomplete)]
    except (KubenodeError, OSError, KeyError):
        return []


def _look(ctx: typer.Context) -> tuple[Settings, list[SeenPod]]:
    import asyncio

    from kubenode.agent.config import load
    from kubenode.agent.looking import runtime, seen_pods
    from kubenode.commands.options import CONFIG

    params: dict[str, Any] = ctx.params
    settings = load(Path(params.get("config") or CONFIG))

    async def ask() -> list[SeenPod]:
        async with asyncio.timeout(SECONDS), runtime(settings, SECONDS) as cri:
            return await seen_pods(cri)

    return settings, asyncio.run(ask())
