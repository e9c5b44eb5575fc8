"""kubenode describe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kubenode.commands.naming import POD_HELP, complete_pod
from kubenode.commands.options import CONFIG, Config, Format, NodeName, Output, Query, settings_of
from kubenode.commands.output import printable, show
from kubenode.commands.running import run

if TYPE_CHECKING:
    from rich.console import Console

    from kubenode.model.describe import PodDetail


def describe(
    pod: Annotated[str, typer.Argument(help=POD_HELP, autocompletion=complete_pod)],
    config: Config = CONFIG,
    node: NodeName = "",
    output: Output = Format.TABLE,
    query: Query = "",
) -> None:
    """Show all about a pod: manifest, containers, conditions, volumes, events.

    As JSON or YAML it is a v1.Pod with its status, as kubectl get would print it. No Secret's value is ever shown.
    """
    from kubenode.agent.asking import describe as ask

    detail = run(ask(settings_of(config, node), pod))
    show(detail.pod, output, query, lambda out: _text(out, detail))


def _text(out: Console, detail: PodDetail) -> None:
    from kubenode.commands.description import lines

    for line in lines(detail):
        out.print(printable(line), markup=False)
