"""What stands where a pod's volumes should, and which directories of pods are ours. Blocks: call it in a thread."""

from __future__ import annotations

import functools
import logging
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from kubenode.clients.mounts import mounted_at
from kubenode.model.names import PodKey
from kubenode.model.volume_specs import (
    ContentVolume,
    EmptyDir,
    HostPath,
    PodDirectory,
    VolumeFact,
    VolumeSpec,
)
from kubenode.plan.volume_layout import DATA, MARKER, Marker
from kubenode.plan.volume_state import Entry, content_state, empty_dir_state, filesystem_of, visible_names

log = logging.getLogger(__name__)

_NOTHING = VolumeFact("")
_KINDS = {
    stat.S_IFDIR: "Directory",
    stat.S_IFREG: "File",
    stat.S_IFSOCK: "Socket",
    stat.S_IFCHR: "CharDevice",
    stat.S_IFBLK: "BlockDevice",
    stat.S_IFIFO: "Pipe",
}
# More than a pod's; one is read when it is new or replaced.
_MARKERS_KEPT = 4096


def volume_facts(specs: Mapping[str, VolumeSpec]) -> dict[str, VolumeFact]:
    """A fact for each volume. What cannot be read counts as not as it should be, and what is unknown as nothing."""
    return {name: _fact(spec) for name, spec in specs.items()}


class PodDirectories:
    """The directories in `pods` (<root>/pods) that carry our marker, by the pod they were made for.

    What is known of another pod's directory is not read again for each pod: there may be hundreds.
    """

    def __init__(self, pods: Path) -> None:
        self._pods = pods
        self._known: dict[str, tuple[PodKey, PodDirectory]] = {}

    def all(self) -> dict[PodKey, tuple[PodDirectory, ...]]:
        """Every one of them, looked at anew."""
        found = {name: marked for name in _names(self._pods) if (marked := _marked(f"{self._pods}/{name}"))}
        self._known = found
        return _by_pod(found.values())

    def of(self, key: PodKey, uid: str = "") -> tuple[PodDirectory, ...]:
        """Those of one pod. The one that is named after `uid` is looked at, whoever's it was before."""
        found = []
        for name in _names(self._pods):
            known = self._known.get(name)
            if (known is None or known[0] == key or name == uid) and (marked := _marked(f"{self._pods}/{name}")):
                self._known[name] = marked
                found.append(marked)
        return _by_pod(found).get(key, ())


def _by_pod(found: Iterable[tuple[PodKey, PodDirectory]]) -> dict[PodKey, tuple[PodDirectory, ...]]:
    grouped: dict[PodKey, tuple[PodDirectory, ...]] = {}
    for key, directory in found:
        grouped[key] = (*grouped.get(key, ()), directory)
    return grouped


def _marked(path: str) -> tuple[PodKey, PodDirectory] | None:
    try:
        seen = os.lstat(f"{path}/{MARKER}")
    except OSError:
        return None
    marker = _marker(path, (seen.st_dev, seen.st_ino, seen.st_mtime_ns))
    if marker is None:
        return None
    directory = PodDirectory(marker.uid, path, marker.log_directory, marker.cgroup_parent)
    return PodKey(marker.namespace, marker.name), directory


def _names(directory: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(directory))
    except FileNotFoundError:
        return []


@functools.lru_cache(_MARKERS_KEPT)
def _marker(directory: str, identity: tuple[int, int, int]) -> Marker | None:  # noqa: ARG001 (the cache's key)
    """What the marker of that identity says; None when it says nothing that is understood."""
    path = Path(directory, MARKER)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Marker)
    except (OSError, msgspec.DecodeError) as error:
        log.warning("%s cannot be read, the directory is left alone: %s", path, error)
        return None


def _fact(spec: VolumeSpec) -> VolumeFact:
    match spec:
        case HostPath(path=path):
            return VolumeFact(_kind(path))
        case EmptyDir():
            return _empty_dir(spec)
        case ContentVolume():
            return _content(spec)
        case _:
            return _NOTHING


def _kind(path: str) -> str:
    """Links are followed, as they are when it is mounted."""
    try:
        return _KINDS.get(stat.S_IFMT(Path(path).stat().st_mode), "")
    except (OSError, ValueError):
        return ""


def _empty_dir(spec: EmptyDir) -> VolumeFact:
    if _kind(spec.directory) != "Directory":
        return _NOTHING
    mounted = not spec.medium or mounted_at(spec.directory, filesystem_of(spec.medium))
    return VolumeFact("Directory", empty_dir_state(spec.medium if mounted else ""))


def _content(spec: ContentVolume) -> VolumeFact:
    """`kind` empty until there is content. A link or a special file is an entry that no specification has."""
    data = f"{spec.directory}/{DATA}"
    if _kind(data) != "Directory":
        return _NOTHING
    memory = spec.memory and mounted_at(spec.directory, filesystem_of("Memory"))
    try:
        if not _names_lead_there(spec):
            return VolumeFact("Directory", "its names do not lead to its content")
        return VolumeFact("Directory", content_state(memory, _entries(spec)))
    except OSError as error:
        return VolumeFact("Directory", f"unreadable: {error}")


def _names_lead_there(spec: ContentVolume) -> bool:
    names = {entry.name for entry in os.scandir(spec.directory) if not entry.name.startswith("..")}
    if names != visible_names(spec):
        return False
    return all(_link(f"{spec.directory}/{name}") == f"{DATA}/{name}" for name in names)


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


def _entries(spec: ContentVolume) -> Iterator[Entry]:
    """Root, directories and files. Of a file whose length is another than asked for, no byte needs to be read."""
    sizes = {file.path: len(file.data) for file in spec.files}
    grouped = spec.fs_group is not None
    root = Path(spec.directory).stat()
    yield Entry("", stat.S_IMODE(root.st_mode), root.st_gid if grouped else None, None)
    top = f"{spec.directory}/{DATA}"
    waiting = [""]
    while waiting:
        above = waiting.pop()
        for entry in os.scandir(f"{top}/{above}"):
            path, seen = f"{above}{entry.name}", entry.stat(follow_symlinks=False)
            group = seen.st_gid if grouped else None
            if stat.S_ISDIR(seen.st_mode):
                waiting.append(f"{path}/")
                yield Entry(path, stat.S_IMODE(seen.st_mode), group, None)
            elif stat.S_ISREG(seen.st_mode) and seen.st_size == sizes.get(path):
                yield Entry(path, stat.S_IMODE(seen.st_mode), group, Path(entry.path).read_bytes())
            else:
                yield Entry(path, seen.st_mode, group, b"")
