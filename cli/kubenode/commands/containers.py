"""kubenode containers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kubenode.commands.options import (
    CONFIG,
    Config,
    Format,
    NodeName,
    Output,
    Query,
    RuntimeEndpoint,
    looking_settings,
)
from kubenode.commands.output import plain, show
from kubenode.commands.running import run

if TYPE_CHECKING:
    from rich.console import Console

    from kubenode.model.listing import Listing

COLUMNS = ("NAMESPACE", "POD", "CONTAINER", "STATE", "ATTEMPT", "AGE", "IP", "IMAGE", "ID")
STYLES = {"running": "green", "exited": "dim", "unknown": "red"}
SHOWN_OF_ID = 13


def containers(
    config: Config = CONFIG,
    node: NodeName = "",
    runtime_endpoint: RuntimeEndpoint = "",
    output: Output = Format.TABLE,
    query: Query = "",
) -> None:
    """List the runtime's pods and containers, whoever made them. It needs no agent and no configuration."""
    from kubenode.agent.listing import list_all

    report = run(list_all(looking_settings(config, node, runtime_endpoint)))
    show(report, output, query, lambda out: _table(out, report))


def _table(out: Console, report: Listing) -> None:
    from rich.table import Table

    from kubenode.model.duration import format_age

    if not report.pods:
        out.print("no pods")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in COLUMNS:
        table.add_column(column, no_wrap=True, justify="right" if column == "ATTEMPT" else "left")
    now = time.time()
    for pod in report.pods:
        of_pod = (plain(pod.namespace), plain(pod.name))
        ips = ",".join(pod.ips) or "-"
        if not pod.containers:
            age = format_age(now - pod.created_at)
            table.add_row(*of_pod, "-", pod.state, str(pod.attempt), age, ips, "-", pod.id[:SHOWN_OF_ID])
        for one in pod.containers:
            state = f"[{STYLES.get(one.state, 'yellow')}]{one.state}[/]"
            age = format_age(now - one.created_at)
            image, attempt = plain(one.image), str(one.attempt)
            table.add_row(*of_pod, plain(one.name), state, attempt, age, ips, image, one.id[:SHOWN_OF_ID])
    out.print(table)
