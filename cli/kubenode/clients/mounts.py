"""mount(2), umount2(2) and the kernel's table of mounts. Needs root; blocks: call it in a thread."""

from __future__ import annotations

import ctypes
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path, PurePath

MOUNTINFO = Path("/proc/self/mountinfo")
UMOUNT_NOFOLLOW = 8
MNT_DETACH = 2
# The first word of struct statfs, by its kernel constants.
_MAGIC = {0x01021994: "tmpfs", 0x958458F6: "hugetlbfs"}
_STATFS_BYTES = 256
_OCTAL = re.compile(r"\\([0-7]{3})")
# What a remount must say again, or it is lost: these have the same values in statvfs(3) and in mount(2).
_KEPT = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | os.ST_NOATIME | os.ST_NODIRATIME

_libc = ctypes.CDLL(None, use_errno=True)


class MountFlag(IntFlag):
    """mount(2)."""

    READ_ONLY = 1
    NOSUID = 2
    NODEV = 4
    NOEXEC = 8
    REMOUNT = 32
    BIND = 4096
    PRIVATE = 1 << 18
    SLAVE = 1 << 19


@dataclass(frozen=True, slots=True)
class MountPoint:
    """A line of mountinfo: `root` is what of the file system is mounted at `path`. device: its numbers, "8:1"."""

    id: int
    parent: int
    root: str
    path: str
    options: tuple[str, ...]
    filesystem: str
    source: str
    device: str = ""


def mount(source: str, target: str, filesystem: str = "", flags: int = 0, options: str = "") -> None:
    """Raises OSError that names both paths."""
    arguments = (os.fsencode(source) or None, os.fsencode(target), filesystem.encode() or None)
    if _libc.mount(*arguments, ctypes.c_ulong(flags), options.encode() or None):
        number = ctypes.get_errno()
        what = f"mount {filesystem or 'it'} at {target}" if not source else f"mount {source} at {target}"
        raise OSError(number, f"cannot {what}: {os.strerror(number)}", target)


def bind(source: str, target: str) -> None:
    """`target` shows what `source` is, without what is mounted below it."""
    mount(source, target, flags=MountFlag.BIND)


def bind_read_only(target: str) -> None:
    """Make a bind mount read-only; its other flags stay."""
    kept = MountFlag(os.statvfs(target).f_flag & _KEPT)
    mount("", target, flags=kept | MountFlag.REMOUNT | MountFlag.BIND | MountFlag.READ_ONLY)


def make_private(target: str) -> None:
    """What is mounted or unmounted below it stays its own."""
    mount("", target, flags=MountFlag.PRIVATE)


def make_slave(target: str) -> None:
    """It sees what is mounted at its origin; its origin sees nothing of it."""
    mount("", target, flags=MountFlag.SLAVE)


def unmount(target: str, *, lazy: bool = False) -> bool:
    """Whether something was mounted there. `lazy`: out of sight at once, ended when nobody uses it any more."""
    flags = UMOUNT_NOFOLLOW | (MNT_DETACH if lazy else 0)
    if not _libc.umount2(os.fsencode(target), flags):
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOENT):
        return False
    raise OSError(number, f"cannot unmount {target}: {os.strerror(number)}", target)


def filesystem_type(path: str) -> str:
    """tmpfs, hugetlbfs, or empty for all else. Raises OSError."""
    buffer = ctypes.create_string_buffer(_STATFS_BYTES)
    if _libc.statfs(os.fsencode(path), buffer):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return _MAGIC.get(ctypes.c_ulong.from_buffer(buffer).value & 0xFFFFFFFF, "")


def mounted_at(directory: str, filesystem: str) -> bool:
    """Whether a file system of that type (tmpfs, hugetlbfs) begins there; a link or nothing is none."""
    try:
        here, above = os.lstat(directory), os.lstat(PurePath(directory).parent)
        return here.st_dev != above.st_dev and filesystem_type(directory) == filesystem
    except FileNotFoundError:
        return False


def mount_points(text: str) -> Iterator[MountPoint]:
    """The mounts of a mountinfo file, oldest first: of those stacked on one path the last is seen."""
    for line in text.splitlines():
        fields = line.split(" ")
        tail = fields.index("-", 6)
        yield MountPoint(
            id=int(fields[0]),
            parent=int(fields[1]),
            root=_unescaped(fields[3]),
            path=_unescaped(fields[4]),
            options=tuple(fields[5].split(",")),
            filesystem=fields[tail + 1],
            source=_unescaped(fields[tail + 2]),
            device=fields[2],
        )


def mounts_below(directory: str) -> list[MountPoint]:
    """What is mounted at or below the directory (an absolute path without links), the latest first."""
    below = directory.rstrip("/") + "/"
    return [point for point in all_mounts() if (point.path + "/").startswith(below)]


def all_mounts() -> list[MountPoint]:
    """Those that this process sees, the latest first."""
    # Bytes that are no text must come back as the same bytes.
    text = MOUNTINFO.read_bytes().decode(errors="surrogateescape")
    return list(mount_points(text))[::-1]


def _unescaped(field: str) -> str:
    """Blanks, tabs, line ends and backslashes stand in octal."""
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), field)
