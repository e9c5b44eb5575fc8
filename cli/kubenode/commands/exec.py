"""kubenode exec."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kubenode.commands.naming import POD_HELP, complete_container, complete_pod
from kubenode.commands.options import CONFIG, NodeName, RuntimeEndpoint, looking_settings

if TYPE_CHECKING:
    from kubenode.agent.execution import ExecRequest
    from kubenode.model.settings import Settings

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
    runtime_endpoint: RuntimeEndpoint = "",
    report: Annotated[
        str,
        typer.Option(
            "--report",
            metavar="WORD",
            help="For programs: exit with 0, and end standard error with a line of this word and the exit code, or of "
            "the word, - and why the command could not be run.",
        ),
    ] = "",
    config: Annotated[
        Path, typer.Option("--config", envvar="KUBENODE_CONFIG", help="The agent's configuration file.")
    ] = CONFIG,
    node: NodeName = "",
) -> None:
    """Run a command in a container: kubenode exec [-i] [-t] POD[/CONTAINER] -- COMMAND...

    Exits with the command's own exit code.
    """
    from kubenode.agent.execution import ExecRequest

    request = ExecRequest(pod, tuple(command), container, stdin, tty, timeout or None, quiet=bool(report))
    if not report:
        raise typer.Exit(_run(looking_settings(config, node, runtime_endpoint), request))
    from kubenode.clients.errors import KubenodeError

    try:
        answer = str(_run(looking_settings(config, node, runtime_endpoint), request))
    except KubenodeError as error:
        answer = f"- {' '.join(str(error).split())}"
    print(f"{report} {answer}", file=sys.stderr)


def _run(settings: Settings, request: ExecRequest) -> int:
    import asyncio

    from kubenode.agent.execution import execute

    try:
        return asyncio.run(execute(settings, request))
    except asyncio.CancelledError:
        return INTERRUPTED
