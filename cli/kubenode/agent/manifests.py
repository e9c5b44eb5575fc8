"""Putting a manifest into the directory of static pods: what it takes. Nothing is written here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kubenode.agent.config import DEFAULT_PATH, load
from kubenode.clients.errors import KubenodeError
from kubenode.model.pod import Pod
from kubenode.sources.manifest import RefusedError, read_pod
from kubenode.sources.text import canonical_text, manifest_text

DEFAULT_DIRECTORY = Path("/etc/kubernetes/manifests")

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class ManifestError(KubenodeError):
    """A manifest that is refused. `line` counts from 1; 0 when the reason has no place in the text."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Change:
    """One manifest's file as it is and as it should be.

    needed: whether the two differ; layout and comments do not count
    before, after: the texts in canonical layout, empty for no file
    content: what to write
    pod: what to wait for; None where a file that goes held no valid pod
    """

    path: Path
    needed: bool
    before: str
    after: str = ""
    content: str = ""
    pod: Pod | None = None


def manifest_directory(configuration: Path = DEFAULT_PATH) -> Path:
    """Where static pods are read from on this node: as the agent is told, else as everybody does.

    Raises ConfigurationError.
    """
    told = load(configuration).kubelet.static_pod_path if configuration.exists() else ""
    return Path(told) if told else DEFAULT_DIRECTORY


def present(directory: Path, name: str, manifest: str | dict[str, Any]) -> Change:
    """What it takes that the manifest, text or plain values, is there. `name` may be empty. Raises ManifestError."""
    content = manifest if isinstance(manifest, str) else manifest_text(manifest)
    try:
        pod = read_pod(content.encode())
    except RefusedError as refusal:
        source = "content" if isinstance(manifest, str) else "definition, as YAML"
        where = f"{source}, line {refusal.line}" if refusal.line else source
        raise ManifestError(f"The manifest is refused ({where}): {refusal.reason}", refusal.line) from None
    path = _path(directory, name or _stem(pod.metadata.namespace, pod.metadata.name))
    before, after = canonical_text(_read(path)), canonical_text(content)
    return Change(path, before != after, before, after, content, pod)


def absent(directory: Path, name: str, manifest: str | dict[str, Any] | None) -> Change:
    """What it takes that the manifest is gone; without a name the manifest gives it. Raises ManifestError."""
    path = _path(directory, name or _name_in(manifest))
    text = _read(path)
    try:
        pod = read_pod(text.encode())
    except RefusedError:
        pod = None
    return Change(path, path.exists() or path.is_symlink(), canonical_text(text), pod=pod)


def _path(directory: Path, name: str) -> Path:
    if not _FILE_NAME.fullmatch(name):
        raise ManifestError(f"{name!r} cannot name a manifest: letters, digits, '.', '_' and '-' are allowed")
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


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
