"""Cgroups: finding and removing them, under cgroup v1's many trees and v2's one."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from kubenode.clients.errors import RuntimeFailure

MOUNT = Path("/sys/fs/cgroup")
SYSTEMCTL_SECONDS = 30.0


async def remove(parent: str, mount: Path = MOUNT) -> None:
    """Remove a pod's cgroup and all below it: a path (cgroupfs) or a slice's name (systemd). Absent is done.

    Empty, and the root, name no pod's: nothing is removed. Raises RuntimeFailure while a process is still in it.
    """
    if not parent.strip("/."):
        return
    if parent.endswith(".slice"):
        await _stop_slice(parent)
        return
    try:
        await asyncio.to_thread(_remove_trees, parent, mount)
    except OSError as error:
        raise RuntimeFailure(
            endpoint=str(mount),
            operation="removal",
            subject=f"cgroup {parent}",
            detail=error.strerror or str(error),
            remedy="A process may still be in it; it is tried again.",
        ) from error


def _remove_trees(parent: str, mount: Path) -> None:
    for root in hierarchies(mount):
        tree = root / parent.lstrip("/")
        for directory, _, _ in os.walk(tree, topdown=False):
            Path(directory).rmdir()


def hierarchies(mount: Path = MOUNT) -> list[Path]:
    """The roots of the cgroup trees: one for v2, one a controller for v1."""
    if (mount / "cgroup.controllers").exists():
        return [mount]
    return [entry for entry in mount.iterdir() if entry.is_dir() and not entry.is_symlink()]


async def _stop_slice(name: str) -> None:
    process = await asyncio.create_subprocess_exec(
        "systemctl", "stop", "--", name, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(SYSTEMCTL_SECONDS):
            _, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        raise RuntimeFailure(
            endpoint="systemd", operation="stop", subject=f"slice {name}", detail=f"no answer in {SYSTEMCTL_SECONDS} s"
        ) from None
    if process.returncode:
        detail = errors.decode(errors="replace").strip()
        raise RuntimeFailure(endpoint="systemd", operation="stop", subject=f"slice {name}", detail=detail)
