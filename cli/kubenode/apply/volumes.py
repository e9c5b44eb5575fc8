"""A pod's directory and its volumes, made and brought up to date.

All of it blocks, raises OSError that names the file, and can be cut off anywhere and done again.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import msgspec

from kubenode.apply.volume_content import own, write_content
from kubenode.apply.volume_parts import bind_sub_path
from kubenode.apply.volume_removal import tear_down
from kubenode.clients.disk import write_atomic
from kubenode.clients.mounts import mount, mounted_at
from kubenode.model.names import PodKey
from kubenode.model.quantity import whole
from kubenode.model.volume_specs import ContentVolume, EmptyDir, HostPath, VolumeSpec
from kubenode.plan.volume_layout import MARKER, Marker
from kubenode.plan.volume_state import directory_mode, filesystem_of

__all__ = ("bind_sub_path", "make_pod_directory", "set_up", "tear_down")

POD_DIRECTORY_MODE = 0o750
EMPTY_DIR_MODE = 0o777
# With fsGroup: what is made in it belongs to the group.
SETGID = 0o2000
HOST_DIRECTORY_MODE = 0o755
HOST_FILE_MODE = 0o644


def make_pod_directory(path: str, key: PodKey, uid: str, log_directory: str = "", cgroup_parent: str = "") -> None:
    """The directory with our marker. One that another kubelet left under this UID becomes ours, with what is in it."""
    directory = Path(path)
    directory.mkdir(mode=POD_DIRECTORY_MODE, parents=True, exist_ok=True)
    marker = Marker(
        namespace=key.namespace, name=key.name, uid=uid, log_directory=log_directory, cgroup_parent=cgroup_parent
    )
    write_atomic(directory / MARKER, msgspec.json.encode(marker))


def set_up(spec: VolumeSpec) -> None:
    """Make the volume, or bring its content up to date. What a container wrote is never touched."""
    match spec:
        case ContentVolume():
            _content_root(spec)
            write_content(spec)
        case EmptyDir():
            _empty_dir(spec)
        case HostPath():
            _host_path(spec)


def _content_root(spec: ContentVolume) -> None:
    Path(spec.directory).mkdir(mode=POD_DIRECTORY_MODE, parents=True, exist_ok=True)
    mode = directory_mode(spec.fs_group)
    if spec.memory and not mounted_at(spec.directory, filesystem_of("Memory")):
        _mount_memory(spec.directory, _ownership(mode, spec.fs_group), 0)
    own(Path(spec.directory), mode, spec.fs_group)


def _empty_dir(spec: EmptyDir) -> None:
    """It appears with its mode and group already set: from then on both are its container's to change."""
    directory = Path(spec.directory)
    mode = EMPTY_DIR_MODE if spec.fs_group is None else EMPTY_DIR_MODE | SETGID
    if not directory.is_dir():
        directory.parent.mkdir(mode=POD_DIRECTORY_MODE, parents=True, exist_ok=True)
        new = directory.with_name(f"..{directory.name}.new")
        new.mkdir(exist_ok=True)
        own(new, mode, spec.fs_group)
        new.rename(directory)
    kind = filesystem_of(spec.medium)
    if not spec.medium or mounted_at(spec.directory, kind):
        return
    options = _ownership(mode, spec.fs_group)
    if kind == "hugetlbfs":
        page = whole(spec.medium.partition("-")[2])
        mount(kind, spec.directory, kind, options=",".join((*options, f"pagesize={page}", *_size(spec.size_limit))))
        # It takes no setgid as an option.
        own(directory, mode, spec.fs_group)
    else:
        _mount_memory(spec.directory, options, spec.size_limit)


def _ownership(mode: int, group: int | None) -> tuple[str, ...]:
    return (f"mode={mode:o}",) if group is None else (f"mode={mode:o}", f"gid={group}")


def _size(limit: int) -> tuple[str, ...]:
    return (f"size={limit}",) if limit else ()


def _mount_memory(directory: str, ownership: tuple[str, ...], limit: int) -> None:
    """Without swap where the kernel can (6.4 and later): swap is a disk too."""
    options = ",".join((*ownership, *_size(limit)))
    try:
        mount("tmpfs", directory, "tmpfs", options=f"{options},noswap")
    except OSError:
        mount("tmpfs", directory, "tmpfs", options=options)


def _host_path(spec: HostPath) -> None:
    path = Path(spec.path)
    if path.is_symlink() and not path.exists():
        raise FileNotFoundError(errno.ENOENT, f"{path} is a link that leads nowhere: correct it, or the hostPath")
    if spec.type == "FileOrCreate":
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, HOST_FILE_MODE))
    elif spec.type in ("", "DirectoryOrCreate"):
        path.mkdir(mode=HOST_DIRECTORY_MODE, parents=True, exist_ok=True)
