"""One turn for every static pod of the node, or what it would do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kubenode.agent import queries
from kubenode.agent.surroundings import surroundings
from kubenode.agent.waiting import wait_all
from kubenode.clients.errors import KubenodeError
from kubenode.model.reports import PodSync, Step, SyncReport
from kubenode.resources import options
from kubenode.resources.plain import plain
from kubenode.resources.result import ResourceError, Result


class Options(options.Options, frozen=True, kw_only=True):
    wait: bool = False
    wait_timeout: int = 120
    config: str = ""
    runtime_endpoint: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A step for a pod, or for the node itself."""

    verb: str
    why: str


async def run(wanted: Options, *, check: bool) -> Result:
    """Raises ResourceError that names the pods whose steps failed, NodeBusy, ClientError."""
    around = surroundings(wanted.config, wanted.runtime_endpoint)
    if around.kubelet and not check:
        raise ResourceError(
            f"A kubelet runs on this node (process {around.kubelet.pid}), and its pods are its own: nothing is "
            "changed. In check mode the task tells what kubenode would do in its place."
        )
    report = await queries.sync(around.settings, dry_run=check)
    result = _result(report)
    if failures := list(_failures(report)):
        raise ResourceError(f"Not all could be done on {report.node}: {'; '.join(failures)}", **result.returned())
    if wanted.wait and not check:
        try:
            await wait_all(around, wanted.wait_timeout)
        except KubenodeError as error:
            raise ResourceError(str(error), **result.returned()) from None
    return result


def _result(report: SyncReport) -> Result:
    by_subject = dict(_plan(report))
    steps = [
        Taken(f"{subject}: {step.action}" if subject != report.node else step.action, step.why)
        for subject, taken in by_subject.items()
        for step in taken
    ]
    lines = {subject: [f"{step.action} ({step.why})" for step in taken] for subject, taken in by_subject.items()}
    told = plain(report)
    values = {key: told[key] for key in ("node", "complete", "errors", "manifests", "objects", "pods")}
    values["node_steps"] = told["steps"]
    return Result(values=values, steps=steps, before={} if lines else None, after=lines or None, warnings=report.errors)


def _plan(report: SyncReport) -> Iterator[tuple[str, Sequence[Step]]]:
    """The steps by pod, those of the node itself first; of a turn that was taken those that were done."""
    for subject, steps in ((report.node, report.steps), *((pod.pod, pod.steps) for pod in report.pods)):
        if taken := [step for step in steps if report.dry_run or step.result == "done"]:
            yield subject, taken


def _failures(report: SyncReport) -> Iterator[str]:
    yield from (_failure(report.node, step) for step in report.steps if step.result == "failed")
    for pod in report.pods:
        if pod.error:
            yield f"{pod.pod}: {pod.error}"
        yield from (_failure(pod.pod, step) for step in _failed(pod))


def _failed(pod: PodSync) -> list[Step]:
    return [step for step in pod.steps if step.result == "failed"]


def _failure(subject: str, step: Step) -> str:
    reason = ": ".join(filter(None, (step.reason, step.message.rstrip("."))))
    return f"{subject}: to {step.action} failed: {reason}"
