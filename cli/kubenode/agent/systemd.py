"""Telling systemd how the agent is (sd_notify). Without systemd nothing happens."""

from __future__ import annotations

import asyncio
import os
import socket
import time


def notify(*states: str) -> None:
    """Send states such as `READY=1`. A supervisor that does not listen is no reason to stop."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.connect("\0" + address[1:] if address.startswith("@") else address)
            sender.sendall("\n".join(states).encode())
        except OSError:
            return


def reloading() -> None:
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")


async def watchdog() -> None:
    """Ping at half the period that systemd set, as long as the event loop turns. Until cancelled."""
    microseconds = int(os.environ.get("WATCHDOG_USEC", "0"))
    while microseconds:
        notify("WATCHDOG=1")
        await asyncio.sleep(microseconds / 2e6)
