"""How objects and notes are told to people."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console
from rich.table import Table

from kubenode.commands.objects import show_objects
from kubenode.commands.options import Format
from kubenode.commands.output import show
from kubenode.commands.sync import _table
from kubenode.model.reports import ObjectState, PodSync, SyncReport

STATES = (
    ObjectState(source="/o/a.yaml", state="valid", object="ConfigMap default/a"),
    ObjectState(source="/o/b.yaml", state="held", object="Secret default/b", reason="why [not]", line=3),
    ObjectState(source="/o/c.yaml", state="invalid", reason="not YAML", line=2),
    ObjectState(source="/o/d.yaml.bak", state="superseded", reason="a backup"),
)


def _console() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=200, soft_wrap=True), out


def test_what_is_not_used_as_it_is_written_has_a_line() -> None:
    console, out = _console()
    show_objects(console, STATES)
    assert out.getvalue().splitlines() == [
        "held /o/b.yaml:3 Secret default/b: why [not]; the last good version is used",
        "invalid /o/c.yaml:2: not YAML",
        "superseded /o/d.yaml.bak: a backup",
    ]


def test_a_note_is_told_beside_the_steps() -> None:
    console, out = _console()
    pods = (PodSync(pod="default/web", notes=("container app keeps its old values",)), PodSync(pod="default/db"))
    _table(console, SyncReport(node="n", dry_run=True, pods=pods, objects=STATES[2:3]))
    assert out.getvalue().splitlines() == [
        "default/web",
        "  ! container app keeps its old values",
        "invalid /o/c.yaml:2: not YAML",
        "nothing to do for 2 pods",
    ]


def test_nothing_that_a_terminal_would_obey_is_told() -> None:
    console, out = _console()
    show_objects(console, (ObjectState(source="/o/a\x1b[2Jb\n.yaml", state="invalid", reason="not\u202eYAML"),))
    assert out.getvalue() == "invalid /o/a\\x1b[2Jb .yaml: not\\u202eYAML\n"


@pytest.mark.parametrize("terminal", [False, True])
def test_no_line_is_cut_short_or_filled_up(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")

    def table(out: Console) -> None:
        rows = Table(box=None, pad_edge=False)
        rows.add_column("A", no_wrap=True)
        rows.add_row("x" * 1000)
        out.print(rows)

    show(SyncReport(node="n", dry_run=True), Format.TABLE, "", table)
    head = "\x1b[1mA\x1b[0m" if terminal else "A"
    assert capsys.readouterr().out == f"{head}\n{'x' * 1000}\n"
