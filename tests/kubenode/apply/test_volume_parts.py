"""subPath: what a container is given is in its volume, whatever links it or another put there."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubenode.apply.volumes import bind_sub_path, set_up
from kubenode.clients import mounts
from kubenode.model.volume_specs import ContentVolume, FileContent, SubPath
from support.private_mounts import needs_root, private_mounts

pytestmark = needs_root

RACES = 150
RENAME_EXCHANGE = 2


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """`volume` is a container's; `outside` is not."""
    with private_mounts():
        (tmp_path / "volume" / "inside").mkdir(parents=True)
        (tmp_path / "volume").chmod(0o777)
        (tmp_path / "volume" / "inside" / "file").write_text("mine")
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "file").write_text("hush")
        yield tmp_path


def part(place: Path, path: str, **options: bool) -> SubPath:
    return SubPath(str(place / "volume"), path, str(place / "targets" / "v" / "app" / "0"), **options)


def target(place: Path) -> Path:
    return place / "targets" / "v" / "app" / "0"


@contextlib.contextmanager
def attacker(one: Path, other: Path) -> Iterator[None]:
    """A process that exchanges the two all the time, so that neither name is ever missing."""
    rename, here, parent = ctypes.CDLL(None).renameat2, -100, os.getpid()
    child = os.fork()
    if child == 0:
        while os.getppid() == parent:
            rename(here, bytes(one), here, bytes(other), RENAME_EXCHANGE)
        os._exit(0)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_directory_and_a_file(place: Path) -> None:
    bind_sub_path(part(place, "inside"))
    assert (target(place) / "file").read_text() == "mine"
    bind_sub_path(part(place, "inside/file"))
    assert target(place).read_text() == "mine"
    bind_sub_path(part(place, "."))
    assert (target(place) / "inside" / "file").read_text() == "mine"
    assert len(mounts.mounts_below(str(place))) == 1


def test_done_again_it_changes_nothing(place: Path) -> None:
    bind_sub_path(part(place, "inside"))
    before = mounts.mounts_below(str(place))
    bind_sub_path(part(place, "inside"))
    assert mounts.mounts_below(str(place)) == before


@pytest.mark.parametrize("mode", [0o777, 0o2770, 0o755])
def test_what_is_missing_is_made_as_its_volume_is(place: Path, mode: int) -> None:
    (place / "volume").chmod(mode)
    bind_sub_path(part(place, "new/er"))
    made = place / "volume" / "new"
    assert [path.stat().st_mode & 0o7777 for path in (made, made / "er")] == [mode, mode]
    assert target(place).samefile(made / "er")


@pytest.mark.parametrize(
    ("links", "path"),
    [
        ({"l": "inside"}, "l"),
        ({"l": "inside/../inside/./file"}, "l"),
        ({"l": "m", "m": "inside/up", "inside/up": "../inside"}, "l/file"),
        ({"l": "{volume}/inside"}, "l"),
        ({"l": "{volume}"}, "l/inside"),
    ],
)
def test_links_that_stay_inside_are_followed(place: Path, links: dict[str, str], path: str) -> None:
    for name, leads in links.items():
        (place / "volume" / name).symlink_to(leads.format(volume=place / "volume"))
    bind_sub_path(part(place, path))
    assert target(place).samefile(place / "volume" / path)


@pytest.mark.parametrize(
    ("leads", "path"),
    [
        ("/etc", "l"),
        ("/etc", "l/passwd"),
        ("{place}/outside", "l"),
        ("{place}/outside/file", "l"),
        ("../outside", "l"),
        ("inside/../../outside/file", "l"),
        ("{place}/volume/../outside", "l"),
        ("{place}/volume-of-another", "l"),
        ("/", "l/etc"),
        ("l", "l"),
        ("inside/file", "l/x"),
        ("/proc/self/root", "l"),
    ],
)
def test_links_that_lead_out_are_refused(place: Path, leads: str, path: str) -> None:
    (place / "volume-of-another").mkdir()
    (place / "volume" / "l").symlink_to(leads.format(place=place))
    before = sorted(place.rglob("*"))
    with pytest.raises(OSError, match=r"leads out|links one after|Not a directory"):
        bind_sub_path(part(place, path))
    assert mounts.mounts_below(str(place)) == []
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize("path", ["..", "../outside", "inside/../../outside"])
def test_upwards_is_refused(place: Path, path: str) -> None:
    with pytest.raises(PermissionError, match="leads out of its volume"):
        bind_sub_path(part(place, path))


def test_a_link_swapped_in_while_we_walk_leads_nowhere(place: Path) -> None:
    """A container that replaces a directory by a link, over and over."""
    volume = place / "volume"
    (volume / "d").mkdir()
    (volume / "d" / "file").write_text("mine")
    (volume / "l").symlink_to(place / "outside")

    given = set()
    with attacker(volume / "d", volume / "l"):
        for _ in range(RACES):
            try:
                bind_sub_path(part(place, "d/file"))
            except OSError as error:
                given.add(type(error).__name__)
            else:
                given.add(target(place).read_text())
    assert given == {"mine", "PermissionError"}
    assert (place / "outside" / "file").read_text() == "hush"
    assert sorted(path.name for path in (place / "outside").iterdir()) == ["file"]


def test_nothing_is_made_where_a_link_leads_out(place: Path) -> None:
    (place / "volume" / "l").symlink_to("../outside")
    with pytest.raises(PermissionError):
        bind_sub_path(part(place, "l/new"))
    assert not (place / "outside" / "new").exists()


def test_a_part_of_content_is_the_new_one_for_the_next_container(place: Path) -> None:
    directory = place / "content"

    def show(text: bytes) -> None:
        set_up(ContentVolume("v", str(directory), (FileContent("key", text, 0o644),), memory=True))
        bind_sub_path(SubPath(str(directory), "key", str(target(place)), read_only=True))

    show(b"old")
    assert target(place).read_text() == "old"
    show(b"new")
    assert target(place).read_text() == "new"


def test_a_key_that_content_does_not_have_is_said_and_not_made(place: Path) -> None:
    directory = place / "content"
    set_up(ContentVolume("v", str(directory), (FileContent("key", b"1", 0o644),), memory=False))
    with pytest.raises(FileNotFoundError, match="the volume has no 'other'"):
        bind_sub_path(SubPath(str(directory), "other", str(target(place))))
    assert not (directory / "other").exists()


def test_read_only_is_so_on_the_node_too(place: Path) -> None:
    bind_sub_path(part(place, "inside", read_only=True))
    with pytest.raises(OSError, match="Read-only"):
        (target(place) / "x").touch()
    (place / "volume" / "inside" / "x").touch()


@pytest.mark.parametrize(("shared", "seen"), [(True, True), (False, False)])
def test_what_is_mounted_in_a_part_is_seen_outside_only_if_asked_for(place: Path, shared: bool, seen: bool) -> None:
    mounts.bind(str(place / "volume"), str(place / "volume"))
    mounts.mount("", str(place / "volume"), flags=1 << 20)
    bind_sub_path(part(place, ".", shared=shared))
    mounts.mount("tmpfs", str(target(place) / "inside"), "tmpfs")
    assert mounts.mounted_at(str(place / "volume" / "inside"), "tmpfs") is seen


def test_a_file_in_the_way_of_a_target_is_replaced(place: Path) -> None:
    target(place).parent.mkdir(parents=True)
    target(place).touch()
    bind_sub_path(part(place, "inside"))
    assert target(place).samefile(place / "volume" / "inside")
