"""`$(NAME)` references in commands, arguments and environment values, by Kubernetes' rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from kubenode.model.pod import EnvVar

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def expand(text: str, values: Mapping[str, str]) -> str:
    """`$(NAME)` gives the value, or itself where NAME is unknown; `$$` gives one `$`."""

    def replacement(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else values.get(name, match.group(0))

    return _REFERENCE.sub(replacement, text)


def environment(variables: Iterable[EnvVar]) -> dict[str, str]:
    """Names and values in order; a value may refer to variables that stand before it, and the last of a name wins."""
    values: dict[str, str] = {}
    for variable in variables:
        values[variable.name] = expand(variable.value, values)
    return values
