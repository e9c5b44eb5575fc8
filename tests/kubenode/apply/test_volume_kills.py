"""An agent killed at any step of set-up, update or tear-down: nothing is lost or mixed, and the next one finishes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubenode.apply.volumes import bind_sub_path, make_pod_directory, set_up, tear_down
from kubenode.clients import mounts
from kubenode.model.names import PodKey
from kubenode.model.volume_specs import ContentVolume, EmptyDir, FileContent, SubPath, VolumeSpec
from kubenode.observe.volumes import PodDirectories, volume_facts
from kubenode.plan.volumes import expected_state
from support.private_mounts import killed_at, needs_root, private_mounts

pytestmark = needs_root

KEY = PodKey("default", "web-node")
OLD = {"a": b"old", "b": b"old", "gone": b"old", "d/e": b"old"}
NEW = {"a": b"new", "b": b"new", "d/e": b"new", "d/more": b"new"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    with private_mounts():
        yield tmp_path


def volume(directory: Path, content: dict[str, bytes], *, memory: bool) -> ContentVolume:
    files = tuple(FileContent(path, data, 0o644) for path, data in sorted(content.items()))
    return ContentVolume("v", str(directory), files, memory)


def as_it_should_be(spec: VolumeSpec) -> bool:
    return volume_facts({"v": spec})["v"].state == expected_state(spec)


def leftovers(directory: Path) -> set[str]:
    """Names for updates, but the link and what it leads to."""
    hidden = {path.name for path in directory.iterdir() if path.name.startswith("..")}
    return hidden - {"..data", str((directory / "..data").readlink())}


@pytest.mark.parametrize("memory", [False, True])
def test_a_set_up_that_was_killed_is_done_again(place: Path, memory: bool) -> None:
    for step in itertools.count(1):
        spec = volume(place / str(step), NEW, memory=memory)
        killed = killed_at(step, set_up, spec)
        set_up(spec)
        assert as_it_should_be(spec)
        assert leftovers(Path(spec.directory)) == set()
        if not killed:
            break
    assert step > 10


@pytest.mark.parametrize("memory", [False, True])
def test_an_update_that_was_killed_leaves_the_old_content_or_the_new(place: Path, memory: bool) -> None:
    for step in itertools.count(1):
        directory = place / str(step)
        set_up(volume(directory, OLD, memory=memory))
        spec = volume(directory, NEW, memory=memory)
        killed = killed_at(step, set_up, spec)
        current = directory / "..data"
        there = {str(p.relative_to(current)): p.read_bytes() for p in current.rglob("*") if p.is_file()}
        assert there in (OLD, NEW), f"step {step}"
        assert {(directory / name).read_bytes() for name in ("a", "b", "d/e")} in ({b"old"}, {b"new"})
        set_up(spec)
        assert as_it_should_be(spec)
        assert leftovers(directory) == set()
        assert not (directory / "gone").is_symlink()
        if not killed:
            break
    assert step > 10


@pytest.mark.parametrize("medium", ["", "Memory"])
def test_an_empty_dir_whose_set_up_was_killed_is_whole_in_the_end(place: Path, medium: str) -> None:
    for step in itertools.count(1):
        spec = EmptyDir("v", str(place / str(step)), medium, fs_group=1234)
        killed = killed_at(step, set_up, spec)
        if not as_it_should_be(spec):
            set_up(spec)
        seen = Path(spec.directory).stat()
        assert (oct(seen.st_mode & 0o7777), seen.st_gid) == ("0o2777", 1234), f"step {step}"
        assert as_it_should_be(spec)
        if not killed:
            break


def test_a_tear_down_that_was_killed_is_finished_by_the_next_and_loses_nothing_else(place: Path) -> None:
    precious = place / "host"
    precious.mkdir()
    (precious / "data").write_text("keep")
    for step in itertools.count(1):
        pod = place / "pods" / f"u{step}"
        make_pod_directory(str(pod), KEY, f"u{step}")
        set_up(EmptyDir("m", f"{pod}/volumes/m", "Memory"))
        set_up(EmptyDir("d", f"{pod}/volumes/d"))
        (pod / "volumes/d/deep/er").mkdir(parents=True)
        (pod / "volumes/d/deep/er/file").write_text("x")
        bind_sub_path(SubPath(str(precious), ".", f"{pod}/volume-subpaths/h/app/0"))
        killed = killed_at(step, tear_down, str(pod))
        assert (precious / "data").read_text() == "keep"
        found = PodDirectories(place / "pods").all()
        assert found or not pod.exists() or not list(pod.iterdir()), f"step {step}: left behind and not known any more"
        tear_down(str(pod))
        assert not pod.exists()
        assert mounts.mounts_below(str(place)) == []
        if not killed:
            break
    assert step > 20
    assert (precious / "data").read_text() == "keep"
