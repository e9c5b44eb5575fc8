"""kubenode pods."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kubenode.commands.objects import show_objects
from kubenode.commands.options import CONFIG, Config, Format, NodeName, Output, Query, settings_of
from kubenode.commands.output import plain, show
from kubenode.commands.running import run

if TYPE_CHECKING:
    from rich.console import Console

    from kubenode.model.reports import PodsReport
    from kubenode.model.status import PodStatus

STYLES = {"Running": "green", "Succeeded": "dim", "Failed": "red", "Unknown": "red"}


def pods(config: Config = CONFIG, node: NodeName = "", output: Output = Format.TABLE, query: Query = "") -> None:
    """List the node's pods: state, restarts, age, address, manifest; then all that is not used as it is written."""
    from kubenode.agent.queries import pods as ask

    report = run(ask(settings_of(config, node)))
    show(report, output, query, lambda out: _table(out, report))


def _table(out: Console, report: PodsReport) -> None:
    from rich.table import Table

    if report.pods:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in ("NAMESPACE", "POD", "READY", "STATUS", "RESTARTS", "AGE", "IP", "SOURCE"):
            table.add_column(column, no_wrap=True, justify="right" if column == "RESTARTS" else "left")
        for pod in report.pods:
            table.add_row(*_row(pod))
        out.print(table)
    else:
        out.print("no pods")
    for pod in report.pods:
        if pod.message:
            out.print(f"{plain(pod.name)}: {plain(pod.message)}")
    for error in (*filter(None, (report.stale,)), *report.errors):
        out.print(f"[red]{plain(error)}[/]")
    for manifest in report.manifests:
        if manifest.state != "valid":
            place = f"{manifest.source}:{manifest.line}" if manifest.line else manifest.source
            held = f"; the last good version of {manifest.pod} goes on" if manifest.state == "held" else ""
            out.print(f"[yellow]{manifest.state}[/] {plain(place)}: {plain(manifest.reason)}{plain(held)}")
    show_objects(out, report.objects)


def _row(pod: PodStatus) -> tuple[str, ...]:
    from kubenode.model.duration import format_age

    held_up = pod.phase == "Running" and (pod.reason or pod.ready < pod.total)
    style = "yellow" if held_up else STYLES.get(pod.phase, "yellow")
    age = format_age(time.time() - pod.started_at) if pod.started_at else "-"
    source = f"{pod.source} ({pod.source_state})" if pod.source_state == "held" else pod.source
    return (
        pod.namespace,
        pod.name,
        f"{pod.ready}/{pod.total}",
        f"[{style}]{pod.column or pod.phase}[/]",
        str(pod.restarts),
        age,
        ",".join(pod.ips) or "-",
        plain(source) or "-",
    )
