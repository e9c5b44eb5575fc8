"""Volumes on a real disk and in real memory."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubenode.apply.volumes import make_pod_directory, set_up
from kubenode.clients import mounts
from kubenode.model.names import PodKey
from kubenode.model.volume_specs import ContentVolume, EmptyDir, FileContent, HostPath, VolumeSpec
from kubenode.observe.volumes import volume_facts
from kubenode.plan.volumes import expected_state, volume_set_ups
from support.private_mounts import needs_root, private_mounts

KEY = PodKey("default", "web-node")
UPDATES = 60


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    with private_mounts():
        yield tmp_path


def content(directory: Path, memory: bool = False, fs_group: int | None = None, **files: str) -> ContentVolume:
    """Files by name, `__` for a slash."""
    listed = tuple(FileContent(name.replace("__", "/"), text.encode(), 0o640) for name, text in files.items())
    return ContentVolume("v", str(directory), listed, memory, fs_group)


def carry_out(spec: VolumeSpec) -> list[str]:
    """Set up what the planner wants; the reasons. Afterwards it wants nothing more."""
    set_ups, wrong = volume_set_ups({"v": spec}, volume_facts({"v": spec}))
    assert wrong == {}
    for one in set_ups:
        set_up(one.volume)
    assert volume_set_ups({"v": spec}, volume_facts({"v": spec})) == ((), {})
    return [one.why for one in set_ups]


def mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o7777:o}"


def test_a_pod_directory_says_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "pods" / "u1"
    for _ in range(2):
        make_pod_directory(str(path), KEY, "u1")
    assert mode(path) == "750"
    assert json.loads((path / ".kubenode.json").read_text()) == {
        "namespace": "default",
        "name": "web-node",
        "uid": "u1",
    }


def test_content_stands_behind_links(tmp_path: Path) -> None:
    spec = content(tmp_path / "v", a="1", d__b="2", d__e__c="3")
    assert carry_out(spec) == ["it is not there yet"]
    assert carry_out(spec) == []
    root = tmp_path / "v"
    assert {name: (root / name).read_text() for name in ("a", "d/b", "d/e/c")} == {"a": "1", "d/b": "2", "d/e/c": "3"}
    assert str((root / "a").readlink()) == "..data/a"
    assert str((root / "d").readlink()) == "..data/d"
    assert (mode(root), mode(root / "d"), mode(root / "a")) == ("755", "755", "640")


def test_an_update_replaces_adds_and_removes(tmp_path: Path) -> None:
    root = tmp_path / "v"
    carry_out(content(root, a="1", b="1", d__x="1"))
    before = (root / "..data").readlink()
    assert carry_out(content(root, a="2", c="2", d="2")) == ["its content is to be another"]
    assert {path.name for path in root.iterdir()} == {"a", "c", "d", "..data", str((root / "..data").readlink())}
    assert (root / "..data").readlink() != before
    assert [(root / name).read_text() for name in "acd"] == ["2", "2", "2"]


@pytest.mark.parametrize("spoil", ["changed", "mode", "removed", "added", "fifo", "name", "stranger", "link"])
def test_what_was_tampered_with_is_put_right(tmp_path: Path, spoil: str) -> None:
    root, spec = tmp_path / "v", content(tmp_path / "v", a="1", b="1")
    carry_out(spec)
    match spoil:
        case "changed":
            (root / "a").write_text("2")
        case "mode":
            (root / "a").chmod(0o666)
        case "removed":
            (root / "..data" / "a").unlink()
        case "added":
            (root / "..data" / "new").touch()
        case "fifo":
            (root / "..data" / "a").unlink()
            os.mkfifo(root / "..data" / "a")
        case "name":
            (root / "a").unlink()
        case "stranger":
            (root / "stranger").mkdir()
        case "link":
            (root / "..data").unlink()
            (root / "..data").mkdir()
    assert len(carry_out(spec)) == 1
    assert (root / "a").read_text() == "1"
    assert carry_out(spec) == []


def test_readers_never_see_a_mix(tmp_path: Path) -> None:
    """Who holds the current directory open, and who goes by the names, while the content changes."""
    root, size = tmp_path / "v", 20_000
    set_up(content(root, a="0" * size, b="0" * size))
    done, seen, mixed = threading.Event(), set(), []

    def read() -> None:
        while not done.is_set():
            try:
                directory = os.open(root / "..data", os.O_RDONLY | os.O_DIRECTORY)
            except FileNotFoundError:
                continue
            try:
                texts = [Path(f"/proc/self/fd/{directory}/{name}").read_text() for name in "ab"]
                texts.append((root / "a").read_text())
            except FileNotFoundError:
                # The directory held was the old one, and is gone: readers begin again.
                continue
            finally:
                os.close(directory)
            seen.add(texts[0][0])
            if texts[0] != texts[1] or any(len(set(text)) != 1 or len(text) != size for text in texts):
                mixed.append([text[:1] for text in texts])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(UPDATES):
            set_up(content(root, a=str(number % 10) * size, b=str(number % 10) * size))
    finally:
        done.set()
        reader.join()
    assert mixed == []
    assert len(seen) > 1


@needs_root
def test_secrets_stand_in_memory_only(place: Path) -> None:
    root = place / "v"
    spec = content(root, memory=True, fs_group=1234, a="hush", d__b="hush")
    carry_out(spec)
    assert mounts.mounted_at(str(root), "tmpfs")
    assert [path.stat().st_gid for path in (root, root / "a", root / "d", root / "d/b")] == [1234] * 4
    assert (mode(root), mode(root / "d")) == ("2755", "2755")
    carry_out(content(root, memory=True, fs_group=1234, a="other"))
    assert len([point for point in mounts.mounts_below(str(root)) if point.path == str(root)]) == 1
    mounts.unmount(str(root))
    assert list(root.iterdir()) == []


@needs_root
def test_memory_that_a_reboot_took_is_filled_again(place: Path) -> None:
    spec = content(place / "v", memory=True, a="1")
    carry_out(spec)
    mounts.unmount(spec.directory)
    assert carry_out(spec) == ["it is not there yet"]
    assert (place / "v" / "a").read_text() == "1"


@needs_root
@pytest.mark.parametrize(("medium", "filesystem"), [("", ""), ("Memory", "tmpfs"), ("HugePages-2Mi", "hugetlbfs")])
@pytest.mark.parametrize(("fs_group", "wanted"), [(None, "777"), (1234, "2777")])
def test_empty_dirs(place: Path, medium: str, filesystem: str, fs_group: int | None, wanted: str) -> None:
    spec = EmptyDir("v", str(place / "a" / "v"), medium, 4 * 2**20, fs_group)
    carry_out(spec)
    path = Path(spec.directory)
    assert (mode(path), path.stat().st_gid) == (wanted, fs_group or 0)
    assert mounts.filesystem_type(str(path)) == filesystem
    assert {one.name for one in path.parent.iterdir()} == {"v"}


@needs_root
def test_memory_has_its_size(place: Path) -> None:
    spec = EmptyDir("v", str(place / "v"), "Memory", 2**20)
    carry_out(spec)
    with pytest.raises(OSError, match="No space left"):
        (place / "v" / "file").write_bytes(b"x" * (2**20 + 1))


@needs_root
@pytest.mark.parametrize("medium", ["", "Memory"])
def test_an_empty_dir_in_use_is_never_touched(place: Path, medium: str) -> None:
    """What the container wrote, and what it made of the directory's mode, stays; also when set up again."""
    spec = EmptyDir("v", str(place / "v"), medium, fs_group=7)
    carry_out(spec)
    (place / "v" / "data").write_text("mine")
    (place / "v").chmod(0o700)
    assert carry_out(spec) == []
    set_up(spec)
    assert (place / "v" / "data").read_text() == "mine"
    assert mode(place / "v") == "700"


def test_host_paths_are_made_where_the_type_says_so(tmp_path: Path) -> None:
    for name, kind in (("any/deep", ""), ("dir/deep", "DirectoryOrCreate"), ("file", "FileOrCreate")):
        spec = HostPath("v", str(tmp_path / name), kind)
        assert carry_out(spec) == [f"{tmp_path / name} does not exist yet"]
        assert carry_out(spec) == []
    assert [path.is_dir() for path in (tmp_path / "any/deep", tmp_path / "dir/deep", tmp_path / "file")] == [1, 1, 0]


def test_a_file_of_the_host_keeps_its_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    set_up(HostPath("v", str(tmp_path / "file"), "FileOrCreate"))
    assert (tmp_path / "file").read_text() == "mine"


def test_an_error_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"{tmp_path}/none/file"):
        set_up(HostPath("v", str(tmp_path / "none" / "file"), "FileOrCreate"))


def test_state_is_that_of_the_specification(tmp_path: Path) -> None:
    spec = content(tmp_path / "v", a="1", d__b="2")
    set_up(spec)
    (fact,) = volume_facts({"v": spec}).values()
    assert fact.state == expected_state(spec)
