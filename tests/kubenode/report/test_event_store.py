"""The store of events: counted, bounded, followed, kept over a kill."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from kubenode.model.events import Event
from kubenode.model.names import PodKey
from kubenode.report import events as module
from kubenode.report.events import EventStore

NOW = 1_000_000.0


def _event(message: str = "it started", at: float = NOW, pod: str = "web", reason: str = "Started") -> Event:
    return Event(type="Normal", reason=reason, message=message, namespace="default", pod=pod, first_at=at, last_at=at)


def _store(path: Path) -> EventStore:
    return EventStore(path, lambda: NOW)


@asynccontextmanager
async def _running(store: EventStore) -> AsyncIterator[None]:
    task = asyncio.create_task(store.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_the_same_thing_again_is_counted(tmp_path: Path) -> None:
    store = _store(tmp_path / "events.jsonl")
    store.record([_event(at=NOW - 9), _event(at=NOW - 5), _event("another", NOW - 3), _event(at=NOW)])
    assert [(event.message, event.count, event.first_at, event.last_at) for event in store.all()] == [
        ("another", 1, NOW - 3, NOW - 3),
        ("it started", 3, NOW - 9, NOW),
    ]


def test_events_of_one_pod(tmp_path: Path) -> None:
    store = _store(tmp_path / "events.jsonl")
    store.record([_event(), _event(pod="other")])
    assert [event.pod for event in store.of(PodKey("default", "other"))] == ["other"]


def test_one_pod_cannot_crowd_the_others_out(tmp_path: Path) -> None:
    store = _store(tmp_path / "events.jsonl")
    store.record([_event(pod="quiet", at=NOW - 100)])
    store.record(_event(f"{number}", NOW - 50 + number / 100, "loud") for number in range(3 * module.MOST_OF_A_POD))
    assert len(store.of(PodKey("default", "quiet"))) == 1
    loud = store.of(PodKey("default", "loud"))
    assert len(loud) == module.MOST_OF_A_POD
    assert loud[-1].message == f"{3 * module.MOST_OF_A_POD - 1}"


def test_many_pods_cannot_fill_the_memory(tmp_path: Path) -> None:
    store = _store(tmp_path / "events.jsonl")
    store.record(_event(pod=f"pod{number}") for number in range(module.MOST + 500))
    assert len(store.all()) == module.MOST


def test_old_events_go(tmp_path: Path) -> None:
    store = _store(tmp_path / "events.jsonl")
    store.record([_event("old", NOW - module.OLDEST_SECONDS - 1), _event("new")])
    assert [event.message for event in store.all()] == ["new"]


async def test_a_follower_gets_what_is_there_and_what_comes(tmp_path: Path) -> None:
    store = _store(tmp_path / "events.jsonl")
    store.record([_event("before")])
    following = store.follow()
    assert (await anext(following)).message == "before"
    store.record([_event("after")])
    store.record([_event("after")])
    assert [(event.message, event.count) for event in (await anext(following), await anext(following))] == [
        ("after", 1),
        ("after", 2),
    ]
    await following.aclose()
    assert not store._followers


async def test_a_follower_that_does_not_read_costs_only_itself(tmp_path: Path) -> None:
    store = _store(tmp_path / "events.jsonl")
    following = store.follow()
    store.record([_event("first")])
    await anext(following)
    store.record(_event(f"{number}", pod=f"pod{number}") for number in range(module.BACKLOG + 10))
    assert (await anext(following)).message == "10"
    await following.aclose()


async def test_events_outlive_the_agent(tmp_path: Path) -> None:
    path = tmp_path / "state" / "events.jsonl"
    first = _store(path)
    async with _running(first):
        first.record([_event(at=NOW - 5), _event("another", NOW - 4)])
    second = _store(path)
    async with _running(second):
        second.record([_event(at=NOW)])
    assert [(event.message, event.count) for event in _store(path).all()] == [("another", 1), ("it started", 2)]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_the_file_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER_SECONDS", 0.0)
    path = tmp_path / "events.jsonl"
    store = _store(path)
    most = module.SLACK * module.MOST_OF_A_POD
    for _ in range(5):
        async with _running(store):
            for number in range(90):
                store.record([_event(at=NOW + number)])
                store.record([_event(f"{number}")])
    assert len(path.read_bytes().splitlines()) <= most + 90


@pytest.mark.parametrize("spoilt", [b'{"type": "Normal", "rea', b"\x00\xff\n", b"[]\n", b"{}\n"])
async def test_a_file_that_was_cut_off_costs_one_event(tmp_path: Path, spoilt: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(msgspec.json.encode(_event()) + b"\n" + spoilt)
    store = _store(path)
    assert [event.message for event in store.all()] == ["it started"]
    async with _running(store):
        store.record([_event("next")])
    lines = path.read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Event).message for line in lines] == ["it started", "next"]


async def test_a_full_disk_costs_only_the_keeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER_SECONDS", 0.0)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    path, failed = tmp_path / "events.jsonl", asyncio.Event()
    store = _store(path)
    loop = asyncio.get_running_loop()

    def full(_path: Path, _data: bytes) -> None:
        loop.call_soon_threadsafe(failed.set)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(module, "_append", full)
        disk.setattr(module, "write_atomic", full)
        task = asyncio.create_task(store.run())
        store.record([_event()])
        await failed.wait()
        store.record([_event("next")])
    while not path.exists():
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert [event.message for event in _store(path).all()] == ["it started", "next"]


WRITER = """
import asyncio, sys
from pathlib import Path
from kubenode.model.events import Event
from kubenode.report import events
events.GATHER_SECONDS = 0.0
async def main():
    store = events.EventStore(Path(sys.argv[1]), lambda: 1e6)
    task = asyncio.create_task(store.run())
    number = len(store.all())
    while True:
        number += 1
        at = 1e6 + number
        store.record([Event(type="Normal", reason="R", message=str(number % 150), first_at=at, last_at=at)])
        if number % 50 == 0:
            print(number, flush=True)
        await asyncio.sleep(0)
asyncio.run(main())
"""


def test_a_kill_at_any_moment_leaves_events_that_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            for _ in range(6):
                assert writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
        kept = EventStore(path, lambda: 1e6).all()
        assert len(kept) >= 50
        assert len(kept) <= module.MOST_OF_A_POD
