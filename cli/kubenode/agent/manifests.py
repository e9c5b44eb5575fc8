"""Putting a manifest into the directory of static pods: what it takes. Nothing is written here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kubenode.clients.errors import KubenodeError
from kubenode.model.files import FileState
from kubenode.model.names import PodKey
from kubenode.model.pod import Pod
from kubenode.observe.files import look_at
from kubenode.plan.differences import differences, named
from kubenode.sources import directory as directories
from kubenode.sources.manifest import RefusedError, read_pod
from kubenode.sources.text import canonical_text, manifest_text

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# The longest name that file systems take, less what a copy's name has on top.
_LONGEST_NAME = 220


class ManifestError(KubenodeError):
    """A manifest that is refused. `line` counts from 1; 0 when the reason has no place in the text."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Change:
    """One manifest's file as it is and as it should be.

    there: the file as it stands
    differs: in what the two differ; layout and comments do not count. Empty where they mean the same
    before, after: the texts in canonical layout, empty for no file
    content: what to write
    pod: what to wait for; None where a file that goes held no valid pod
    """

    path: Path
    there: FileState
    differs: str
    before: str
    after: str = ""
    content: str = ""
    pod: Pod | None = None

    @property
    def needed(self) -> bool:
        return bool(self.differs)


def present(directory: Path, name: str, manifest: str | dict[str, Any], *, copies_run: bool = False) -> Change:
    """What it takes that the manifest, text or plain values, is there. `name` may be empty.

    copies_run: files that are backup copies by their names run too, as on a kubelet
    Raises ManifestError, also where another file has the pod, and FileError.
    """
    content = manifest if isinstance(manifest, str) else manifest_text(manifest)
    try:
        pod = read_pod(content.encode())
    except RefusedError as refusal:
        source = "content" if isinstance(manifest, str) else "definition, as YAML"
        where = f"{source}, line {refusal.line}" if refusal.line else source
        raise ManifestError(f"The manifest is refused ({where}): {refusal.reason}", refusal.line) from None
    path = _path(directory, name or _stem(pod.metadata.namespace, pod.metadata.name))
    there = look_at(path)
    if there.link:
        raise ManifestError(
            f"{path} is a link to {there.link}, and what it points to may be others': remove the link, or change "
            "that file instead."
        )
    if other := _other_file(directory, path, pod.key, copies_run=copies_run):
        raise ManifestError(
            f"{other} already gives pod {pod.key}, and only one of two can run: remove that file, or give its name "
            f"({other.stem}) as `name` to replace it."
        )
    before, after = canonical_text(there.text), canonical_text(content)
    return Change(path, there, _differs(there, before, after), before, after, content, pod)


def absent(directory: Path, name: str, manifest: str | dict[str, Any] | None) -> Change:
    """What it takes that the manifest is gone; without a name the manifest gives it. Raises ManifestError, FileError.

    Of a link only the link itself goes.
    """
    path = _path(directory, name or _name_in(manifest))
    there = look_at(path)
    try:
        pod = read_pod(there.data or b"")
    except RefusedError:
        pod = None
    why = "it should not be there" if there.there else ""
    return Change(path, there, why, canonical_text(there.text), pod=pod)


def _differs(there: FileState, before: str, after: str) -> str:
    if before == after:
        return ""
    if not there.there:
        return "it is not there"
    try:
        paths = [path for path, _, _ in differences(yaml.safe_load(before), yaml.safe_load(after)) if path]
    except (yaml.YAMLError, ValueError, RecursionError):
        paths = []
    return f"it differs in {named(paths)}" if paths else "what is there is something else"


def _other_file(directory: Path, path: Path, key: PodKey, *, copies_run: bool) -> Path | None:
    """Another file of the directory that gives the same pod."""
    try:
        others = directories.manifests(directory)
    except OSError:
        return None
    running = (one for one in others if one != path and (copies_run or not directories.is_backup(one)))
    return next((one for one in running if _gives(one, key)), None)


def _gives(path: Path, key: PodKey) -> bool:
    try:
        content = directories.content_of(path)[0]
        # Most files are others' pods: those need not be understood.
        return key.name.encode() in content and read_pod(content).key == key
    except (OSError, RefusedError):
        return False


def _path(directory: Path, name: str) -> Path:
    if not _FILE_NAME.fullmatch(name):
        raise ManifestError(f"{name!r} cannot name a manifest: letters, digits, '.', '_' and '-' are allowed")
    if len(name) > _LONGEST_NAME:
        raise ManifestError(f"{name[:20]}… cannot name a manifest: at most {_LONGEST_NAME} characters are allowed")
    return directory / f"{name}.yaml"


def _stem(namespace: str | None, name: str) -> str:
    """What no other pod's manifest is called: an underscore is in no name of Kubernetes."""
    return name if namespace in (None, "", "default") else f"{namespace}_{name}"


def _name_in(manifest: str | dict[str, Any] | None) -> str:
    """The file's name by a manifest that need not be valid any more."""
    try:
        value = yaml.safe_load(manifest) if isinstance(manifest, str) else manifest
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ManifestError("The manifest is not YAML: give its name instead") from None
    metadata = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise ManifestError("The manifest has no metadata.name: give its name instead")
    return _stem(metadata.get("namespace"), metadata["name"])
