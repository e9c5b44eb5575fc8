"""kubenode logs."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from kubenode.commands.naming import POD_HELP, complete_container, complete_pod
from kubenode.commands.options import CONFIG, NodeName, settings_of
from kubenode.commands.running import run


def logs(
    pod: Annotated[str, typer.Argument(help=POD_HELP, autocompletion=complete_pod)],
    container: Annotated[
        str, typer.Option("--container", "-c", help="The container.", autocompletion=complete_container)
    ] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on, over restarts, until the pod is gone.")
    ] = False,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="The container before the last restart.")] = False,
    since: Annotated[str, typer.Option("--since", help="Lines not older than, e.g. 5m or 1h30m.")] = "",
    since_time: Annotated[
        str, typer.Option("--since-time", help="Lines since a time, e.g. 2030-01-31T12:00:00Z.")
    ] = "",
    tail: Annotated[int | None, typer.Option("--tail", min=0, help="So many of the last lines.")] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps", help="Begin each line with its time.")] = False,
    all_containers: Annotated[bool, typer.Option("--all-containers", help="All containers of the pod.")] = False,
    config: Annotated[
        Path, typer.Option("--config", envvar="KUBENODE_CONFIG", help="The agent's configuration file.")
    ] = CONFIG,
    node: NodeName = "",
) -> None:
    """Print what a container logged, to standard output: kubenode logs POD[/CONTAINER]."""
    if since and since_time:
        raise typer.BadParameter("use --since or --since-time, not both")
    if all_containers and container:
        raise typer.BadParameter("use --container or --all-containers, not both")
    start = _start(since, since_time)
    from kubenode.agent.logs import LogRequest, write_logs

    request = LogRequest(pod, container, all_containers, follow, previous, start, tail, timestamps)
    run(write_logs(settings_of(config, node), request, _write_now if follow else _write, _note))
    sys.stdout.buffer.flush()


def _write(line: bytes) -> None:
    sys.stdout.buffer.write(line)


def _write_now(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _note(text: str) -> None:
    print(text, file=sys.stderr)


def _start(since: str, since_time: str) -> int:
    """Nanoseconds since the epoch; 0 for all."""
    from kubenode.model.duration import parse_duration
    from kubenode.observe.log_files import nanoseconds

    if since:
        try:
            return time.time_ns() - int(parse_duration(since) * 1e9)
        except ValueError as error:
            raise typer.BadParameter(f"--since: {error}") from None
    if since_time:
        start = nanoseconds(since_time.encode())
        if start is None:
            raise typer.BadParameter(f"--since-time: {since_time!r} is no time: write it as 2030-01-31T12:00:00Z")
        return start
    return 0
