"""kubenode events."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from kubenode.commands.naming import POD_HELP, complete_pod
from kubenode.commands.options import CONFIG, Config, Format, NodeName, Output, Query, settings_of
from kubenode.commands.output import plain, printable, show
from kubenode.commands.running import run

if TYPE_CHECKING:
    from rich.console import Console

    from kubenode.model.events import Event
    from kubenode.model.names import PodKey
    from kubenode.model.settings import Settings

COLUMNS = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")
Wanted = Callable[["Event"], bool]


def events(
    pod: Annotated[str, typer.Argument(help=POD_HELP, autocompletion=complete_pod)] = "",
    config: Config = CONFIG,
    node: NodeName = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with each event as it comes.")] = False,
    since: Annotated[str, typer.Option("--since", help="Only those of this last while, e.g. 10m or 1h30m.")] = "",
    output: Output = Format.TABLE,
    query: Query = "",
) -> None:
    """List what happened to the node's pods, oldest first: pulls, starts, kills, failures, probes, back-off.

    The agent keeps the latest, over its restarts too.
    """
    if follow and query:
        raise typer.BadParameter("what follows has no end that could be queried: use --follow or --query")
    seconds = _seconds(since)
    settings = settings_of(config, node)
    from kubenode.agent import asking

    report = run(asking.events(settings))
    wanted = _wanted(_key(settings, pod, report.events) if pod else None, seconds)
    if follow:
        run(_follow(settings, wanted, output))
        return
    import msgspec

    kept = tuple(event for event in report.events if wanted(event))
    report = msgspec.structs.replace(report, events=kept)
    show(report, output, query, lambda out: _table(out, kept))


def _seconds(since: str) -> float | None:
    from kubenode.model.duration import parse_duration

    try:
        return parse_duration(since) if since else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None


def _key(settings: Settings, pod: str, told: Iterable[Event]) -> PodKey:
    from kubenode.agent import asking
    from kubenode.agent.naming import resolve

    return resolve(pod, run(asking.known_pods(settings, told)), settings.node_name).key


def _wanted(key: PodKey | None, seconds: float | None) -> Wanted:
    oldest = time.time() - seconds if seconds is not None else 0.0
    return lambda event: event.last_at >= oldest and (key is None or (event.namespace, event.pod) == key)


async def _follow(settings: Settings, wanted: Wanted, output: Format) -> None:
    from kubenode.agent import asking

    if output is Format.TABLE:
        print(_line(COLUMNS))
    async for event in asking.follow_events(settings):
        if wanted(event):
            print(_shown(event, output), end="", flush=True)
    print("kubenode: the agent ended; kubenode health tells whether it runs again.", file=sys.stderr)


def _shown(event: Event, output: Format) -> str:
    import msgspec

    if output is Format.JSON:
        return msgspec.json.encode(event).decode() + "\n"
    if output is Format.YAML:
        import yaml

        return "---\n" + str(yaml.safe_dump(msgspec.to_builtins(event), sort_keys=False, allow_unicode=True))
    return printable(_line(_row(event))) + "\n"


def _line(cells: Iterable[str]) -> str:
    age, kind, reason, about, message = cells
    return f"{age:<10} {kind:<8} {reason:<24} {about:<32} {message}"


def _row(event: Event) -> tuple[str, str, str, str, str]:
    from kubenode.model.duration import format_age

    namespace = "" if event.namespace in ("", "default") else f"{event.namespace}/"
    about = f"pod/{namespace}{event.pod}" if event.pod else event.source
    times = f" (x{event.count})" if event.count > 1 else ""
    message = " ".join(event.message.split())
    return format_age(time.time() - event.last_at), event.type, event.reason, about, f"{message}{times}"


def _table(out: Console, kept: tuple[Event, ...]) -> None:
    from rich.table import Table

    if not kept:
        out.print("no events")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        table.add_column(column, no_wrap=column != "MESSAGE")
    for event in kept:
        age, kind, *rest = (plain(cell) for cell in _row(event))
        table.add_row(age, f"[yellow]{kind}[/]" if kind == "Warning" else kind, *rest)
    out.print(table)
