"""Mounts of a test's own: the kernel drops them with the process, however the test ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from kubenode.clients import mounts

T = TypeVar("T")

CLONE_FS, CLONE_NEWNS = 0x200, 0x20000
MS_REC = 16384
_libc = ctypes.CDLL(None, use_errno=True)
# What the interpreter tells of the calls that change files.
_CHANGES = {
    *("open", "os.chmod", "os.chown", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink"),
    *("os.truncate", "os.scandir", "os.listdir"),
}

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@contextlib.contextmanager
def private_mounts() -> Iterator[None]:
    """This thread, and what it starts, in a mount namespace of its own."""
    with Path("/proc/self/ns/mnt").open() as before:
        here = os.open(".", os.O_PATH)
        _check(_libc.unshare(CLONE_NEWNS))
        try:
            mounts.mount("", "/", flags=mounts.MountFlag.PRIVATE | MS_REC)
            yield
        finally:
            # Threads that began meanwhile share what setns would change.
            _check(_libc.unshare(CLONE_FS))
            _check(_libc.setns(before.fileno(), CLONE_NEWNS))
            os.fchdir(here)
            os.close(here)


def _check(answer: int) -> None:
    if answer:
        raise OSError(ctypes.get_errno(), "mount namespace")


def killed_at(step: int, work: Callable[[T], None], argument: T) -> bool:
    """Do the work in a process that is killed at its `step`th change of a file or mount; whether it came so far."""
    child = os.fork()
    if child == 0:
        _die_at(step)
        try:
            work(argument)
        except BaseException as error:  # noqa: BLE001
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -9), f"step {step}: exit {code}"
    return code == -9


def _die_at(step: int) -> None:
    seen = 0

    def count() -> None:
        nonlocal seen
        seen += 1
        if seen == step:
            os.kill(os.getpid(), 9)

    class Counted:
        def mount(self, *arguments: object) -> int:
            count()
            return int(_libc.mount(*arguments))

        def umount2(self, *arguments: object) -> int:
            count()
            return int(_libc.umount2(*arguments))

        def __getattr__(self, name: str) -> object:
            return getattr(_libc, name)

    mounts._libc = Counted()  # type: ignore[assignment]
    sys.addaudithook(lambda event, _: count() if event in _CHANGES else None)
