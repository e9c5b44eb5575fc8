"""Unmounting all that is mounted in a pod's directory, and nothing else.

What containers mounted there (Bidirectional) may hold links to anywhere, so paths are walked without following any.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import PurePath

from kubenode.clients import mounts

BUSY_TRIES = 5
BUSY_SECONDS = 0.05
# Of what is stacked on one path a turn takes the upper ones; nobody stacks more.
MOST_TURNS = 64
_FOUND = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def unmount_below(directory: str) -> None:
    """Unmount what is mounted at or below the directory (absolute, without links). Raises OSError when that fails."""
    for _ in range(MOST_TURNS):
        below = mounts.mounts_below(directory)
        if not below:
            return
        # Before any is unmounted: what is shared would vanish at its origin too.
        for point in reversed(below):
            _make_private(point.path)
        for point in below:
            _unmount(point.path)
    listed = ", ".join(point.path for point in mounts.mounts_below(directory))
    raise OSError(errno.EBUSY, f"still mounted after {MOST_TURNS} tries: {listed}; nothing was removed")


@contextlib.contextmanager
def _parent(path: str) -> Iterator[int | None]:
    """The directory that the last name of the path stands in; None where another mount, or a link, hides it."""
    handle = os.open("/", _FOUND | os.O_DIRECTORY)
    try:
        for name in path.split("/")[1:-1]:
            above = handle
            handle = os.open(name, _FOUND | os.O_DIRECTORY, dir_fd=above)
            os.close(above)
    except OSError as error:
        os.close(handle)
        if error.errno not in (errno.ENOENT, errno.ENOTDIR):
            raise
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _make_private(path: str) -> None:
    with _parent(path) as parent:
        if parent is None:
            return
        try:
            point = os.open(PurePath(path).name, _FOUND, dir_fd=parent)
        except FileNotFoundError:
            return
        try:
            if not stat.S_ISLNK(os.fstat(point).st_mode):
                mounts.make_private(f"/proc/self/fd/{point}")
        except OSError as error:
            # Not mounted any more, or hidden by what is mounted above.
            if error.errno != errno.EINVAL:
                raise
        finally:
            os.close(point)


def _unmount(path: str) -> None:
    """What somebody still uses is given a moment, then taken out of sight."""
    with _parent(path) as parent:
        if parent is None:
            return
        place = f"/proc/self/fd/{parent}/{PurePath(path).name}"
        for _ in range(BUSY_TRIES):
            try:
                mounts.unmount(place)
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise OSError(error.errno, f"cannot unmount {path}: {error.strerror}") from error
                time.sleep(BUSY_SECONDS)
            else:
                return
        mounts.unmount(place, lazy=True)
