"""kubenode health."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from kubenode.commands.exit import CRITICAL, OK, WARNING
from kubenode.commands.options import CONFIG, Config, Format, NodeName, Output, Query, settings_of
from kubenode.commands.output import plain, show
from kubenode.commands.running import run

if TYPE_CHECKING:
    from rich.console import Console

CODES = {"ok": OK, "warning": WARNING, "critical": CRITICAL}
STYLES = {"ok": "green", "warning": "yellow", "critical": "bold red"}


def health(config: Config = CONFIG, node: NodeName = "", output: Output = Format.TABLE, query: Query = "") -> None:
    """Check the node: runtime, network, agent, PLEG, manifests, pods, memory, disks, process ids.

    Exits with 0 when all is ok, 1 on a warning, 2 when something is critical.
    """
    from kubenode.agent.queries import health as ask

    report = run(ask(settings_of(config, node)))

    def table(out: Console) -> None:
        for check in report.checks:
            style = STYLES[check.level]
            out.print(f"[{style}]{check.level.upper():<8}[/] {check.name:<18} {plain(check.message)}")
            if check.level != "ok" and check.remedy:
                out.print(f"{'':<28}{plain(check.remedy)}")

    show(report, output, query, table)
    raise typer.Exit(CODES[report.level])
