"""A directory of manifests: which files count, and what is in them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import NamedTuple

from kubenode.sources.documents import MAX_BYTES

# What editors and package managers leave beside a file. The kubelet would run these as second pods.
BACKUP_SUFFIXES = (
    *("~", ".bak", ".old", ".orig", ".save", ".swp", ".tmp"),
    *(".rpmnew", ".rpmsave", ".dpkg-old", ".dpkg-dist", ".dpkg-new"),
)


class Stamp(NamedTuple):
    """Equal for a file that was not touched, also not in who may read it. `mode`: type and permissions."""

    inode: int
    size: int
    modified_ns: int
    mode: int
    owner: int


def manifests(directory: Path) -> list[Path]:
    """Its files that do not start with a dot, sorted; links count as what they point to, a dangling one as unreadable.

    Raises OSError.
    """
    return sorted(path for path in directory.iterdir() if not path.name.startswith(".") and not path.is_dir())


def is_backup(path: Path) -> bool:
    return path.name.endswith(BACKUP_SUFFIXES)


def stamp_of(path: Path) -> Stamp:
    """Raises OSError."""
    return _stamp(path.stat())


def content_of(path: Path) -> tuple[bytes, Stamp]:
    """A file's bytes, and the stamp of the very file that they were read from.

    Raises OSError; a pipe or device, which might never end, counts as one that cannot be read.
    """
    _regular(path.stat())
    # Not blocking: it may have become a pipe since, whose opening would wait for a writer.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        status = _regular(os.fstat(handle))
        return file.read(MAX_BYTES + 1), _stamp(status)


def _regular(status: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    return status


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_ino, status.st_size, status.st_mtime_ns, status.st_mode, status.st_uid)
