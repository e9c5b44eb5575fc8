"""The files of the directory of static pods: the state of each, its pod, and how that runs. Nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kubenode.agent.inspecting import Inspection, inspected
from kubenode.agent.surroundings import surroundings
from kubenode.model.status import PodStatus
from kubenode.resources import options
from kubenode.resources.plain import plain
from kubenode.resources.result import Result
from kubenode.sources.inspection import FileVerdict, InspectedFile


class Options(options.Options, frozen=True, kw_only=True):
    path: str = ""
    name: str = ""
    namespace: str = ""
    states: list[FileVerdict] = []
    config: str = ""
    runtime_endpoint: str = ""


async def run(wanted: Options, *, check: bool) -> Result:
    """Raises KubenodeError for a directory that cannot be read."""
    around = surroundings(wanted.config, wanted.runtime_endpoint)
    directory = Path(wanted.path) if wanted.path else around.directory
    seen = await inspected(directory, around)
    manifests = [_told(one, status, seen) for one, status in zip(seen.files, seen.statuses, strict=True)]
    values = {
        "node": around.settings.node_name,
        "agent": seen.runner,
        "path": str(directory),
        "manifests": [one for one in manifests if _matches(one, wanted)],
    }
    warnings = (f"How the pods run is not known: {seen.error}",) if seen.error else ()
    return Result(values=values, warnings=warnings)


def _told(one: InspectedFile, status: PodStatus | None, seen: Inspection) -> dict[str, object]:
    """A kubelet's UID of a pod is known once it runs."""
    told: dict[str, object] = {
        "path": str(one.path),
        "state": one.verdict.value,
        "reason": one.reason,
        "line": one.line or None,
        "field": one.field or None,
    }
    if one.pod is not None and one.manifest is not None:
        uid = one.pod.metadata.uid if seen.runner != "kubelet" else ""
        told["pod"] = {
            "name": one.manifest.metadata.name,
            "namespace": one.pod.key.namespace,
            "mirror_name": one.pod.key.name,
            "uid": (status.uid if status else uid) or None,
        }
    if status is not None:
        told["status"] = plain(status)
    return {key: value for key, value in told.items() if value is not None}


def _matches(told: Mapping[str, object], wanted: Options) -> bool:
    pod = told.get("pod")
    names = [Path(str(told["path"])).stem, Path(str(told["path"])).name]
    namespace = ""
    if isinstance(pod, dict):
        names += [pod["name"], pod["mirror_name"]]
        namespace = pod["namespace"]
    return (
        (not wanted.name or wanted.name in names)
        and (not wanted.namespace or wanted.namespace == namespace)
        and (not wanted.states or told["state"] in wanted.states)
    )
