"""A pod as text for people, in the order of `kubectl describe pod`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from kubenode.commands.container_text import container_lines
from kubenode.model.describe import PodDetail
from kubenode.model.duration import format_age
from kubenode.model.events import Event
from kubenode.model.pod import Pod
from kubenode.model.status import Condition, PodStatus
from kubenode.model.volumes import Volume, source_of
from kubenode.plan.resources import effective_priority
from kubenode.plan.v1 import timestamp

WIDTH = 18
NONE = "<none>"
KINDS = {
    "EmptyDirVolumeSource": "EmptyDir (a directory that lives as long as the pod)",
    "HostPathVolumeSource": "HostPath (a path of the node)",
    "ConfigMapVolumeSource": "ConfigMap (the content of a ConfigMap)",
    "SecretVolumeSource": "Secret (the content of a Secret)",
    "DownwardAPIVolumeSource": "DownwardAPI (facts about the pod)",
    "ProjectedVolumeSource": "Projected (several sources in one directory)",
    "ImageVolumeSource": "Image (the content of an image)",
}


def lines(detail: PodDetail) -> Iterator[str]:
    """Line by line."""
    status = detail.status
    pod = msgspec.convert({**detail.pod, "status": None}, Pod)
    yield from _head(detail, pod, status)
    manifests = {one.name: one for one in (*pod.spec.init_containers, *pod.spec.containers)}
    for title, statuses in (("Init Containers:", status.init_containers), ("Containers:", status.containers)):
        if statuses:
            yield title
        for one in statuses:
            yield from container_lines(manifests[one.name], one)
    yield from _conditions(status.conditions)
    yield from _volumes(pod.spec.volumes)
    yield _field("QoS Class:", status.qos_class or NONE)
    yield from _pairs("Node-Selectors:", pod.spec.node_selector)
    yield from _several("Tolerations:", [_toleration(one) for one in pod.spec.tolerations])
    yield from _events(detail)


def _head(detail: PodDetail, pod: Pod, status: PodStatus) -> Iterator[str]:
    spec = pod.spec
    yield _field("Name:", status.name)
    yield _field("Namespace:", status.namespace)
    yield _field("Priority:", str(effective_priority(pod)))
    for title, value in (
        ("Priority Class:", spec.priority_class_name),
        ("Runtime Class:", spec.runtime_class_name),
    ):
        if value:
            yield _field(title, value)
    yield _field("Node:", "/".join([detail.node, *status.host_ips[:1]]))
    yield _field("Start Time:", timestamp(status.start_time) or NONE)
    yield from _pairs("Labels:", pod.metadata.labels)
    yield from _pairs("Annotations:", pod.metadata.annotations, ": ")
    yield _field("Status:", status.phase)
    if status.reason:
        yield _field("Reason:", status.reason)
        yield _field("Message:", _one_line(status.message))
    yield _field("IP:", next(iter(status.ips), ""))
    yield from _several("IPs:", list(status.ips))
    yield from _source(status)


def _source(status: PodStatus) -> Iterator[str]:
    if not status.source:
        yield _field("Manifest:", f"{NONE}: it is gone" if status.phase == "Terminating" else NONE)
        return
    place = f"{status.source}:{status.source_line}" if status.source_line else status.source
    yield _field("Manifest:", f"{place} ({status.source_state})")
    if status.source_reason:
        yield _field("", _one_line(status.source_reason))


def _conditions(conditions: Iterable[Condition]) -> Iterator[str]:
    listed = list(conditions)
    if not listed:
        return
    yield "Conditions:"
    yield f"  {'Type':<28} {'Status':<7} {'Since':<22} Reason"
    for one in listed:
        why = f"{one.reason}: {one.message}" if one.message else one.reason
        status = "True" if one.status else "False"
        yield f"  {one.type:<28} {status:<7} {timestamp(one.since) or '-':<22} {why}".rstrip()


def _volumes(volumes: Iterable[Volume]) -> Iterator[str]:
    listed = list(volumes)
    yield "Volumes:" if listed else _field("Volumes:", NONE)
    for volume in listed:
        yield f"  {volume.name}:"
        source = source_of(volume)
        yield f"    {'Type:':<12} {KINDS[type(source).__name__ if source else 'EmptyDirVolumeSource']}"
        for name, value in msgspec.to_builtins(source).items() if source else ():
            yield f"    {name + ':':<12} {_plain(value)}"


def _plain(value: object) -> str:
    """A field of a volume: names of keys and objects, never what is in them."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _toleration(toleration: object) -> str:
    if not isinstance(toleration, Mapping):
        return str(toleration)
    key, value, effect = (str(toleration.get(name) or "") for name in ("key", "value", "effect"))
    how = f"={value}" if value else ""
    tail = f":{effect}" if effect else ""
    operator = "" if value else f" op={toleration.get('operator') or 'Equal'}"
    return f"{key}{how}{tail}{operator}".strip()


def _events(detail: PodDetail) -> Iterator[str]:
    if detail.error:
        yield _field("Events:", f"{NONE}: {detail.error}")
        return
    yield "Events:" if detail.events else _field("Events:", NONE)
    if detail.events:
        yield f"  {'Type':<8} {'Reason':<24} {'Age':<22} Message"
    for event in detail.events:
        yield f"  {event.type:<8} {event.reason:<24} {_age(event):<22} {_one_line(event.message)}"


def _age(event: Event) -> str:
    now = time.time()
    last = format_age(now - event.last_at)
    return f"{last} (x{event.count} over {format_age(now - event.first_at)})" if event.count > 1 else last


def _pairs(title: str, pairs: Mapping[str, str], between: str = "=") -> Iterator[str]:
    yield from _several(title, [f"{name}{between}{_one_line(value)}" for name, value in sorted(pairs.items())])


def _several(title: str, values: list[str]) -> Iterator[str]:
    """The first beside the title, the others below it."""
    yield _field(title, values[0] if values else NONE)
    for value in values[1:]:
        yield _field("", value)


def _field(title: str, value: str) -> str:
    return f"{title:<{WIDTH}} {value}".rstrip()


def _one_line(text: str) -> str:
    return " ".join(text.split())
