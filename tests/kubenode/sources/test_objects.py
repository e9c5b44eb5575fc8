"""The directory of ConfigMaps and Secrets: what becomes of each, and who may read a Secret's file."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from kubenode.model.source import ObjectItem, ObjectSet
from kubenode.sources import objects
from kubenode.sources.last_good import load, save
from kubenode.sources.objects import ObjectRecord, ObjectSource

RELIST = 30.0  # seconds; far more than a test may take, so that what is seen was told by an event
WITHIN = 5.0
CANARY = "hunter2canary"


def manifest(kind: str = "ConfigMap", name: str = "web", value: str = "1", more: str = "") -> str:
    field = "data" if kind == "ConfigMap" else "stringData"
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\n{field}: {{key: '{value}'}}\n{more}"


def secret(name: str = "web", value: str = CANARY, more: str = "") -> str:
    return manifest("Secret", name, value, more)


def put(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text)
    path.chmod(mode)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "objects"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def source(folder: Path) -> ObjectSource:
    return ObjectSource(folder, _ticks())


def _ticks(start: int = 100) -> Callable[[], float]:
    ticks = itertools.count(start)
    return lambda: float(next(ticks))


def _states(found: ObjectSet) -> dict[str, str]:
    return {str(item.key or Path(item.location).name): item.state.value for item in found.items}


def _used(found: ObjectSet) -> dict[str, str]:
    """The value under `key` of every object that is used."""
    return {item.key.name: item.value.values["key"].decode() for item in found.items if item.key and item.value}


def _only(found: ObjectSet) -> ObjectItem:
    (item,) = found.items
    return item


def test_each_document_of_a_file_is_an_object(folder: Path, source: ObjectSource) -> None:
    put(folder / "all.yaml", f"{manifest()}---\n{secret('db')}")
    found = source.read()
    assert found.answered
    assert _states(found) == {"ConfigMap default/web": "valid", "Secret default/db": "valid"}
    assert _used(found) == {"web": "1", "db": CANARY}


def test_dotfiles_are_left_out_and_backups_shown(folder: Path, source: ObjectSource) -> None:
    put(folder / ".web.yaml.swp", manifest())
    put(folder / "web.yaml.bak", secret())
    item = _only(source.read())
    assert (item.state.value, item.value, item.reason) == (
        "superseded",
        None,
        "a backup copy by its name; it is not read",
    )


def test_an_invalid_file_keeps_all_its_objects(folder: Path, source: ObjectSource) -> None:
    put(folder / "all.yaml", f"{manifest()}---\n{secret('db')}")
    source.read()
    put(folder / "all.yaml", f"{manifest(value='2')}---\nkind: Secret\n")
    found = source.read()
    assert (set(_states(found).values()), _used(found)) == ({"held"}, {"web": "1", "db": CANARY})
    assert {item.line for item in found.items} == {6}
    put(folder / "all.yaml", manifest(value="2"))
    assert _used(source.read()) == {"web": "2"}


def test_an_invalid_file_without_a_past_is_told(folder: Path, source: ObjectSource) -> None:
    put(folder / "pod.yaml", "kind: Pod\n")
    item = _only(source.read())
    assert (item.key, item.value, item.state.value, item.line) == (None, None, "invalid", 1)
    assert item.reason == "$.kind: only ConfigMaps and Secrets are read from here"


def test_what_is_gone_is_gone(folder: Path, source: ObjectSource) -> None:
    put(folder / "all.yaml", f"{manifest()}---\n{manifest(name='db')}")
    source.read()
    put(folder / "all.yaml", manifest())
    assert _used(source.read()) == {"web": "1"}
    (folder / "all.yaml").unlink()
    assert (source.read(), source.records) == (ObjectSet(), [])


def test_a_directory_that_cannot_be_read_keeps_its_objects(folder: Path, source: ObjectSource) -> None:
    put(folder / "web.yaml", manifest())
    source.read()
    folder.rename(folder.with_name("away"))
    found = source.read()
    assert (found.answered, _states(found), _used(found)) == (False, {"ConfigMap default/web": "held"}, {"web": "1"})
    assert found.error == f"{folder} cannot be read: No such file or directory"


class TestWhoMayRead:
    """A Secret comes only from what is root's alone; a ConfigMap from anywhere."""

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o610])
    def test_a_file_that_is_open_to_others(self, folder: Path, source: ObjectSource, mode: int) -> None:
        put(folder / "all.yaml", f"{manifest(name='open')}---\n{secret()}", mode)
        found = source.read()
        assert _states(found) == {"ConfigMap default/open": "valid", "Secret default/web": "invalid"}
        assert _used(found) == {"open": "1"}
        path = folder / "all.yaml"
        how = f"{path} is open to others (mode {mode:04o}), so its Secrets are refused: chmod 600 {path}"
        assert found.items[1].reason == how
        path.chmod(0o600)
        assert set(_states(source.read()).values()) == {"valid"}

    @pytest.mark.parametrize("mode", [0o400, 0o600, 0o700])
    def test_a_file_that_is_closed(self, folder: Path, source: ObjectSource, mode: int) -> None:
        put(folder / "web.yaml", secret(), mode)
        assert _used(source.read()) == {"web": CANARY}

    def test_a_directory_that_is_open_to_others(self, folder: Path, source: ObjectSource) -> None:
        put(folder / "web.yaml", secret())
        assert _used(source.read()) == {"web": CANARY}
        folder.chmod(0o750)
        item = _only(source.read())
        assert item.state.value == "held"
        assert item.reason.endswith(f"(mode 0750), so its Secrets are refused: chmod 700 {folder}")
        folder.chmod(0o700)
        assert _only(source.read()).state.value == "valid"

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
    @pytest.mark.parametrize("whose", ["file", "directory"])
    def test_what_belongs_to_another_user(self, folder: Path, source: ObjectSource, whose: str) -> None:
        path = folder / "web.yaml"
        put(path, secret())
        given = path if whose == "file" else folder
        os.chown(given, 65534, -1)
        item = _only(source.read())
        assert (item.state.value, item.value) == ("invalid", None)
        assert item.reason == f"{given} belongs to user 65534, so its Secrets are refused: chown 0 {given}"

    def test_a_link_is_judged_by_what_it_points_to(self, folder: Path, source: ObjectSource, tmp_path: Path) -> None:
        put(tmp_path / "real.yaml", secret(), 0o644)
        (folder / "web.yaml").symlink_to(tmp_path / "real.yaml")
        assert _states(source.read()) == {"Secret default/web": "invalid"}
        (tmp_path / "real.yaml").chmod(0o600)
        assert _states(source.read()) == {"Secret default/web": "valid"}
        (tmp_path / "real.yaml").unlink()
        assert (_states(source.read()), _used(source.read())) == ({"Secret default/web": "held"}, {"web": CANARY})

    def test_a_secret_that_is_opened_later_keeps_its_last_good_version(
        self, folder: Path, source: ObjectSource
    ) -> None:
        path = folder / "web.yaml"
        put(path, secret())
        source.read()
        put(path, secret(value="other"), 0o644)
        assert (_states(source.read()), _used(source.read())) == ({"Secret default/web": "held"}, {"web": CANARY})


class TestImmutable:
    def test_a_change_is_refused(self, folder: Path, source: ObjectSource) -> None:
        path = folder / "web.yaml"
        put(path, secret(more="immutable: true\n"))
        source.read()
        for text in (secret(value="other", more="immutable: true\n"), secret()):
            put(path, text)
            item = _only(source.read())
            assert item.state.value == "held"
            assert item.reason.startswith("it is immutable: remove it before you define it anew")
            assert _used(source.read()) == {"web": CANARY}

    def test_after_a_restart_too(self, folder: Path, source: ObjectSource) -> None:
        put(folder / "web.yaml", secret(more="immutable: true\n"))
        source.read()
        put(folder / "web.yaml", secret(value="other", more="immutable: true\n"))
        assert _used(ObjectSource(folder, _ticks(), source.records).read()) == {"web": CANARY}

    def test_what_was_removed_may_come_anew(self, folder: Path, source: ObjectSource) -> None:
        path = folder / "web.yaml"
        put(path, secret(more="immutable: true\n"))
        source.read()
        path.unlink()
        source.read()
        put(path, secret(value="other"))
        assert _used(source.read()) == {"web": "other"}


def test_when_it_was_seen_and_when_it_changed(folder: Path, source: ObjectSource) -> None:
    path = folder / "web.yaml"
    times = []
    for text in (manifest(), f"# a comment\n{manifest()}", manifest(value="2")):
        put(path, text)
        item = _only(source.read())
        times.append((item.seen_at, item.changed_at))
    assert times == [(100.0, 100.0), (100.0, 100.0), (100.0, 101.0)]


def test_the_second_of_one_file_is_superseded(folder: Path, source: ObjectSource) -> None:
    put(folder / "web.yaml", f"{manifest()}---\n{manifest(value='2')}")
    found = source.read()
    assert [(item.state.value, item.line) for item in found.items] == [("valid", 0), ("superseded", 6)]
    assert _used(found) == {"web": "1"}


def test_records_outlive_a_restart_and_are_roots_alone(folder: Path, source: ObjectSource, tmp_path: Path) -> None:
    put(folder / "all.yaml", f"{manifest()}---\n{secret('db')}")
    source.read()
    kept = tmp_path / "state" / "objects.json"
    save(kept, source.records)
    assert kept.stat().st_mode & 0o777 == 0o600
    put(folder / "all.yaml", "spoilt: [")
    after = ObjectSource(folder, _ticks(9000), load(kept, ObjectRecord)).read()
    assert (set(_states(after).values()), _used(after)) == ({"held"}, {"web": "1", "db": CANARY})
    assert {item.seen_at for item in after.items} == {100.0, 101.0}


def test_no_value_is_said_or_logged(folder: Path, source: ObjectSource, caplog: pytest.LogCaptureFixture) -> None:
    path = folder / "web.yaml"
    said = []
    with caplog.at_level(logging.DEBUG):
        for text, mode in (
            (secret(more="immutable: true\n"), 0o600),
            (secret(value=f"{CANARY}2"), 0o600),
            (secret(), 0o644),
            (f"{secret()}data: {{a: {CANARY}!}}\n", 0o600),
            (f"{secret()}\t{CANARY}", 0o600),
            (f"{secret()}---\n{secret(value=CANARY * 2)}", 0o600),
        ):
            put(path, text, mode)
            found = source.read()
            said += [repr(found), str(found), repr(source.records), *(item.reason for item in found.items)]
    assert CANARY not in " ".join((*said, caplog.text))
    assert "Secret default/web: it is immutable" in caplog.text


class TestWatch:
    async def test_changes_are_seen_also_of_who_may_read(self, folder: Path, source: ObjectSource) -> None:
        async with aclosing(source.watch(RELIST, asyncio.Event())) as sets:
            assert _used(await anext(sets)) == {}
            put(folder / "web.yaml", secret(), 0o644)
            await _until(sets, {})
            (folder / "web.yaml").chmod(0o600)
            await _until(sets, {"web": CANARY})
            put(folder / "web.yaml", secret(value="2"))
            await _until(sets, {"web": "2"})
            (folder / "web.yaml").unlink()
            await _until(sets, {})

    async def test_a_directory_that_hangs_is_told(
        self, folder: Path, source: ObjectSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(folder / "web.yaml", manifest())
        await source.ask()
        os.mkfifo(folder.with_name("pipe"))
        monkeypatch.setattr(objects, "ANSWERS_WITHIN_SECONDS", 0.05)
        monkeypatch.setattr(source, "read", lambda: folder.with_name("pipe").read_bytes())
        try:
            for _ in range(3):
                found = await source.ask()
                assert (found.answered, _used(found)) == (False, {"web": "1"})
                assert found.error.startswith(f"{folder} did not answer within")
        finally:
            folder.with_name("pipe").write_bytes(b"")


async def _until(sets: AsyncGenerator[ObjectSet, None], used: dict[str, str]) -> None:
    async with asyncio.timeout(WITHIN):
        while _used(await anext(sets)) != used:
            continue
