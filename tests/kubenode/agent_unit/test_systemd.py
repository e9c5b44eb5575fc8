"""sd_notify, as systemd would hear it."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubenode.agent import systemd


@pytest.fixture(params=["path", "abstract"])
def supervisor(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@kubenode-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address.replace("@", "\0", 1))
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield listener


def test_states_are_one_datagram(supervisor: socket.socket) -> None:
    systemd.notify("READY=1", "STATUS=running")
    assert supervisor.recv(4096) == b"READY=1\nSTATUS=running"


def test_a_reload_carries_its_time(supervisor: socket.socket) -> None:
    before = time.monotonic_ns() // 1000
    systemd.reloading()
    state, _, stamp = supervisor.recv(4096).decode().partition("\nMONOTONIC_USEC=")
    assert state == "RELOADING=1"
    assert before <= int(stamp) <= time.monotonic_ns() // 1000


async def test_the_watchdog_is_fed(supervisor: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    task = asyncio.create_task(systemd.watchdog())
    pings = [await asyncio.to_thread(supervisor.recv, 4096) for _ in range(3)]
    task.cancel()
    assert pings == [b"WATCHDOG=1"] * 3


async def test_without_a_watchdog_there_is_nothing_to_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    await asyncio.wait_for(systemd.watchdog(), 5)


@pytest.mark.parametrize("address", ["", "/gone/notify", "@nobody-listens"])
def test_a_supervisor_that_does_not_listen_is_no_error(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    systemd.notify("READY=1")
    assert os.environ["NOTIFY_SOCKET"] == address
