"""docs/behaviours.md: each row says how it is, by tests that exist and run, or why not."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parents[1] / "docs" / "behaviours.md"
TEST = re.compile(r"`([\w/]+\.(?:py|yaml))::([^`]+)`")
HEAD = ("Behaviour", "Holds", "Shown by, or why not")
SKIPS = ("skip", "skipif", "xfail")
WORDS_OF_A_REASON = 5

Row = tuple[str, str, str]


def rows() -> list[Row]:
    found = []
    for line in PAGE.read_text().splitlines():
        if line.startswith("|"):
            behaviour, holds, shown = (cell.strip() for cell in line.strip("|").split("|"))
            found.append((behaviour, holds, shown))
    return [row for row in found if row != HEAD and row[0].strip("-")]


ROWS = rows()
REFERENCES = sorted({reference for _, _, shown in ROWS for reference in TEST.findall(shown)})


@cache
def names(path: str) -> set[str]:
    """What is collected of a file: its test functions that nothing skips, or the cases of a table."""
    file = TESTS / path
    if not file.exists():
        return set()
    if file.suffix == ".yaml":
        return {case["case"] for case in yaml.safe_load(file.read_text())}
    assert file.name.startswith("test_"), f"{path} is not collected"
    functions = [
        one for one in ast.parse(file.read_text()).body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return {one.name for one in functions if one.name.startswith("test_") and not skipped(one)}


def skipped(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    marks = [node for one in function.decorator_list for node in ast.walk(one) if isinstance(node, ast.Attribute)]
    return any(mark.attr in SKIPS for mark in marks)


def test_there_are_rows_in_every_group() -> None:
    groups = PAGE.read_text().split("\n## ")[1:]
    assert [group.splitlines()[0] for group in groups if "| yes |" not in group] == []
    assert len(ROWS) == len({behaviour for behaviour, _, _ in ROWS}), "a behaviour stands once"


@pytest.mark.parametrize(("behaviour", "holds", "shown"), ROWS)
def test_a_row_has_a_test_or_a_reason(behaviour: str, holds: str, shown: str) -> None:
    tested, reason = TEST.findall(shown), re.findall(r"\w+", TEST.sub("", shown))
    assert holds in ("yes", "differs", "no", "later"), behaviour
    if holds in ("yes", "differs"):
        assert tested, f"{behaviour}: no test shows it"
    if holds != "yes":
        assert len(reason) >= WORDS_OF_A_REASON, f"{behaviour}: it says not why"
    assert shown.count("::") == len(tested), f"{behaviour}: a test is named in another form"


@pytest.mark.parametrize(("path", "name"), REFERENCES)
def test_a_test_that_is_named_exists_and_is_collected(path: str, name: str) -> None:
    assert name in names(path), f"{path} has no test {name}"
