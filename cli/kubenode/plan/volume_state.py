"""The state of a volume in one line: equal for what should be and what is, once it is so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from kubenode.model.volume_specs import ContentVolume, EmptyDir, VolumeSpec

DIRECTORY_MODE = 0o755
# What fsGroup adds to directories: they give their group on, and the group may look in.
GROUP_DIRECTORY = 0o2550


class Entry(NamedTuple):
    """`path` is relative to the volume, empty for its root; `group` None: nobody asked; `data` None: a directory."""

    path: str
    mode: int
    group: int | None
    data: bytes | None


def expected_state(spec: VolumeSpec) -> str:
    """What VolumeFact.state is once the volume is as it should be.

    An emptyDir is its container's: once made, its mode and owner are not compared.
    """
    match spec:
        case ContentVolume():
            return content_state(spec.memory, expected_entries(spec))
        case EmptyDir():
            return empty_dir_state(spec.medium)
        case _:
            return ""


def empty_dir_state(medium: str) -> str:
    return f"emptyDir on {medium}" if medium else "emptyDir"


def filesystem_of(medium: str) -> str:
    """What is mounted for an emptyDir of that medium."""
    return "hugetlbfs" if medium.startswith("HugePages") else "tmpfs"


def content_state(memory: bool, entries: Iterable[Entry]) -> str:
    digest = hashlib.sha1(usedforsecurity=False)
    for path, mode, group, data in sorted(entries, key=lambda entry: entry.path):
        size = "directory" if data is None else str(len(data))
        digest.update(f"{path}\0{mode:o}\0{group}\0{size}\0".encode(errors="surrogateescape"))
        digest.update(data or b"")
    return f"{'memory' if memory else 'disk'} {digest.hexdigest()}"


def directory_mode(fs_group: int | None) -> int:
    return DIRECTORY_MODE if fs_group is None else DIRECTORY_MODE | GROUP_DIRECTORY


def expected_entries(spec: ContentVolume) -> Iterator[Entry]:
    """The root, the directories and the files of a content volume."""
    for path in ("", *directories(spec)):
        yield Entry(path, directory_mode(spec.fs_group), spec.fs_group, None)
    for file in spec.files:
        yield Entry(file.path, file.mode, spec.fs_group, file.data)


def directories(spec: ContentVolume) -> tuple[str, ...]:
    """Every directory that the files stand in, parents first."""
    found = {str(parent) for file in spec.files for parent in PurePosixPath(file.path).parents}
    return tuple(sorted(found - {"."}))


def visible_names(spec: ContentVolume) -> frozenset[str]:
    """The names in the volume's root: links into the directory that stands for the current content."""
    return frozenset(file.path.partition("/")[0] for file in spec.files)
