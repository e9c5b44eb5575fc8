"""kubenode version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubenode.commands.options import CONFIG, Config, Format, Output, Query
from kubenode.commands.output import show
from kubenode.commands.running import run

if TYPE_CHECKING:
    from rich.console import Console


def version(config: Config = CONFIG, output: Output = Format.TABLE, query: Query = "") -> None:
    """Tell the versions: of this program, of the running agent and of the container runtime."""
    from kubenode.agent.queries import versions

    report = run(versions(config))

    def table(out: Console) -> None:
        out.print(f"kubenode {report.kubenode}")
        out.print(f"agent    {report.agent or 'not running'}")
        out.print(f"runtime  {report.runtime or 'not reachable'}")

    show(report, output, query, table)
