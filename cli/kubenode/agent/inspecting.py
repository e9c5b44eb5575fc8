"""The directory of static pods as it is, and how each of its pods runs, as far as anybody can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kubenode.agent import queries
from kubenode.agent.once import open_node
from kubenode.agent.surroundings import Surroundings
from kubenode.agent.upstream_pods import Manifest, UpstreamPods
from kubenode.agent.waiting import find, who_runs_pods
from kubenode.clients.errors import ClientError, KubenodeError
from kubenode.model.reports import PodsReport
from kubenode.model.status import PodStatus
from kubenode.sources.inspection import FileVerdict, InspectedFile, as_the_agent_says, inspect

# All that is asked together; a runtime that hangs makes the answer poorer, not late.
ASK_SECONDS = 20.0
SIDE_BY_SIDE = 8


@dataclass(frozen=True, slots=True)
class Inspection:
    """runner: "kubenode", "kubelet", or empty where neither runs

    statuses: how the pod of each file runs, in the order of the files; None where it does not, or nobody knows
    error: why nobody could be asked
    """

    files: Sequence[InspectedFile]
    statuses: Sequence[PodStatus | None]
    runner: str
    error: str = ""


async def inspected(directory: Path, around: Surroundings) -> Inspection:
    """Raises KubenodeError where the directory cannot be read."""
    try:
        found = inspect(directory, around.settings.node_name, copies_run=around.kubelet is not None)
    except OSError as error:
        raise KubenodeError(f"{directory} cannot be read: {error.strerror}. Name another one (path).") from None
    runner = await who_runs_pods(around)
    statuses: Sequence[PodStatus | None] = [None] * len(found)
    problem = ""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            if runner == "kubelet":
                statuses = await _upstream(found, around)
            else:
                report = await queries.pods(around.settings)
                found = as_the_agent_says(found, _told(report, directory))
                statuses = [_status(one, report) for one in found]
    except ClientError as failure:
        problem = str(failure)
    except TimeoutError:
        problem = f"the node did not tell of its pods within {ASK_SECONDS:g} s"
    return Inspection(found, statuses, runner, problem)


def _told(report: PodsReport, directory: Path) -> dict[str, tuple[str, str]]:
    """An agent that reads another directory knows nothing of this one."""
    mine = (one for one in report.manifests if Path(one.source).parent == directory)
    return {one.source: (one.state, one.reason) for one in mine}


def _status(one: InspectedFile, report: PodsReport) -> PodStatus | None:
    """Of a file that is held, the pod of its last good version."""
    if one.verdict is FileVerdict.HELD:
        return next((status for status in report.pods if status.source == str(one.path)), None)
    if one.pod is None or one.verdict is FileVerdict.SUPERSEDED:
        return None
    status = find(report, one.pod.key)
    return status if status is not None and status.source in ("", str(one.path)) else None


async def _upstream(found: Sequence[InspectedFile], around: Surroundings) -> list[PodStatus | None]:
    slots = asyncio.Semaphore(SIDE_BY_SIDE)
    async with open_node(around.settings) as node:
        pods = UpstreamPods(node)

        async def one(item: InspectedFile) -> PodStatus | None:
            if item.manifest is None or item.verdict is not FileVerdict.VALID:
                return None
            async with slots:
                status = await pods.status(Manifest(item.path, item.manifest, item.changed_at))
            return None if isinstance(status, str) else status

        return list(await asyncio.gather(*(one(item) for item in found)))
