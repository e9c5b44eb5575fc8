"""What each file of a directory of manifests is, told to people: nothing is run, kept or remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from kubenode.model.names import PodKey
from kubenode.model.pod import Pod
from kubenode.model.static_pod import Origin, SourceKind, static_pod
from kubenode.sources import directory
from kubenode.sources.documents import RefusedError, read_nodes
from kubenode.sources.manifest import read_pod


class FileVerdict(StrEnum):
    """`held`: invalid now, and the agent runs its last good version; `superseded`: its pod is another file's."""

    VALID = "valid"
    INVALID = "invalid"
    HELD = "held"
    SUPERSEDED = "superseded"
    UNREADABLE = "unreadable"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class InspectedFile:
    """`line` counts from 1 and `field` is a path such as $.spec; 0 and empty where the reason has no place.

    manifest, pod: as it is written, and as it is run, named after its node; also where another file comes before
    """

    path: Path
    verdict: FileVerdict
    reason: str = ""
    line: int = 0
    field: str = ""
    manifest: Pod | None = None
    pod: Pod | None = None
    changed_at: float = 0.0


def inspect(place: Path, node_name: str, *, copies_run: bool = False) -> list[InspectedFile]:
    """Every file that counts, in the order of the names. Of several with one pod the first by name is valid.

    copies_run: files that are backup copies by their names run too, as on a kubelet
    Raises OSError where the directory cannot be read.
    """
    found: list[InspectedFile] = []
    owners: dict[PodKey, Path] = {}
    for path in directory.manifests(place):
        one = _inspect(path, node_name)
        if directory.is_backup(path) and not copies_run:
            one = replace(one, verdict=FileVerdict.SUPERSEDED, reason="a backup copy by its name; it is not run")
        elif one.pod and (owner := owners.setdefault(one.pod.key, path)) != path:
            one = superseded(one, owner)
        found.append(one)
    return found


def superseded(one: InspectedFile, owner: Path) -> InspectedFile:
    name = one.pod.key if one.pod else ""
    reason = f"{owner} already defines pod {name}; remove one of the two, or rename its pod"
    return replace(one, verdict=FileVerdict.SUPERSEDED, reason=reason, line=0, field="")


def as_the_agent_says(found: list[InspectedFile], told: Mapping[str, tuple[str, str]]) -> list[InspectedFile]:
    """With what only the agent knows: which file came first, and what of a file that was valid before still runs.

    told: state and reason by path
    """
    return [_corrected(one, *told.get(str(one.path), ("", ""))) for one in found]


def _corrected(one: InspectedFile, state: str, reason: str) -> InspectedFile:
    match one.verdict, state:
        case FileVerdict.INVALID | FileVerdict.UNREADABLE | FileVerdict.EMPTY, "held":
            return replace(one, verdict=FileVerdict.HELD)
        case FileVerdict.VALID, "superseded":
            return replace(one, verdict=FileVerdict.SUPERSEDED, reason=reason)
        case FileVerdict.SUPERSEDED, "valid":
            return replace(one, verdict=FileVerdict.VALID, reason="")
    return one


def _inspect(path: Path, node_name: str) -> InspectedFile:
    changed_at = 0.0
    try:
        content, stamp = directory.content_of(path)
        changed_at = stamp.modified_ns / 1e9
        if not content.strip() or not read_nodes(content):
            return InspectedFile(path, FileVerdict.EMPTY, "the file holds nothing", changed_at=changed_at)
        manifest = read_pod(content)
    except OSError as error:
        return InspectedFile(path, FileVerdict.UNREADABLE, f"cannot be read: {error.strerror}")
    except RefusedError as refusal:
        return InspectedFile(
            path, FileVerdict.INVALID, refusal.reason, refusal.line, refusal.path, changed_at=changed_at
        )
    pod = static_pod(manifest, Origin(SourceKind.FILE, str(path)), node_name)
    return InspectedFile(path, FileVerdict.VALID, manifest=manifest, pod=pod, changed_at=changed_at)
