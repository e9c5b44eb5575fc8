"""A network of a test's own: the kernel drops it with the process, however the test ends."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from support.private_mounts import _check, _libc, private_mounts

CLONE_NEWNET = 0x40000000
NAMESPACES = Path("/run/netns")


@contextlib.contextmanager
def private_network() -> Iterator[None]:
    """This thread, and what it starts, with a network, a /run and a /var/lib of its own, all empty."""
    with Path("/proc/self/ns/net").open() as before, private_mounts():
        _check(_libc.unshare(CLONE_NEWNET))
        try:
            for target in ("/run", "/var/lib"):
                run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", target)
            run("ip", "link", "set", "lo", "up")
            yield
        finally:
            _check(_libc.setns(before.fileno(), CLONE_NEWNET))


def run(*command: str) -> str:
    """Its output. Raises CalledProcessError."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    done = subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PATH": path},
    )
    return done.stdout


def add_namespace(name: str) -> str:
    """A network namespace, as a container's would be; its path."""
    run("ip", "netns", "add", name)
    return str(NAMESPACES / name)
