"""Files that change all at once: names in a volume's root are links through `..data`, which leads to one directory.

A new directory is filled first, then `..data` is replaced by a rename. Whoever reads sees the old content or the new,
and so it is for an agent killed anywhere in between: what it left half-done is removed by the next.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from kubenode.model.volume_specs import ContentVolume
from kubenode.plan.volume_layout import DATA, DATA_NEXT
from kubenode.plan.volume_state import directories, directory_mode, visible_names


def write_content(spec: ContentVolume) -> None:
    """Give the volume, whose root is there, the content of the specification. Raises OSError."""
    root = Path(spec.directory)
    new = _write_directory(root, spec)
    _show(root / DATA, new.name, root / DATA_NEXT)
    for name in sorted(visible_names(spec)):
        _show(root / name, f"{DATA}/{name}", root / DATA_NEXT)
    for entry in os.scandir(root):
        if entry.name not in (DATA, new.name) and entry.name not in visible_names(spec):
            _remove(Path(entry.path))


def _write_directory(root: Path, spec: ContentVolume) -> Path:
    """A directory of its own for the content; the name tells when, as the kubelet's do."""
    stamp = datetime.now(UTC).strftime("..%Y_%m_%d_%H_%M_%S.")
    new = Path(tempfile.mkdtemp(prefix=stamp, dir=root))
    for path in directories(spec):
        (new / path).mkdir()
    for file in spec.files:
        handle = os.open(new / file.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(file.data)
        own(new / file.path, file.mode, spec.fs_group)
    for path in ("", *directories(spec)):
        own(new / path, directory_mode(spec.fs_group), spec.fs_group)
    return new


def own(path: Path, mode: int, group: int | None) -> None:
    """The group first: changing it clears setgid."""
    if group is not None:
        os.chown(path, -1, group)
    path.chmod(mode)


def _replace_link(link: Path, target: str, beside: Path) -> None:
    """Atomically, by a link made at `beside` and renamed."""
    _remove(beside)
    beside.symlink_to(target)
    beside.replace(link)


def _show(link: Path, target: str, beside: Path) -> None:
    try:
        if str(link.readlink()) == target:
            return
    except FileNotFoundError:
        pass
    except OSError:
        # No link: something else stands in its place.
        _remove(link)
    _replace_link(link, target, beside)


def _remove(path: Path) -> None:
    """File, link or directory; absent is done."""
    try:
        kind = stat.S_IFMT(os.lstat(path).st_mode)
    except FileNotFoundError:
        return
    if kind == stat.S_IFDIR:
        shutil.rmtree(path)
    else:
        path.unlink()
