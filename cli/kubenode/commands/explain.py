"""kubenode explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kubenode.commands.exit import OK, WARNING
from kubenode.commands.naming import POD_HELP, complete_pod
from kubenode.commands.options import CONFIG, Config, Format, NodeName, Output, Query, settings_of
from kubenode.commands.output import plain, show
from kubenode.commands.running import run

if TYPE_CHECKING:
    from rich.console import Console

    from kubenode.model.describe import Explanation

MARKS = {"ok": "[green]✓[/]", "failed": "[red]✗[/]", "waiting": "[yellow]…[/]", "not reached": "[dim]·[/]"}


def explain(
    pod: Annotated[str, typer.Argument(help=POD_HELP, autocompletion=complete_pod)],
    config: Config = CONFIG,
    node: NodeName = "",
    output: Output = Format.TABLE,
    query: Query = "",
) -> None:
    """Tell why a pod does not run or is not ready: each step from its manifest to its probes, and what to do.

    Exits with 0 when it runs and is ready, or has done its work, else with 1.
    """
    from kubenode.agent.asking import explain as ask

    found = run(ask(settings_of(config, node), pod))
    show(found, output, query, lambda out: _text(out, found))
    raise typer.Exit(OK if found.well else WARNING)


def _text(out: Console, found: Explanation) -> None:
    style = "green" if found.well else "bold red"
    out.print(f"[bold]{plain(found.pod)}[/]: [{style}]{plain(found.headline)}[/]\n")
    width = max((len(link.name) for link in found.links), default=0)
    for link in found.links:
        fact = plain(link.fact) if link.fact else f"[dim]{link.state.value}[/]"
        out.print(f"{MARKS[link.state.value]} {plain(f'{link.name:<{width}}')}  {fact}")
        if link.remedy and link.state.value != "ok":
            out.print(f"  {'':<{width}}  → {plain(link.remedy)}")
