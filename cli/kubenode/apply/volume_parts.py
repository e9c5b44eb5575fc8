"""subPath: a part of a volume, bound where a container can be given it and nothing beside it.

Whoever writes to the volume may put links in it, also while we look. So the path is walked by hand, each step opened
without following: a link is read and its target walked in turn, `..` goes back to a directory that is still open, and
nothing ever goes above the volume. What is bound in the end is the very file that is held open.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from kubenode.clients import mounts
from kubenode.model.volume_specs import SubPath
from kubenode.plan.volume_layout import DATA

# As many as the kernel follows.
MOST_LINKS = 40
_FOUND = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_TARGET_MODE = 0o750


def bind_sub_path(sub_path: SubPath) -> None:
    """Bind the part at its target; what is missing of its path is made, as directories with the volume's own mode.

    A target that shows another file, from before, is replaced. Raises OSError.
    """
    with contextlib.ExitStack() as held:
        part = _Walk(sub_path, held).to_the_end()
        wanted = os.fstat(part)
        if not _is(sub_path.target, wanted):
            _make_place(sub_path.target, stat.S_ISDIR(wanted.st_mode))
            mounts.bind(f"/proc/self/fd/{part}", sub_path.target)
        if not sub_path.shared:
            mounts.make_slave(sub_path.target)
        if sub_path.read_only:
            mounts.bind_read_only(sub_path.target)
        if not _is(sub_path.target, wanted):
            raise OSError(errno.ESTALE, f"{sub_path.target} does not show {_full(sub_path)} after it was bound there")


def _full(sub_path: SubPath) -> str:
    return f"{sub_path.volume_directory}/{sub_path.path}"


def _is(target: str, wanted: os.stat_result) -> bool:
    """No file of ours is the same as one of the volume, unless it is mounted there."""
    try:
        seen = os.lstat(target)
    except FileNotFoundError:
        return False
    return (seen.st_dev, seen.st_ino) == (wanted.st_dev, wanted.st_ino)


def _make_place(target: str, directory: bool) -> None:
    """An unmounted directory or file to bind at."""
    place = Path(target)
    place.parent.mkdir(mode=_TARGET_MODE, parents=True, exist_ok=True)
    while mounts.unmount(target):
        pass
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(place.lstat().st_mode):
            place.rmdir()
        else:
            place.unlink()
    if directory:
        place.mkdir(mode=_TARGET_MODE)
    else:
        place.touch(mode=0o640)


class _Walk:
    """The way from a volume's root, every directory on it open."""

    def __init__(self, sub_path: SubPath, held: contextlib.ExitStack) -> None:
        self._sub_path = sub_path
        self._held = held
        self._root = os.path.realpath(sub_path.volume_directory)
        self._way = [self._hold(os.open(self._root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))]
        self._ahead = [part for part in reversed(sub_path.path.split("/")) if part not in ("", ".")]
        self._links = 0

    def to_the_end(self) -> int:
        while self._ahead:
            self._step(self._ahead.pop())
        return self._way[-1]

    def _hold(self, handle: int) -> int:
        self._held.callback(os.close, handle)
        return handle

    def _step(self, name: str) -> None:
        if name == "..":
            if len(self._way) == 1:
                raise self._outside()
            self._way.pop()
            return
        handle = self._hold(self._open(name))
        if stat.S_ISLNK(os.fstat(handle).st_mode):
            self._follow(os.readlink("", dir_fd=handle))
        else:
            self._way.append(handle)

    def _open(self, name: str) -> int:
        try:
            return os.open(name, _FOUND, dir_fd=self._way[-1])
        except FileNotFoundError:
            self._make(name)
            return os.open(name, _FOUND, dir_fd=self._way[-1])

    def _follow(self, target: str) -> None:
        """An absolute link counts where it leads back into the volume by its own name."""
        self._links += 1
        if self._links > MOST_LINKS:
            raise OSError(errno.ELOOP, f"{_full(self._sub_path)}: more than {MOST_LINKS} links one after another")
        if target.startswith("/"):
            if not f"{target}/".startswith(f"{self._root}/"):
                raise self._outside()
            target = target[len(self._root) :]
            del self._way[1:]
        self._ahead += [part for part in reversed(target.split("/")) if part not in ("", ".")]

    def _make(self, name: str) -> None:
        """A directory with the mode of the volume's root, so that whoever may write there may write here."""
        if os.path.lexists(f"{self._root}/{DATA}"):
            raise FileNotFoundError(
                errno.ENOENT, f"the volume has no {self._sub_path.path!r}: add it there, or correct the subPath"
            )
        mode = stat.S_IMODE(os.fstat(self._way[0]).st_mode) & 0o2777
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=self._way[-1])
        made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._way[-1])
        try:
            # One with something in it is not the one just made.
            if not list(os.scandir(made)):
                os.fchmod(made, mode)
        finally:
            os.close(made)

    def _outside(self) -> OSError:
        return PermissionError(
            errno.EPERM, f"subPath {self._sub_path.path!r} leads out of its volume {self._sub_path.volume_directory}"
        )
