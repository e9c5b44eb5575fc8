"""Taking a pod's directory away without ever touching what is mounted in it.

First everything mounted below goes, and only when the kernel lists nothing there any more are files removed. Each
directory is entered without following links, and only where it is on the mount that the pod's own directory is on.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from kubenode.apply.volume_unmounting import unmount_below
from kubenode.plan.volume_layout import MARKER

_ENTER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LIFTED = ".kubenode-removed-"


def tear_down(directory: str) -> None:
    """Remove a directory that carries our marker, with all in it; absent is done. Can be taken up again.

    Raises OSError: it is not ours, something stays mounted (then no file was removed), a file cannot be removed.
    """
    above, name = os.path.split(directory)
    above = os.path.realpath(above)
    path = f"{above}/{name}"
    try:
        _check_ours(path)
    except FileNotFoundError:
        return
    unmount_below(path)
    with _entered(path) as top, _entered(above) as parent:
        if _mount_id(top) != _mount_id(parent):
            raise _still_mounted(path)
        _Tree(top, path).empty()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(MARKER, dir_fd=top)
    Path(path).rmdir()


@contextlib.contextmanager
def _entered(path: str, parent: int | None = None) -> Iterator[int]:
    handle = os.open(path, _ENTER, dir_fd=parent)
    try:
        yield handle
    finally:
        os.close(handle)


def _check_ours(path: str) -> None:
    with _entered(path) as handle:
        names = _names(handle)
    if names and MARKER not in names:
        raise PermissionError(errno.EPERM, f"{path} has no {MARKER} and may be another's: nothing was removed")


def _mount_id(handle: int) -> str:
    lines = Path(f"/proc/self/fdinfo/{handle}").read_text(encoding="ascii").splitlines()
    return next(line for line in lines if line.startswith("mnt_id:"))


def _still_mounted(path: str) -> OSError:
    return OSError(errno.EBUSY, f"{path} is still a mount point: unmount it; nothing in it was removed")


class _Tree:
    """What is below a directory that is held open.

    Directories that hold more than files are lifted to the top and emptied there: no depth is too deep.
    """

    def __init__(self, top: int, path: str) -> None:
        self._top = top
        self._path = path
        self._mount = _mount_id(top)
        self._numbers = itertools.count()

    def empty(self) -> None:
        """Remove all but the marker."""
        while names := [name for name in _names(self._top) if name != MARKER]:
            for name in names:
                try:
                    self._remove(name)
                except OSError as error:
                    message = f"cannot remove all of {self._path}/{name}: {error}"
                    raise OSError(error.errno, message) from error

    def _remove(self, name: str) -> None:
        if not _is_directory(self._top, name):
            os.unlink(name, dir_fd=self._top)
            return
        with _entered(name, self._top) as handle:
            if _mount_id(handle) != self._mount:
                raise _still_mounted(f"{self._path}/{name}")
            for entry in _names(handle):
                if _is_directory(handle, entry):
                    self._remove_or_lift(handle, entry)
                else:
                    os.unlink(entry, dir_fd=handle)
        os.rmdir(name, dir_fd=self._top)

    def _remove_or_lift(self, parent: int, name: str) -> None:
        """The kernel refuses both to a mount point."""
        try:
            os.rmdir(name, dir_fd=parent)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise
            self._lift(parent, name)

    def _lift(self, parent: int, name: str) -> None:
        """To a name that is free; one that an earlier removal left may hold something."""
        while True:
            try:
                os.rename(name, f"{_LIFTED}{next(self._numbers)}", src_dir_fd=parent, dst_dir_fd=self._top)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            else:
                return


def _names(handle: int) -> list[str]:
    with os.scandir(handle) as entries:
        return [entry.name for entry in entries]


def _is_directory(parent: int, name: str) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
