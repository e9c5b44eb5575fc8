"""Static pods from a directory: what each file's state is, and that a spoilt one keeps its pod."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from kubenode.model.source import ItemState, SourceSet
from kubenode.sources.directory import BACKUP_SUFFIXES
from kubenode.sources.files import FileSource
from kubenode.sources.manifest import MAX_BYTES

RELIST = 30.0  # seconds; far more than a test may take, so that what is seen was told by an event
WITHIN = 5.0


def manifest(name: str = "web", image: str = "r.test/app:1") -> str:
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\n"
        f"spec:\n  containers:\n    - {{name: app, image: '{image}'}}\n"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "manifests"
    path.mkdir()
    return path


@pytest.fixture
def source(folder: Path) -> FileSource:
    ticks = itertools.count(100)
    return FileSource(folder, "node", lambda: float(next(ticks)))


def _states(found: SourceSet) -> dict[str, str]:
    return {Path(item.origin.location).name: item.state.value for item in found.items}


def _pods(found: SourceSet) -> dict[str, str]:
    """Image by pod name, of all that is to run."""
    return {item.desired.key.name: item.desired.pod.spec.containers[0].image for item in found.items if item.desired}


def test_each_file_is_a_pod_of_the_node(folder: Path, source: FileSource) -> None:
    (folder / "web.yaml").write_text(manifest())
    (folder / "no-suffix").write_text(manifest("db"))
    found = source.read()
    assert found.answered
    assert _pods(found) == {"web-node": "r.test/app:1", "db-node": "r.test/app:1"}


def test_what_is_no_manifest_is_left_out(folder: Path, source: FileSource) -> None:
    (folder / ".web.yaml.swp").write_text(manifest())
    (folder / "sub").mkdir()
    (folder / "sub" / "deep.yaml").write_text(manifest("deep"))
    assert source.read() == SourceSet()


@pytest.mark.parametrize("suffix", BACKUP_SUFFIXES)
def test_a_backup_copy_is_shown_and_not_run(folder: Path, source: FileSource, suffix: str) -> None:
    (folder / "web.yaml").write_text(manifest())
    (folder / f"web.yaml{suffix}").write_text(manifest("second"))
    found = source.read()
    assert _states(found) == {"web.yaml": "valid", f"web.yaml{suffix}": "superseded"}
    assert _pods(found).keys() == {"web-node"}


def test_an_invalid_file_says_where(folder: Path, source: FileSource) -> None:
    (folder / "web.yaml").write_text(manifest().replace("image", "imgae"))
    (item,) = source.read().items
    assert (item.state, item.desired, item.line) == (ItemState.INVALID, None, 6)
    assert item.reason == "$.spec.containers[0].imgae: no such field; did you mean image?"


def test_a_file_that_becomes_invalid_keeps_its_pod(folder: Path, source: FileSource) -> None:
    path = folder / "web.yaml"
    path.write_text(manifest())
    before = source.read().items[0]
    path.write_text("spoilt: by: hand")
    after = source.read().items[0]
    assert (after.state, after.desired, after.line) == (ItemState.HELD, before.desired, 1)
    path.write_text(manifest(image="r.test/app:2"))
    assert (_states(source.read()), _pods(source.read())) == ({"web.yaml": "valid"}, {"web-node": "r.test/app:2"})


def test_a_half_written_file_waits_for_its_other_half(folder: Path, source: FileSource) -> None:
    path = folder / "web.yaml"
    text = manifest()
    states: list[str] = []
    for end in range(0, len(text) + 1, 7):
        path.write_text(text[:end])
        states += _states(source.read()).values()
    path.write_text(text)
    assert "valid" not in states
    assert _states(source.read()) == {"web.yaml": "valid"}


@pytest.mark.parametrize("end", [0, 10, 40, 60, 80, 100])
def test_a_file_written_over_in_place_never_loses_its_pod(folder: Path, source: FileSource, end: int) -> None:
    path = folder / "web.yaml"
    path.write_text(manifest())
    source.read()
    path.write_text(manifest(image="r.test/app:2")[:end])
    assert _pods(source.read()) == {"web-node": "r.test/app:1"}


def test_a_file_that_is_gone_takes_its_pod_with_it(folder: Path, source: FileSource) -> None:
    (folder / "web.yaml").write_text(manifest())
    source.read()
    (folder / "web.yaml").unlink()
    assert source.read() == SourceSet()
    assert source.records == []


def test_a_spoilt_file_that_is_removed_takes_its_pod_with_it(folder: Path, source: FileSource) -> None:
    (folder / "web.yaml").write_text(manifest())
    source.read()
    (folder / "web.yaml").write_text("spoilt: [")
    source.read()
    (folder / "web.yaml").unlink()
    assert source.read() == SourceSet()


def test_a_directory_that_cannot_be_read_keeps_its_pods(folder: Path, source: FileSource) -> None:
    (folder / "web.yaml").write_text(manifest())
    source.read()
    folder.rename(folder.with_name("away"))
    found = source.read()
    assert (found.answered, _states(found), set(_pods(found))) == (False, {"web.yaml": "held"}, {"web-node"})
    assert found.error == f"{folder} cannot be read: No such file or directory"
    folder.with_name("away").rename(folder)
    assert _states(source.read()) == {"web.yaml": "valid"}


def test_a_path_that_is_no_directory_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    found = FileSource(path, "node", lambda: 0.0).read()
    assert (found.answered, found.error) == (False, f"{path} cannot be read: Not a directory")


def test_what_is_no_regular_file_is_not_waited_for(folder: Path, source: FileSource) -> None:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        found = source.read()
    assert _states(found) == {"pipe": "invalid", "socket": "invalid"}
    assert {item.reason for item in found.items} == {"cannot be read: not a regular file"}


def test_links_count_as_what_they_point_to(folder: Path, source: FileSource, tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text(manifest())
    (folder / "link.yaml").symlink_to(tmp_path / "real.yaml")
    (folder / "dangling.yaml").symlink_to(tmp_path / "gone")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    assert _states(source.read()) == {"dangling.yaml": "invalid", "link.yaml": "valid", "loop.yaml": "invalid"}
    (tmp_path / "real.yaml").unlink()
    assert _states(source.read())["link.yaml"] == "held"


def test_a_file_that_is_too_large_is_not_read_whole(folder: Path, source: FileSource) -> None:
    with (folder / "web.yaml").open("wb") as file:
        file.truncate(1 << 40)
    (item,) = source.read().items
    assert item.reason == f"the file has {MAX_BYTES + 1} bytes; a manifest may have at most {MAX_BYTES}"


def test_when_a_pod_was_first_seen_stays_with_its_meaning(folder: Path, source: FileSource) -> None:
    path = folder / "web.yaml"
    path.write_text(manifest())
    seen = [source.read().items[0].desired]
    path.write_text(f"# another layout\n{manifest()}")
    seen.append(source.read().items[0].desired)
    path.write_text(manifest(image="r.test/app:2"))
    seen.append(source.read().items[0].desired)
    assert [one.seen_at for one in seen if one] == [100.0, 100.0, 101.0]


def test_after_a_restart_the_records_go_on_meaning(folder: Path, source: FileSource) -> None:
    (folder / "web.yaml").write_text(manifest())
    (folder / "old.yaml").write_text(manifest("old"))
    before = {item.desired.key.name: item.desired for item in source.read().items if item.desired}
    (folder / "web.yaml").write_text("spoilt: [")
    (folder / "old.yaml").unlink()
    after = FileSource(folder, "node", lambda: 9000.0, source.records).read()
    assert [(item.state.value, item.desired) for item in after.items] == [("held", before["web-node"])]


def test_after_a_restart_records_stand_in_for_an_unreadable_directory(folder: Path, source: FileSource) -> None:
    (folder / "web.yaml").write_text(manifest())
    source.read()
    folder.rename(folder.with_name("away"))
    after = FileSource(folder, "node", lambda: 9000.0, source.records).read()
    assert (after.answered, set(_pods(after))) == (False, {"web-node"})


class TestWatch:
    """Events tell of changes; the relist is too far away to help here."""

    async def test_changes_are_seen(self, folder: Path, source: FileSource) -> None:
        async with aclosing(source.watch(RELIST, asyncio.Event())) as sets:
            assert _pods(await anext(sets)) == {}
            (folder / ".web").write_text(manifest())
            (folder / ".web").rename(folder / "web.yaml")
            await _until(sets, {"web-node": "r.test/app:1"})
            (folder / "web.yaml").write_text(manifest(image="r.test/app:2"))
            await _until(sets, {"web-node": "r.test/app:2"})
            (folder / "web.yaml").unlink()
            await _until(sets, {})

    async def test_a_change_while_the_watch_starts_is_seen(self, folder: Path, source: FileSource) -> None:
        """The directory changes after it was read and before anybody watches it."""
        async with aclosing(source.watch(RELIST, asyncio.Event())) as sets:
            await anext(sets)
            (folder / "web.yaml").write_text(manifest())
            await _until(sets, {"web-node": "r.test/app:1"})

    async def test_it_is_read_when_asked(self, folder: Path, source: FileSource, tmp_path: Path) -> None:
        """What a link points to is not watched."""
        (tmp_path / "real.yaml").write_text(manifest())
        (folder / "link.yaml").symlink_to(tmp_path / "real.yaml")
        asked = asyncio.Event()
        async with aclosing(source.watch(RELIST, asked)) as sets:
            await _until(sets, {"web-node": "r.test/app:1"})
            (tmp_path / "real.yaml").write_text(manifest(image="r.test/app:2"))
            asked.set()
            await _until(sets, {"web-node": "r.test/app:2"})
            assert not asked.is_set()

    async def test_it_is_read_again_now_and_then(self, folder: Path, source: FileSource, tmp_path: Path) -> None:
        (tmp_path / "real.yaml").write_text(manifest())
        (folder / "link.yaml").symlink_to(tmp_path / "real.yaml")
        async with aclosing(source.watch(0.05, asyncio.Event())) as sets:
            await _until(sets, {"web-node": "r.test/app:1"})
            (tmp_path / "real.yaml").write_text(manifest(image="r.test/app:2"))
            await _until(sets, {"web-node": "r.test/app:2"})

    async def test_a_directory_that_is_replaced_is_watched_anew(self, folder: Path, source: FileSource) -> None:
        (folder / "web.yaml").write_text(manifest())
        asked = asyncio.Event()
        async with aclosing(source.watch(RELIST, asked)) as sets:
            await _until(sets, {"web-node": "r.test/app:1"})
            _replace(folder)
            asked.set()
            await _until(sets, {})
            (folder / "db.yaml").write_text(manifest("db"))
            await _until(sets, {"db-node": "r.test/app:1"})

    async def test_a_directory_that_comes_later_is_found(self, folder: Path) -> None:
        later = folder / "later"
        source = FileSource(later, "node", lambda: 0.0)
        async with aclosing(source.watch(0.05, asyncio.Event())) as sets:
            assert not (await anext(sets)).answered
            _fill(later)
            await _until(sets, {"web-node": "r.test/app:1"})


def _replace(folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    folder.mkdir()


def _fill(folder: Path) -> None:
    folder.mkdir()
    (folder / "web.yaml").write_text(manifest())


async def _until(sets: AsyncGenerator[SourceSet, None], pods: dict[str, str]) -> None:
    async with asyncio.timeout(WITHIN):
        while _pods(await anext(sets)) != pods:
            continue
