"""How much a directory holds."""

from __future__ import annotations

import os
from pathlib import Path

from kubenode.observe.usage import DirectoryUsage

KIB = 1024


def test_files_of_all_depths_count_and_links_do_not(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"x" * 512 * KIB)
    volume = tmp_path / "volume"
    (volume / "deep" / "deeper").mkdir(parents=True)
    (volume / "deep" / "deeper" / "file").write_bytes(b"x" * 64 * KIB)
    (volume / "link").symlink_to(outside)
    os.link(volume / "deep" / "deeper" / "file", volume / "again")
    assert 64 * KIB <= DirectoryUsage().of(str(volume)) < 128 * KIB


def test_a_hole_holds_nothing(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    assert DirectoryUsage().of(str(tmp_path)) < 64 * KIB


def test_what_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert DirectoryUsage().of(str(tmp_path / "none")) == 0


def test_a_measure_is_kept_for_a_while(tmp_path: Path) -> None:
    usage = DirectoryUsage()
    before = usage.of(str(tmp_path))
    (tmp_path / "file").write_bytes(b"x" * 64 * KIB)
    assert usage.of(str(tmp_path)) == before
    assert DirectoryUsage().of(str(tmp_path)) > before
