"""Numbers and names of ports."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubenode.model.validation.rules import Problem, quoted

_NAME = re.compile(r"(?=.*[a-z])[a-z0-9](-?[a-z0-9])*")


def port_number(path: str, value: int) -> Iterator[Problem]:
    if not 1 <= value <= 65535:
        yield Problem(path, "it is not a port: 1 to 65535")


def port_name(path: str, name: str) -> Iterator[Problem]:
    """The rule of IANA for names of services."""
    if len(name) > 15 or not _NAME.fullmatch(name):
        rule = "at most 15 lower-case letters, digits and single '-' inside, with one letter"
        yield Problem(path, f"{quoted(name)} is not a port's name: {rule}")
