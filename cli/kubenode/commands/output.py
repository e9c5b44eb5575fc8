"""How results are shown: tables for people, JSON and YAML for programs, JMESPath on both."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from kubenode.commands.options import Format

if TYPE_CHECKING:
    import msgspec
    from rich.console import Console

# More than any line has.
WIDTH = 100_000
FILLING = re.compile(r" +(\x1b\[[0-9;]*m)?$")


def console(*, stderr: bool = False) -> Console:
    """Colours only on a terminal. Lines are as long as they need to be: no name is cut short to fit."""
    from rich.console import Console

    width = None if stderr and sys.stderr.isatty() else WIDTH
    return Console(stderr=stderr, width=width, highlight=False, soft_wrap=True)


def printable(text: str) -> str:
    """On one line, and without what a terminal would obey: a container or a file's name may say anything."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _shown(one) for one in text)


def plain(text: str) -> str:
    """The same for a console that knows markup: there is none in it."""
    from rich.markup import escape

    return escape(printable(text))


def _shown(one: str) -> str:
    return " " if one.isspace() else one.encode("unicode_escape").decode("ascii")


def show(report: msgspec.Struct | dict[str, Any], output: Format, query: str, table: Callable[[Console], None]) -> None:
    """Print the report. Raises KubenodeError for a query that is none."""
    if output is not Format.TABLE or query:
        _for_programs(report, output, query)
        return
    out = console()
    with out.capture() as captured:
        table(out)
    # Tables fill their last column up: where that is wide, the terminal would show lines of nothing.
    for line in captured.get().splitlines():
        print(FILLING.sub(r"\1", line))


def show_lines(report: msgspec.Struct, output: Format, query: str, lines: Iterable[str]) -> None:
    """The same for a report that is plain lines to people: it needs no library for tables and colours."""
    if output is Format.TABLE and not query:
        print(*map(printable, lines), sep="\n")
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
