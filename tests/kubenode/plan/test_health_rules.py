"""Health rules that users bring."""

from __future__ import annotations

import pytest

from kubenode.model.reports import Check, Level
from kubenode.plan.health_rules import Rule, RuleError, check_names, rule_checks, selected

TOLD = {"node": "n1", "pods": [{"name": "web", "restarts": 7}, {"name": "db", "restarts": 0}]}


@pytest.mark.parametrize(
    ("query", "level", "message"),
    [
        ("pods[?restarts > `5`].name", Level.WARNING, 'They restart: ["web"]'),
        ("pods[?restarts > `9`].name", Level.OK, "nothing found"),
        ("length(pods) == `2`", Level.WARNING, "They restart"),
        ("length(pods) == `3`", Level.OK, "nothing found"),
        ("nothing.there", Level.OK, "nothing found"),
        ("pods[0].restarts", Level.WARNING, "They restart: 7"),
    ],
)
def test_what_is_found_breaks_the_rule(query: str, level: Level, message: str) -> None:
    (check,) = rule_checks([Rule(name="own", query=query, says="They restart")], TOLD)
    assert (check.level, check.message) == (level, message)


def test_a_long_finding_is_cut() -> None:
    (check,) = rule_checks([Rule(name="own", query="pods[].long[]")], {"pods": [{"long": ["x" * 1000]}]})
    assert len(check.message) < 400
    assert check.message.endswith("…")


@pytest.mark.parametrize("query", ["pods[", "sum(node)"])
def test_an_expression_that_is_none_names_its_rule(query: str) -> None:
    with pytest.raises(RuleError, match=r"^rules\[0\]\.query: "):
        list(rule_checks([Rule(name="own", query=query)], TOLD))


def test_checks_are_chosen_by_name_and_pattern() -> None:
    checks = [Check(name=name, level=Level.OK, message="") for name in ("runtime", "nodefs.available", "own")]
    assert [one.name for one in selected(checks, [], ["*fs.*"])] == ["runtime", "own"]
    assert [one.name for one in selected(checks, ["own", "run*"], ["own"])] == ["runtime"]


def test_a_name_that_no_check_has_is_refused() -> None:
    check_names(["pods", "nodefs.*", "own"], "only", [Rule(name="own", query="node")])
    with pytest.raises(RuleError, match=r"^only: there is no check 'pod' \(did you mean pods\?\)"):
        check_names(["pod"], "only", [])
