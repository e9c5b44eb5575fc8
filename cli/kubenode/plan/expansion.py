"""`$(NAME)` references in commands, arguments, environment values and paths, by Kubernetes' rules."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$(NAME)` gives the value, or itself where NAME is unknown; `$$` gives one `$`."""

    def replacement(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else values.get(name, match.group(0))

    return _REFERENCE.sub(replacement, text)
