"""Files are put into place whole, with nothing beside them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from kubenode.apply.files import FileChangeError, carry_out
from kubenode.model.files import BackUpFile, FileStep, RemoveFile, SetFileMode, WriteFile


@pytest.fixture
def place(tmp_path: Path) -> Path:
    directory = tmp_path / "etc" / "manifests"
    directory.mkdir(parents=True)
    return directory


def test_a_file_is_written_with_its_permissions(place: Path) -> None:
    path = place / "web.yaml"
    assert carry_out([WriteFile(str(path), b"one", 0o640, "")]) == ""
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"one", 0o640)
    carry_out([SetFileMode(str(path), 0o600, ""), WriteFile(str(path), b"two", 0o644, "")])
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"two", 0o644)
    assert [one.name for one in (*place.iterdir(), *place.parent.iterdir())] == ["web.yaml", "manifests"]


def test_nothing_else_is_ever_in_the_directory(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    replace = Path.replace

    def spied(self: Path, target: Path) -> Path:
        seen.append([one.name for one in place.iterdir()])
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", spied)
    carry_out([WriteFile(str(place / "web.yaml"), b"one", 0o600, "")])
    assert seen == [[]]


def test_a_directory_that_is_a_mount_gets_no_file_but_the_one(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be renamed over from beside it comes from a hidden directory within."""
    seen: list[list[str]] = []
    replace = Path.replace

    def spied(self: Path, target: Path) -> Path:
        if not self.is_relative_to(place):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        seen.append([one.name for one in place.iterdir() if one.is_file()])
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", spied)
    carry_out([WriteFile(str(place / "web.yaml"), b"one", 0o600, "")])
    assert seen == [[]]
    assert [one.name for one in place.iterdir()] == ["web.yaml"]


def test_copies_are_roots_alone_and_never_replace_each_other(place: Path, tmp_path: Path) -> None:
    path, copies = place / "web.yaml", tmp_path / "backup" / "manifests"
    path.write_text("old")
    path.chmod(0o644)
    kept = [carry_out([BackUpFile(str(path), str(copies), "")]) for _ in range(3)]
    assert len(set(kept)) == 3
    assert {(Path(one).read_text(), Path(one).stat().st_mode & 0o777) for one in kept} == {("old", 0o600)}
    assert copies.stat().st_mode & 0o777 == 0o700


def test_a_file_that_is_gone_already_is_removed(place: Path) -> None:
    carry_out([RemoveFile(str(place / "web.yaml"), "")])


@pytest.mark.parametrize(
    "step",
    [
        WriteFile("/nonexistent/f", b"", 0o600, ""),
        SetFileMode("/nonexistent/f", 0o600, ""),
        BackUpFile("/none", "/", ""),
    ],
)
def test_what_fails_is_said(step: FileStep) -> None:
    with pytest.raises(FileChangeError, match=f"^To {step.verb.split()[0]} .* failed: "):
        carry_out([step])


def test_a_failed_write_leaves_the_old_file_and_nothing_else(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place / "web.yaml"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileChangeError, match="No space left"):
        carry_out([WriteFile(str(path), b"new", 0o600, "")])
    assert path.read_text() == "old"
    assert [one.name for one in (*place.iterdir(), *place.parent.iterdir())] == ["web.yaml", "manifests"]
