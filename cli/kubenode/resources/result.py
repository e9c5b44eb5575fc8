"""What a resource answers: what was, or would be, done, and what is there now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec
import yaml

from kubenode.clients.errors import KubenodeError


class Step(Protocol):
    """An action of a plan, whatever it is about."""

    @property
    def verb(self) -> str: ...
    @property
    def why(self) -> str: ...


class ResourceError(KubenodeError):
    """A task that failed. `values` is what its module returns all the same, as of the part of a batch that is done."""

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.values = values


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The answer of one task.

    values: what the module returns, by name; dataclasses, structs and dates may be in it
    steps: all that was done or, in check mode, would be; none means that nothing changed
    before, after: what the steps change, as plain values of the caller's own terms, or as lines of text; None where
        there is nothing
    header: what the two are of, such as a file's path
    changed: only for what changes without steps that could be known
    """

    values: Mapping[str, object] = field(default_factory=dict)
    steps: Sequence[Step] = ()
    before: object = None
    after: object = None
    header: str = ""
    warnings: Sequence[str] = ()
    changed: bool = False

    def returned(self) -> dict[str, Any]:
        """As a module returns it, but for `warnings`, which the caller gives its own way."""
        values: dict[str, Any] = msgspec.to_builtins(dict(self.values))
        values["changed"] = self.changed or bool(self.steps)
        if self.steps:
            values["actions"] = [{"action": step.verb, "why": step.why} for step in self.steps]
        if self.before is not None or self.after is not None:
            values["diff"] = {"before": text(self.before), "after": text(self.after)}
            if self.header:
                values["diff"] |= {"before_header": self.header, "after_header": self.header}
        return values


def text(value: object) -> str:
    """A value as lines that can be compared; empty for what is not there, and a text as it is."""
    if value is None or isinstance(value, str):
        return value or ""
    plain = msgspec.to_builtins(value, str_keys=True)
    return yaml.dump(plain, Dumper=yaml.CSafeDumper, sort_keys=True, default_flow_style=False, allow_unicode=True)
