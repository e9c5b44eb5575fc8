"""kubenode manifest check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from kubenode.commands.exit import CRITICAL, FAILED, OK, WARNING
from kubenode.commands.options import Format, Output, Query
from kubenode.commands.output import show_lines

if TYPE_CHECKING:
    from kubenode.model.checks import Finding, ManifestCheck

CODES = {"ok": OK, "warning": WARNING, "invalid": CRITICAL, "unreadable": FAILED}

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Manifests, without a node.")


@app.callback()
def manifest() -> None:
    """Manifests, without a node."""


@app.command("check")
def check(
    files: Annotated[list[str], typer.Argument(help="Files, directories, or - for standard input.")],
    strict: Annotated[bool, typer.Option("--strict", help="A warning counts as invalid.")] = False,
    output: Output = Format.TABLE,
    query: Query = "",
) -> None:
    """Check manifests as a node would read them, and the pods that Deployments and the like would make.

    Exits with 0 when all is well, 1 on warnings, 2 when something is invalid, 3 when a file cannot be read.
    """
    from kubenode.agent.checking import check as ask

    report = ask(files)
    show_lines(report, output, query, _lines(report))
    code = CODES[report.verdict]
    raise typer.Exit(CRITICAL if strict and code == WARNING else code)


def _lines(report: ManifestCheck) -> Iterator[str]:
    yield from map(_sentence, report.findings)
    number = len(report.documents)
    yield f"{number} {'object' if number == 1 else 'objects'} checked: {report.verdict}"


def _sentence(finding: Finding) -> str:
    """As compilers write it, for editors and CI."""
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    kind = "" if finding.verdict in ("invalid", "unreadable") else f"{finding.verdict}: "
    return f"{place}: {kind}{finding.path}{': ' if finding.path else ''}{finding.message}"
