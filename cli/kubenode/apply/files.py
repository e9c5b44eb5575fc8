"""Changing files that others read while they change: whole or not at all, and with nothing half-done beside them."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from kubenode.clients.errors import KubenodeError
from kubenode.model.files import BackUpFile, FileStep, RemoveFile, SetFileMode, WriteFile

LABEL = "security.selinux"


class FileChangeError(KubenodeError):
    """A step that could not be done; says which and why."""


def carry_out(steps: Iterable[FileStep]) -> str:
    """Do the steps in their order. The path of the copy that was kept; empty for none. Raises FileChangeError."""
    copy = ""
    for step in steps:
        try:
            copy = _do(step) or copy
        except OSError as error:
            remedy = " Run the task as root (become)." if isinstance(error, PermissionError) else ""
            raise FileChangeError(f"To {step.verb} failed: {error.strerror}.{remedy}") from None
    return copy


def _do(step: FileStep) -> str:
    match step:
        case BackUpFile():
            return str(_back_up(Path(step.path), Path(step.directory)))
        case WriteFile():
            _write(step)
        case SetFileMode():
            Path(step.path).chmod(step.mode)
        case RemoveFile():
            Path(step.path).unlink(missing_ok=True)
    return ""


def _back_up(path: Path, directory: Path) -> Path:
    """As root's alone: a manifest may hold secrets. Where a directory has to be made, nobody else may look into it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = path.read_bytes()
    stamp = time.strftime("%Y-%m-%dT%H%M%SZ", time.gmtime())
    for number in range(1, 1000):
        copy = directory / (f"{path.name}.{stamp}" if number == 1 else f"{path.name}.{stamp}.{number}")
        with suppress(FileExistsError):
            handle = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            return copy
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _write(step: WriteFile) -> None:
    """The new file is made in a directory of its own, and moved into place: who loads every file sees no other.

    That directory stands beside the file's own; where that is another file system, hidden within it.
    """
    path = Path(step.path)
    if not path.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"the directory {path.parent} does not exist")
    for place in (path.parent.parent, path.parent):
        try:
            _write_by_way_of(place, path, step)
        except OSError as error:
            if place == path.parent or error.errno not in (errno.EXDEV, errno.EROFS, errno.EACCES):
                raise
        else:
            return


def _write_by_way_of(place: Path, path: Path, step: WriteFile) -> None:
    with tempfile.TemporaryDirectory(prefix=".kubenode-", dir=place) as folder:
        new = Path(folder, path.name)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(step.data)
            file.flush()
            if step.uid is not None and step.gid is not None:
                os.fchown(file.fileno(), step.uid, step.gid)
            os.fchmod(file.fileno(), step.mode)
            os.fsync(file.fileno())
        _keep_label(path, new)
        new.replace(path)
    _sync(path.parent)


def _keep_label(old: Path, new: Path) -> None:
    """The label of SELinux that the file had; where there is none, the rules of its directory give one."""
    with suppress(OSError):
        os.setxattr(new, LABEL, os.getxattr(old if old.exists() else old.parent, LABEL))


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
