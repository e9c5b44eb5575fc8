"""Mounting, unmounting, and what the kernel says is mounted."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.clients import mounts
from support.private_mounts import needs_root, private_mounts

LINE = (
    r"226 27 0:58 /in\040side /mnt/a\134b\011c rw,relatime shared:1 master:2 - "
    r"tmpfs some\040source rw,size=1024k"
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    with private_mounts():
        yield tmp_path


def test_a_line_of_mountinfo() -> None:
    assert list(mounts.mount_points(LINE + "\n")) == [
        mounts.MountPoint(226, 27, "/in side", "/mnt/a\\b\tc", ("rw", "relatime"), "tmpfs", "some source", "0:58")
    ]


@given(st.text(alphabet=" \t\n\\a0\u00e9", min_size=1))
def test_any_path_is_read_back(path: str) -> None:
    escaped = "".join(f"\\{ord(letter):03o}" if letter in " \t\n\\" else letter for letter in path)
    (point,) = mounts.mount_points(f"1 2 0:1 / /{escaped} rw - tmpfs none rw")
    assert point.path == f"/{path}"


@needs_root
def test_memory_is_mounted_and_unmounted(place: Path) -> None:
    target = place / "with blank"
    target.mkdir()
    assert not mounts.mounted_at(str(target), "tmpfs")
    mounts.mount("tmpfs", str(target), "tmpfs", options="size=1m,mode=750")
    assert mounts.mounted_at(str(target), "tmpfs")
    assert not mounts.mounted_at(str(target), "hugetlbfs")
    assert os.statvfs(target).f_frsize * os.statvfs(target).f_blocks == 2**20
    assert [(point.path, point.filesystem) for point in mounts.mounts_below(str(place))] == [(str(target), "tmpfs")]
    assert mounts.unmount(str(target))
    assert not mounts.unmount(str(target))
    assert mounts.mounts_below(str(place)) == []


@needs_root
def test_a_directory_of_a_longer_name_is_not_below(place: Path) -> None:
    for name in ("a", "ab"):
        (place / name).mkdir()
        mounts.mount("tmpfs", str(place / name), "tmpfs")
    assert [point.path for point in mounts.mounts_below(str(place / "a"))] == [str(place / "a")]


@needs_root
def test_a_bind_is_read_only_where_it_is_made_so(place: Path) -> None:
    for name in ("origin", "target"):
        (place / name).mkdir()
    mounts.bind(str(place / "origin"), str(place / "target"))
    mounts.bind_read_only(str(place / "target"))
    (place / "origin" / "file").touch()
    with pytest.raises(OSError) as refused:  # noqa: PT011
        (place / "target" / "file").write_text("x")
    assert refused.value.errno == errno.EROFS


@needs_root
def test_unmounting_follows_no_link(place: Path) -> None:
    (place / "mounted").mkdir()
    mounts.mount("tmpfs", str(place / "mounted"), "tmpfs")
    (place / "link").symlink_to("mounted")
    assert not mounts.unmount(str(place / "link"))
    assert mounts.mounted_at(str(place / "mounted"), "tmpfs")


@needs_root
def test_errors_name_both_paths(place: Path) -> None:
    with pytest.raises(FileNotFoundError, match=rf"cannot mount /none at {place}/t"):
        mounts.bind("/none", f"{place}/t")


@needs_root
def test_a_bind_that_becomes_read_only_keeps_its_other_flags(place: Path) -> None:
    for name in ("origin", "target"):
        (place / name).mkdir()
    mounts.mount("tmpfs", str(place / "origin"), "tmpfs", flags=mounts.MountFlag.NOSUID | mounts.MountFlag.NODEV)
    mounts.bind(str(place / "origin"), str(place / "target"))
    mounts.bind_read_only(str(place / "target"))
    (point,) = mounts.mounts_below(str(place / "target"))
    assert {"ro", "nosuid", "nodev"} <= set(point.options)
