"""Volumes as they are to stand on the node's disk: decided by plan/, made by apply/, compared with what observe/ sees.

Paths are absolute. `fs_group` None: nobody's group is set.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FileContent:
    """`path` is relative to the volume; `mode` are its permission bits. Content of Secrets: never represented."""

    path: str
    data: bytes = field(repr=False)
    mode: int


@dataclass(frozen=True, slots=True)
class ContentVolume:
    """A configMap, secret, downwardAPI or projected volume: files that are replaced all at once.

    `memory`: they never touch a disk.
    """

    name: str
    directory: str
    files: tuple[FileContent, ...]
    memory: bool
    fs_group: int | None = None


@dataclass(frozen=True, slots=True)
class EmptyDir:
    """`medium` as in the manifest; `size_limit` in bytes, 0 for none. On a disk the limit is watched, not enforced."""

    name: str
    directory: str
    medium: str = ""
    size_limit: int = 0
    fs_group: int | None = None


@dataclass(frozen=True, slots=True)
class HostPath:
    """`type` as in the manifest: what must stand at the path, or is made there (DirectoryOrCreate, FileOrCreate)."""

    name: str
    path: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class ImageVolume:
    """The runtime mounts it; here it is only pulled."""

    name: str
    reference: str
    pull_policy: str = ""


VolumeSpec = ContentVolume | EmptyDir | HostPath | ImageVolume


@dataclass(frozen=True, slots=True)
class VolumeFact:
    """What stands where a volume should: `kind` as HostPathType names it ("" for nothing).

    `state` is equal to that of the specification once the volume is as it should be. `used`: bytes, where the volume
    has a limit that only eviction enforces.
    """

    kind: str
    state: str = ""
    used: int = 0


@dataclass(frozen=True, slots=True)
class SubPath:
    """A part of a volume, to be bound at `target` so that no link inside the volume leads out of it.

    `shared`: what the container mounts in it is to be seen on the node (Bidirectional).
    """

    volume_directory: str
    path: str
    target: str
    read_only: bool = False
    shared: bool = False


@dataclass(frozen=True, slots=True)
class PodDirectory:
    """A directory below <root>/pods that an agent of ours made, and the UID it was made for.

    `log_directory` and `cgroup_parent`: what the pod has elsewhere, or may have; empty for nothing.
    """

    uid: str
    path: str
    log_directory: str = ""
    cgroup_parent: str = ""
