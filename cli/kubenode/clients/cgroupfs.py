"""Cgroups: making, reading, writing and removing them, under cgroup v1's many trees and v2's one."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from kubenode.clients.errors import RuntimeFailure

MOUNT = Path("/sys/fs/cgroup")
SYSTEMCTL_SECONDS = 30.0
SLICE = ".slice"
# What pods are limited in; others are left to the runtime.
CONTROLLERS = frozenset(("cpu", "cpuset", "memory", "pids", "hugetlb", "io"))
# Without it huge pages cannot be limited, and can be used all the same.
OPTIONAL = frozenset(("hugetlb",))
# Trees beside v1's controllers: systemd's own bookkeeping, and an empty v2 hierarchy.
NO_CONTROLLER = frozenset(("systemd", "unified"))
# More than the kernel gives at once.
LONGEST_VALUE = 4096


async def remove(parent: str, mount: Path = MOUNT) -> None:
    """Remove a pod's cgroup and all below it: a path (cgroupfs) or a slice's name (systemd). Absent is done.

    Empty, and the root, name no pod's: nothing is removed. Raises RuntimeFailure while a process is still in it.
    """
    if not parent.strip("/."):
        return
    if is_slice(parent):
        await asyncio.to_thread(_stop_slice, parent)
        return
    try:
        await asyncio.to_thread(_remove_trees, parent, mount)
    except OSError as error:
        remedy = "A process may still be in it; it is tried again."
        raise _failure("removal", parent, mount, error.strerror or str(error), remedy) from error


def _remove_trees(parent: str, mount: Path) -> None:
    for root in hierarchies(mount):
        tree = root / parent.lstrip("/")
        for directory, _, _ in os.walk(tree, topdown=False):
            Path(directory).rmdir()


@functools.cache
def is_unified(mount: Path = MOUNT) -> bool:
    """Whether it is cgroup v2; a host stays with one of the two for as long as it is up."""
    return (mount / "cgroup.controllers").exists()


def is_slice(name: str) -> bool:
    return name.endswith(SLICE)


def hierarchies(mount: Path = MOUNT) -> list[Path]:
    """The roots of the cgroup trees: one for v2, one a controller for v1."""
    if is_unified(mount):
        return [mount]
    return [entry for entry in mount.iterdir() if entry.is_dir() and not entry.is_symlink()]


def make(name: str, mount: Path = MOUNT) -> None:
    """Make the cgroup in every tree, its controllers switched on. Raises RuntimeFailure."""
    path = relative(name)
    try:
        for root in hierarchies(mount):
            if root.name in NO_CONTROLLER and root != mount:
                continue
            _make_below(root, path, unified=root == mount)
    except OSError as error:
        raise _failure("making", name, mount, f"{error.filename}: {error.strerror}") from error


def _make_below(root: Path, path: Path, *, unified: bool) -> None:
    for directory in reversed([root / path, *(root / parent for parent in path.parents if parent.parts)]):
        if unified:
            _switch_on(directory.parent)
        with contextlib.suppress(FileExistsError):
            directory.mkdir()
        if (directory / "cpuset.cpus").exists() and not unified:
            _inherit_cpuset(directory)


def _switch_on(parent: Path) -> None:
    control = parent / "cgroup.subtree_control"
    available = set((parent / "cgroup.controllers").read_text().split())
    missing = (available & CONTROLLERS) - set(control.read_text().split())
    if missing:
        control.write_text(" ".join(f"+{controller}" for controller in sorted(missing)))


def _inherit_cpuset(directory: Path) -> None:
    """cgroup v1 takes no process into a cgroup that has no processors."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if not (directory / name).read_text().strip():
            (directory / name).write_text((directory.parent / name).read_text())


def write(name: str, files: Iterable[tuple[str, str, str]], mount: Path = MOUNT) -> None:
    """Write values to files of the cgroup, each as controller, file, value. Raises RuntimeFailure.

    A controller that the kernel does not have counts only where something is to be limited.
    """
    for controller, file, value in files:
        path = _file(name, controller, file, mount)
        if not path.exists() and (value in ("max", "-1") or controller in OPTIONAL):
            continue
        try:
            # Not opened for creation: a file that a cgroup lacks cannot be made.
            with path.open("r+") as opened:
                opened.write(value)
        except OSError as error:
            remedy = "A limit below what is in use, or above the parent's, is not taken; it is tried again."
            detail = f"{value} for {file}: {error.strerror or error}"
            raise _failure("limiting", name, mount, detail, remedy) from error


def read(name: str, controller: str, file: str, mount: Path = MOUNT) -> str | None:
    """A file's text; None where the cgroup, or the controller, is not there."""
    try:
        # A look at a pod reads many of these, and open() would ask the kernel twice as much.
        handle = os.open(_file(name, controller, file, mount), os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(handle, LONGEST_VALUE).decode().strip()
        finally:
            os.close(handle)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        # Cgroups vanish while they are read.
        if error.errno == errno.ENODEV:
            return None
        raise


def exists(name: str, mount: Path = MOUNT) -> bool:
    """In the tree that counts: v2's own, or v1's of the CPU."""
    return _file(name, "cpu", "", mount).is_dir()


def children(name: str, mount: Path = MOUNT) -> list[str]:
    """The names of the cgroups right below, whatever their depth is called."""
    try:
        with os.scandir(_file(name, "cpu", "", mount)) as found:
            return [f"{relative(name)}/{entry.name}" for entry in found if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def relative(name: str) -> Path:
    """Where the cgroup stands below a tree's root. Raises RuntimeFailure for a name that leads out of it."""
    path = Path(name.strip("/"))
    if not path.parts or ".." in path.parts:
        raise _failure("use", name, MOUNT, "this is not a place below the root of cgroups")
    if len(path.parts) > 1 or not is_slice(name):
        return path
    parts = name.removesuffix(SLICE).split("-")
    return Path(*("-".join(parts[: depth + 1]) + SLICE for depth in range(len(parts))))


def _file(name: str, controller: str, file: str, mount: Path) -> Path:
    root = mount if is_unified(mount) else mount / controller
    return root / relative(name) / file


def set_slice(name: str, properties: Iterable[str]) -> None:
    """Start the slice with these properties, until the next boot. Raises RuntimeFailure."""
    _systemctl("set-property", name, "--runtime", "--", name, *properties)
    _systemctl("start", name, "--", name)


def _stop_slice(name: str) -> None:
    _systemctl("stop", name, "--", name)
    _systemctl("revert", name, "--", name)


def _systemctl(verb: str, name: str, *arguments: str) -> None:
    command = ["systemctl", "--no-ask-password", verb, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SYSTEMCTL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        detail = f"no answer in {SYSTEMCTL_SECONDS} s"
        raise RuntimeFailure(endpoint="systemd", operation=verb, subject=f"slice {name}", detail=detail) from None
    except OSError as error:
        detail = f"systemctl cannot be run: {error.strerror}"
        remedy = "Set cgroupDriver to cgroupfs on a host without systemd."
        raise RuntimeFailure(
            endpoint="systemd", operation=verb, subject=f"slice {name}", detail=detail, remedy=remedy
        ) from None
    if done.returncode:
        detail = " ".join(done.stderr.split())
        raise RuntimeFailure(endpoint="systemd", operation=verb, subject=f"slice {name}", detail=detail)


def _failure(operation: str, name: str, mount: Path, detail: str, remedy: str | None = None) -> RuntimeFailure:
    return RuntimeFailure(
        endpoint=str(mount), operation=operation, subject=f"cgroup {name}", detail=detail, remedy=remedy or ""
    )
