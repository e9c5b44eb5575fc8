"""Reading a file that a task is about to change."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from kubenode.clients.errors import KubenodeError
from kubenode.model.files import FileState

# As much as the kubelet reads of a manifest.
MOST_BYTES = 10 * 1024 * 1024


class FileError(KubenodeError):
    """A file that cannot be read or changed; says which, why, and what to do."""


def look_at(path: Path, *, through_links: bool = False) -> FileState:
    """The file as it stands. `through_links`: of a link that which it points to is meant, under its own path.

    Raises FileError for what is there and is no plain file, or cannot be read.
    """
    try:
        target = path.resolve() if through_links else path
        status = target.lstat()
    except FileNotFoundError:
        return FileState(str(path))
    except OSError as error:
        raise FileError(_sentence(path, error)) from None
    link = ""
    if stat.S_ISLNK(status.st_mode):
        link = str(target.readlink())
    elif stat.S_ISDIR(status.st_mode):
        raise FileError(f"{path} is a directory, and a file should be there: remove it, or choose another name.")
    elif not stat.S_ISREG(status.st_mode):
        raise FileError(f"{path} is no plain file: remove it, or choose another name.")
    data = _content(target, link)
    return FileState(str(target), data, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, link)


def _content(path: Path, link: str) -> bytes:
    """Of a link what it points to, if that can be had: only a copy of it is ever made."""
    try:
        # Not blocking: it may have become a pipe since.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        if link:
            return b""
        raise FileError(_sentence(path, error)) from None
    if len(data) > MOST_BYTES:
        raise FileError(f"{path} has more than {MOST_BYTES} bytes: it is no file of this kind.")
    return data


def _sentence(path: Path, error: OSError) -> str:
    remedy = " Run the task as root (become)." if isinstance(error, PermissionError) else ""
    return f"{path} cannot be read: {error.strerror}.{remedy}"
