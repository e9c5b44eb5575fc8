"""How results are shown: tables for people, JSON and YAML for programs, JMESPath on both."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from kubenode.commands.options import Format

if TYPE_CHECKING:
    import msgspec
    from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """Colours only on a terminal; a pipe gets lines as long as they need to be."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else 500, highlight=False, soft_wrap=True)


def show(report: msgspec.Struct | dict[str, Any], output: Format, query: str, table: Callable[[Console], None]) -> None:
    """Print the report. Raises KubenodeError for a query that is none."""
    if output is Format.TABLE and not query:
        table(console())
    else:
        _for_programs(report, output, query)


def show_lines(report: msgspec.Struct, output: Format, query: str, lines: Iterable[str]) -> None:
    """The same for a report that is plain lines to people: it needs no library for tables and colours."""
    if output is Format.TABLE and not query:
        print(*lines, sep="\n")
    else:
        _for_programs(report, output, query)


def _for_programs(report: msgspec.Struct | dict[str, Any], output: Format, query: str) -> None:
    import msgspec

    value = msgspec.json.decode(msgspec.json.encode(report))
    if query:
        value = _search(query, value)
    print(_text(value, output), end="")


def _search(query: str, value: Any) -> Any:
    import jmespath
    import jmespath.exceptions

    from kubenode.clients.errors import KubenodeError

    try:
        return jmespath.search(query, value)
    except jmespath.exceptions.JMESPathError as error:
        raise KubenodeError(f"--query: {error}. See jmespath.org for how such an expression is written.") from None


def _text(value: Any, output: Format) -> str:
    if output is Format.YAML:
        import yaml

        return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))
    import json

    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
