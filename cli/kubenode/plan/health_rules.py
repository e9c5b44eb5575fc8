"""Health rules that users bring: JMESPath expressions that find what is wrong in what the node tells of itself."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from kubenode.model.reports import Check, Level
from kubenode.model.settings import DEFAULT_EVICTION_HARD

# Checks that a node may have, whether or not it has something for them to look at.
BUILT_IN = ("runtime", "network", "agent", "pleg", "manifests", "objects", "pods", *DEFAULT_EVICTION_HARD)
LONGEST_FINDING = 300  # characters


class RuleError(Exception):
    """A rule, or a selection of checks, that cannot be used; the sentence begins with what it is about."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`query` finds what is wrong: anything but null, false and what is empty breaks the rule. `says`: what that is."""

    name: str
    query: str
    level: Level = Level.WARNING
    says: str = ""


def rule_checks(rules: Sequence[Rule], told: Mapping[str, Any]) -> Iterator[Check]:
    """A check for each rule. Raises RuleError for an expression that is none, or does not fit what is told."""
    for index, rule in enumerate(rules):
        try:
            found = jmespath.search(rule.query, told)
        except JMESPathError as error:
            raise RuleError(f"rules[{index}].query: {' '.join(str(error).split())}") from None
        yield _check(rule, found)


def _check(rule: Rule, found: Any) -> Check:
    if found is None or found is False or found in ("", [], {}):
        return Check(name=rule.name, level=Level.OK, message="nothing found")
    said = "" if found is True else json.dumps(found, ensure_ascii=False)
    short = said if len(said) <= LONGEST_FINDING else f"{said[:LONGEST_FINDING]}…"
    words = rule.says or ("the rule is broken" if not short else "found")
    return Check(name=rule.name, level=rule.level, message=f"{words}: {short}" if short else words)


def check_names(patterns: Iterable[str], option: str, rules: Sequence[Rule]) -> None:
    """Raises RuleError for a pattern that no check can ever match."""
    known = [*BUILT_IN, *(rule.name for rule in rules)]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            near = difflib.get_close_matches(pattern, known, n=1)
            meant = f" (did you mean {near[0]}?)" if near else ""
            raise RuleError(f"{option}: there is no check {pattern!r}{meant}. There are {', '.join(known)}.")


def selected(checks: Iterable[Check], only: Sequence[str], exclude: Sequence[str]) -> tuple[Check, ...]:
    """Those that `only` names, all if it is empty, without those that `exclude` names; * stands for any text."""
    return tuple(
        check
        for check in checks
        if (not only or any(fnmatchcase(check.name, one) for one in only))
        and not any(fnmatchcase(check.name, one) for one in exclude)
    )
