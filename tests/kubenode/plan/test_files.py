"""What it takes that a file is as it should be."""

from __future__ import annotations

from typing import Any

import pytest

from kubenode.model.files import BackUpFile, FileState, RemoveFile, SetFileMode, WriteFile
from kubenode.plan.differences import differences, named
from kubenode.plan.files import file_absent, file_present

NONE, THERE = FileState("/f"), FileState("/f", b"old", 0o644, 7, 8)


@pytest.mark.parametrize(
    ("there", "differs", "backup", "steps"),
    [
        (NONE, "x", "/b", [WriteFile]),
        (THERE, "", "/b", []),
        (THERE, "x", "", [WriteFile]),
        (THERE, "x", "/b", [BackUpFile, WriteFile]),
        (FileState("/f", b"old", 0o600), "", "/b", [SetFileMode]),
        (FileState("/f", b"", 0o644), "", "", []),
    ],
)
def test_present(there: FileState, differs: str, backup: str, steps: list[type]) -> None:
    assert [type(one) for one in file_present(there, b"new", 0o644, differs=differs, backup=backup)] == steps


def test_an_owner_is_kept_where_that_is_asked_for() -> None:
    (kept,) = file_present(THERE, b"new", 0o644, differs="x", keep_owner=True)
    (own,) = file_present(THERE, b"new", 0o644, differs="x")
    assert isinstance(kept, WriteFile)
    assert isinstance(own, WriteFile)
    assert (kept.uid, kept.gid, own.uid) == (7, 8, None)


def test_absent() -> None:
    assert file_absent(NONE, backup="/b") == ()
    assert [type(one) for one in file_absent(THERE, backup="/b")] == [BackUpFile, RemoveFile]


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ["a.b[1].c"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a"]),
        ({"a": 1}, {"b": 1}, ["a", "b"]),
        ({"a": 1}, {"a": True}, ["a"]),
    ],
)
def test_differences_have_paths(before: Any, after: Any, paths: list[str]) -> None:
    assert [path for path, _, _ in differences(before, after)] == paths


def test_many_paths_are_not_all_named() -> None:
    assert named(list("abcdefg")) == "a, b, c, d, e, 2 more"
