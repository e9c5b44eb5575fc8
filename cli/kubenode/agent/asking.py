"""What the command line asks about one pod, and about events: the running agent, else the node itself."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from urllib.parse import quote

import msgspec
import yaml

from kubenode.agent import queries
from kubenode.agent.describing import pod_detail
from kubenode.agent.naming import NamedPod, UnknownName, resolve
from kubenode.agent.once import look, open_node
from kubenode.clients.agent import AgentClient
from kubenode.clients.errors import Unavailable
from kubenode.model.describe import Explanation, PodDetail
from kubenode.model.events import Event, EventsReport
from kubenode.model.names import PodKey
from kubenode.model.reports import ManifestState, PodsReport
from kubenode.model.settings import Settings
from kubenode.model.source import ItemState
from kubenode.model.static_pod import static_pod_name
from kubenode.plan.explain import explain_manifest, explanation
from kubenode.sources.documents import child_of, read_nodes
from kubenode.sources.manifest import RefusedError


async def describe(settings: Settings, text: str) -> PodDetail:
    """Everything about the pod of that name. Raises UnknownName, AmbiguousName, ClientError."""
    client = AgentClient(settings.admin_socket)
    try:
        report = msgspec.json.decode(await client.get("/v1/pods"), type=PodsReport)
        key = _find(text, report, settings)
        answer = await client.get(f"/v1/pods/{quote(key.namespace)}/{quote(key.name)}")
        return msgspec.json.decode(answer, type=PodDetail)
    except Unavailable:
        return await _describe_here(settings, text)


async def explain(settings: Settings, text: str) -> Explanation:
    """Why the pod of that name is not well; a manifest that has no pod has its reasons too. Raises as `describe`."""
    try:
        return (await describe(settings, text)).explanation
    except UnknownName:
        report = await queries.pods(settings)
        links = [explain_manifest(manifest) for manifest in report.manifests if _is_meant(text, manifest, settings)]
        if not links:
            raise
        return explanation(text, links)


async def events(settings: Settings) -> EventsReport:
    """Every event that is kept. Raises ClientError; without an agent nobody saw any."""
    return msgspec.json.decode(await AgentClient(settings.admin_socket).get("/v1/events"), type=EventsReport)


async def follow_events(settings: Settings) -> AsyncIterator[Event]:
    """Those that are kept, then each that comes, for as long as the agent runs. Raises ClientError."""
    async for line in AgentClient(settings.admin_socket).lines("/v1/events?follow=true"):
        yield msgspec.json.decode(line, type=Event)


async def known_pods(settings: Settings, told: Iterable[Event]) -> list[NamedPod]:
    """Pods that are there, and those that events tell of. Raises ClientError."""
    report = await queries.pods(settings)
    gone = {PodKey(event.namespace, event.pod) for event in told if event.pod}
    there = _named(report)
    return [*there, *(NamedPod(key) for key in sorted(gone - {pod.key for pod in there}))]


async def _describe_here(settings: Settings, text: str) -> PodDetail:
    async with open_node(settings) as node:
        snapshot, keys = await queries.survey(settings, node)
        pods = [NamedPod(key) for key in keys]
        key = resolve(text, pods, settings.node_name).key
        desired = snapshot.pods.get(key)
        seen = await look(node, key, desired, {})
        return pod_detail(desired, seen.observed, {}, settings, time.time(), snapshot)


def _find(text: str, report: PodsReport, settings: Settings) -> PodKey:
    return resolve(text, _named(report), settings.node_name).key


def _named(report: PodsReport) -> list[NamedPod]:
    return [
        NamedPod(PodKey(pod.namespace, pod.name), tuple(one.name for one in (*pod.init_containers, *pod.containers)))
        for pod in report.pods
    ]


def _is_meant(text: str, manifest: ManifestState, settings: Settings) -> bool:
    """Whether a manifest that is not run is the one of that name: by its file's name, or by the pod's in it."""
    if manifest.state == ItemState.VALID:
        return False
    name = text.rpartition("/")[2].removesuffix(static_pod_name("", settings.node_name))
    path = Path(manifest.source)
    return name in (path.name, path.stem, _pod_name(path)) or text == manifest.source


def _pod_name(path: Path) -> str:
    """The name in a manifest that need not be valid; empty where it has none that can be read."""
    try:
        nodes = read_nodes(path.read_bytes()) if path.is_file() else []
    except (OSError, RefusedError):
        return ""
    for node in nodes:
        metadata = child_of(node, "metadata")
        name = child_of(metadata, "name") if metadata is not None else None
        if isinstance(name, yaml.ScalarNode):
            return str(name.value)
    return ""
