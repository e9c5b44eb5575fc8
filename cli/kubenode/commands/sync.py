"""kubenode sync."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kubenode.commands.exit import WARNING
from kubenode.commands.objects import show_objects
from kubenode.commands.options import CONFIG, Config, Format, NodeName, Output, Query, settings_of
from kubenode.commands.output import console, plain, printable, show
from kubenode.commands.running import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from kubenode.model.reports import PodSync, Step, SyncReport


def sync(
    config: Config = CONFIG,
    node: NodeName = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan; change nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until every pod runs or is done.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds that --wait may take.")] = 120.0,
    output: Output = Format.TABLE,
    query: Query = "",
) -> None:
    """Read the manifests now and bring every pod in line, through the running agent or, without one, directly.

    Exits with 1 when a step failed, or when after --wait a pod does not run.
    """
    from kubenode.agent import queries

    if dry_run and wait:
        raise typer.BadParameter("a plan has nothing to wait for: use --dry-run or --wait")
    settings = settings_of(config, node)
    with console(stderr=True).status("planning" if dry_run else "syncing"):
        report = run(queries.sync(settings, dry_run=dry_run))
    show(report, output, query, lambda out: _table(out, report))
    steps = [*report.steps, *(step for pod in report.pods for step in pod.steps)]
    failed = any(pod.error for pod in report.pods) or any(step.result == "failed" for step in steps)
    if wait:
        with console(stderr=True).status("waiting for the pods"):
            missing = run(queries.wait_until_running(settings, timeout))
        for pod in missing:
            why = f"{pod.reason}: {pod.message}" if pod.message else pod.reason
            console(stderr=True).print(f"{pod.namespace}/{pod.name} is {pod.phase} {printable(why)}", markup=False)
        failed = bool(missing)
    raise typer.Exit(WARNING if failed else 0)


def _table(out: Console, report: SyncReport) -> None:
    changes = [pod for pod in report.pods if pod.steps or pod.error or pod.notes]
    if report.steps:
        out.print(f"[bold]node {plain(report.node)}[/]")
        _steps(out, report.steps)
    for pod in changes:
        out.print(f"[bold]{plain(pod.pod)}[/]")
        _steps(out, pod.steps)
        _rest(out, pod)
    for error in report.errors:
        out.print(f"[red]{plain(error)}[/]")
    for manifest in report.manifests:
        if manifest.state != "valid":
            place = f"{manifest.source}:{manifest.line}" if manifest.line else manifest.source
            out.print(f"[yellow]{manifest.state}[/] {plain(place)}: {plain(manifest.reason)}")
    show_objects(out, report.objects)
    if not report.steps and not any(pod.steps or pod.error for pod in changes):
        out.print(f"nothing to do for {_pods(len(report.pods))}")
    elif report.dry_run:
        number = len(report.steps) + sum(len(pod.steps) for pod in changes)
        out.print(f"{number} steps for {_pods(len(changes))}; nothing was changed")


def _steps(out: Console, steps: Sequence[Step]) -> None:
    marks = {"": "·", "done": "[green]✓[/]", "failed": "[red]✗[/]", "skipped": "[yellow]-[/]"}
    for step in steps:
        out.print(f"  {marks[step.result]} {plain(step.action)}  [dim]({plain(step.why)})[/]")
        if step.message and step.result == "failed":
            out.print(f"      {plain(step.message)}")


def _rest(out: Console, pod: PodSync) -> None:
    for note in pod.notes:
        out.print(f"  [yellow]![/] {plain(note)}")
    if pod.error:
        out.print(f"  [red]✗[/] {plain(pod.error)}")


def _pods(number: int) -> str:
    return f"{number} {'pod' if number == 1 else 'pods'}"
