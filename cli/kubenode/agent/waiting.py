"""Waiting until a manifest's pod runs, or is gone, by what the node reports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from kubenode.agent import queries
from kubenode.agent.config import DEFAULT_PATH, load
from kubenode.agent.manifests import Change
from kubenode.clients.errors import KubenodeError
from kubenode.model.names import PodKey
from kubenode.model.pod import Pod
from kubenode.model.reports import PodsReport
from kubenode.model.settings import Settings
from kubenode.model.static_pod import Origin, SourceKind, static_pod
from kubenode.model.status import PodStatus

POLL_SECONDS = 0.5

_Answer = TypeVar("_Answer", PodStatus, bool)


class WaitFailed(KubenodeError):
    """What was awaited did not happen; says how far it came."""


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
        if status is None and not report.complete:
            return "the agent does not know all pods yet"
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
