"""kubenode exec."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kubenode.commands.naming import POD_HELP, complete_container, complete_pod
from kubenode.commands.options import CONFIG, NodeName, settings_of

INTERRUPTED = 143


def exec_(
    pod: Annotated[str, typer.Argument(help=POD_HELP, autocompletion=complete_pod)],
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, after --.")],
    container: Annotated[
        str, typer.Option("--container", "-c", help="The container.", autocompletion=complete_container)
    ] = "",
    stdin: Annotated[bool, typer.Option("--stdin", "-i", help="Pass standard input on to the command.")] = False,
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Give the command a terminal.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0, help="Seconds that the command may take; 0: as long as it wants.")
    ] = 0,
    config: Annotated[
        Path, typer.Option("--config", envvar="KUBENODE_CONFIG", help="The agent's configuration file.")
    ] = CONFIG,
    node: NodeName = "",
) -> None:
    """Run a command in a container: kubenode exec [-i] [-t] POD[/CONTAINER] -- COMMAND...

    Exits with the command's own exit code.
    """
    import asyncio

    from kubenode.agent.execution import ExecRequest, execute

    settings = settings_of(config, node)
    request = ExecRequest(pod, tuple(command), container, stdin, tty, timeout or None)
    try:
        code = asyncio.run(execute(settings, request))
    except asyncio.CancelledError:
        code = INTERRUPTED
    raise typer.Exit(code)
