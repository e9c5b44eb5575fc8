"""Last good manifests on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenode.model.static_pod import SourceKind
from kubenode.sources.last_good import Record, load, save
from support.plans import desired_pod

RECORD = Record(kind=SourceKind.FILE, location="/m/web.yaml", seen_at=12.5, pod=desired_pod().pod)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "manifests.json"


def test_what_is_saved_is_loaded(path: Path) -> None:
    save(path, [RECORD])
    assert load(path, Record) == [RECORD]


def test_it_is_roots_alone(path: Path) -> None:
    save(path, [RECORD])
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_before_the_first_time_there_is_nothing(path: Path) -> None:
    assert load(path, Record) == []


@pytest.mark.parametrize("data", [b"", b"[", b"{}", b'[{"kind": "file"}]', b"\xff\xfe", b'["\xc3\x28"]', b"\0" * 100])
def test_a_spoilt_file_is_put_aside(path: Path, data: bytes) -> None:
    save(path, [RECORD])
    path.write_bytes(data)
    assert load(path, Record) == []
    assert path.with_suffix(".spoilt").read_bytes() == data
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OSError, match="Not a directory"):
        save(tmp_path / "file" / "sub" / "manifests.json", [RECORD])


def test_a_failed_write_leaves_the_old_and_nothing_else(path: Path) -> None:
    save(path, [RECORD])
    before = path.read_bytes()
    path.unlink()
    path.mkdir()
    (path / "x").write_bytes(before)
    with pytest.raises(OSError, match="directory"):
        save(path, [])
    assert [entry.name for entry in path.parent.iterdir()] == ["manifests.json"]
    assert (path / "x").read_bytes() == before
