"""Putting a manifest into the directory of static pods: what would change, and waiting for what the agent makes of it.

Nothing is written here. The Ansible module static_pod is made of this.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from kubenode.agent import queries
from kubenode.agent.config import DEFAULT_PATH, load
from kubenode.clients.errors import KubenodeError
from kubenode.model.names import PodKey
from kubenode.model.pod import Pod
from kubenode.model.reports import PodsReport
from kubenode.model.settings import Settings
from kubenode.model.static_pod import Origin, SourceKind, static_pod
from kubenode.model.status import PodStatus
from kubenode.sources.manifest import RefusedError, read_pod
from kubenode.sources.text import canonical_text, manifest_text

DEFAULT_DIRECTORY = Path("/etc/kubernetes/manifests")
POLL_SECONDS = 0.5

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_Answer = TypeVar("_Answer", PodStatus, bool)


class ManifestError(KubenodeError):
    """A manifest that is refused. `line` counts from 1; 0 when the reason has no place in the text."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


class WaitFailed(KubenodeError):
    """What was awaited did not happen; says how far it came."""


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


async def wait_running(change: Change, seconds: float, configuration: Path = DEFAULT_PATH) -> dict[str, Any]:
    """The status of this version of the pod once all its containers run, or have done their work.

    Raises WaitFailed when that takes longer or cannot come, ConfigurationError, ClientError.
    """
    settings = load(configuration)
    wanted = _as_run(change, settings)

    def look(report: PodsReport) -> PodStatus | str:
        status = _find(report, wanted.key)
        if status is None or status.uid != wanted.metadata.uid:
            return _refusal(report, change.path) or f"the agent has not taken up {change.path}"
        if status.phase == "Failed":
            raise WaitFailed(f"The pod {wanted.key} failed: {_sentence(status)}")
        waits = any(container.state == "waiting" for container in status.containers)
        return status if status.phase in ("Running", "Succeeded") and not waits else _sentence(status)

    status = await _until(settings, look, f"The pod {wanted.key} does not run", seconds)
    return dict(msgspec.to_builtins(status))


async def wait_gone(change: Change, seconds: float, configuration: Path = DEFAULT_PATH) -> None:
    """Until nothing is left of the pod. Raises WaitFailed, ConfigurationError, ClientError."""
    if change.pod is None:
        return
    settings = load(configuration)
    key = _as_run(change, settings).key

    def look(report: PodsReport) -> bool | str:
        status = _find(report, key)
        return _sentence(status) if status else True

    await _until(settings, look, f"The pod {key} is still there", seconds)


async def _until(settings: Settings, look: Callable[[PodsReport], _Answer | str], what: str, seconds: float) -> _Answer:
    """What `look` answers; a text says why it is too early."""
    why = "the agent did not answer"
    try:
        async with asyncio.timeout(seconds):
            while isinstance(answer := look(await queries.pods(settings)), str):
                why = answer
                await asyncio.sleep(POLL_SECONDS)
            return answer
    except TimeoutError:
        raise WaitFailed(f"{what} after {seconds:g} s: {why}") from None


def _as_run(change: Change, settings: Settings) -> Pod:
    if change.pod is None:
        raise WaitFailed(f"{change.path} held no valid pod: there is none to wait for")
    return static_pod(change.pod, Origin(SourceKind.FILE, str(change.path)), settings.node_name)


def _find(report: PodsReport, key: PodKey) -> PodStatus | None:
    return next((status for status in report.pods if PodKey(status.namespace, status.name) == key), None)


def _refusal(report: PodsReport, path: Path) -> str:
    """Why the agent does not run the manifest, or nothing."""
    reasons = [item.reason for item in report.manifests if item.source == str(path) and item.state != "valid"]
    return reasons[0] if reasons else ""


def _sentence(status: PodStatus) -> str:
    """The phase, and what holds up which container."""
    causes = [f"{c.name} is {c.state}: {c.reason} {c.message}" for c in status.containers if c.reason]
    causes = causes or [f"{status.reason} {status.message}"]
    return "; ".join([f"it is {status.phase}", *(cause.strip() for cause in causes if cause.strip())])


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
