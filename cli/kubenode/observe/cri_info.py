"""Everything about sandboxes and containers that filters choose: two lists, then a question each, few at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import NotFound
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from kubenode.model.cri_info import ContainerInfo, MountInfo, PodInfo, PortInfo, ResourcesInfo
from kubenode.model.observed import addresses
from kubenode.observe.cri_objects import PARALLEL, details, owner, resources_of
from kubenode.plan.cri_definitions import from_annotation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATES = {
    "ready": pb.SANDBOX_READY,
    "notready": pb.SANDBOX_NOTREADY,
    "created": pb.CONTAINER_CREATED,
    "running": pb.CONTAINER_RUNNING,
    "exited": pb.CONTAINER_EXITED,
    "unknown": pb.CONTAINER_UNKNOWN,
}
_POD_WORDS = {pb.SANDBOX_READY: "ready", pb.SANDBOX_NOTREADY: "notready"}
_CONTAINER_WORDS = {
    pb.CONTAINER_CREATED: "created",
    pb.CONTAINER_RUNNING: "running",
    pb.CONTAINER_EXITED: "exited",
}
_PROPAGATIONS = {
    pb.PROPAGATION_PRIVATE: "None",
    pb.PROPAGATION_HOST_TO_CONTAINER: "HostToContainer",
    pb.PROPAGATION_BIDIRECTIONAL: "Bidirectional",
}
_Told = TypeVar("_Told")
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Filters:
    """What is empty is not filtered by. `names`, `namespaces`, `pods`: patterns with * and ?; `ids`: beginnings of ids.

    `sandbox_id`: in full; `state`: a word of PodInfo.state or ContainerInfo.state; `labels`: all have to be there.
    """

    names: Sequence[str] = ()
    namespaces: Sequence[str] = ()
    pods: Sequence[str] = ()
    ids: Sequence[str] = ()
    sandbox_id: str = ""
    state: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


async def pods(cri: CriClient, filters: Filters, *, verbose: bool) -> list[PodInfo]:
    """By namespace, name and attempt. Raises ClientError."""
    asked = pb.PodSandboxFilter(label_selector=filters.labels)
    if filters.state:
        asked.state.state = pb.PodSandboxState.ValueType(_STATES[filters.state])
    items = [
        one
        for one in (await cri.list_pod_sandbox(pb.ListPodSandboxRequest(filter=asked))).items
        if _fits(one.metadata.name, filters.names)
        and _fits(one.metadata.namespace, filters.namespaces)
        and _begins(one.id, filters.ids)
    ]
    items.sort(key=lambda one: (one.metadata.namespace, one.metadata.name, one.metadata.attempt, one.created_at))

    async def tell(item: pb.PodSandbox) -> PodInfo:
        request = pb.PodSandboxStatusRequest(pod_sandbox_id=item.id, verbose=True)
        return _pod(await cri.pod_sandbox_status(request), verbose=verbose)

    return await _told(items, tell)


async def containers(cri: CriClient, filters: Filters, *, verbose: bool) -> list[ContainerInfo]:
    """By namespace, pod, name and attempt. Raises ClientError."""
    asked = pb.ContainerFilter(label_selector=filters.labels, pod_sandbox_id=filters.sandbox_id)
    if filters.state:
        asked.state.state = pb.ContainerState.ValueType(_STATES[filters.state])
    sandboxes = {one.id: one.metadata for one in (await cri.list_pod_sandbox()).items}
    listed = (await cri.list_containers(pb.ListContainersRequest(filter=asked))).containers
    items = []
    for one in listed:
        pod = _pod_of(one, sandboxes)
        fits = (
            _fits(one.metadata.name, filters.names)
            and _fits(pod.namespace, filters.namespaces)
            and (_fits(pod.name, filters.pods) or (filters.pods and _begins(one.pod_sandbox_id, filters.pods)))
            and _begins(one.id, filters.ids)
        )
        if fits:
            items.append((pod, one))
    items.sort(key=lambda pair: (pair[0].namespace, pair[0].name, pair[1].metadata.name, pair[1].metadata.attempt))

    async def tell(item: tuple[pb.PodSandboxMetadata, pb.Container]) -> ContainerInfo:
        pod, listed_one = item
        answer = await cri.container_status(pb.ContainerStatusRequest(container_id=listed_one.id, verbose=True))
        return _container(pod, listed_one, answer, verbose=verbose)

    return await _told(items, tell)


async def _told(items: Iterable[_Item], tell: Callable[[_Item], Awaitable[_Told]]) -> list[_Told]:
    """In the same order, without those that went away meanwhile."""
    slots = asyncio.Semaphore(PARALLEL)

    async def one(item: _Item) -> _Told | None:
        async with slots:
            try:
                return await tell(item)
            except NotFound:
                return None

    return [told for told in await asyncio.gather(*(one(item) for item in items)) if told is not None]


def _fits(text: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def _begins(text: str, beginnings: Sequence[str]) -> bool:
    return not beginnings or any(bool(one) and text.startswith(one) for one in beginnings)


def _pod_of(container: pb.Container, sandboxes: Mapping[str, pb.PodSandboxMetadata]) -> pb.PodSandboxMetadata:
    """Of a container whose sandbox the runtime lost its labels tell."""
    labels = container.labels
    return sandboxes.get(container.pod_sandbox_id) or pb.PodSandboxMetadata(
        name=labels.get(names.POD_NAME, ""),
        namespace=labels.get(names.POD_NAMESPACE, ""),
        uid=labels.get(names.POD_UID, ""),
    )


def _pod(answer: pb.PodSandboxStatusResponse, *, verbose: bool) -> PodInfo:
    status, told = answer.status, details(answer.info)
    config = told.get("config") or {}
    linux = config.get("linux") or {}
    network = status.linux.namespaces.options.network
    return PodInfo(
        id=status.id,
        name=status.metadata.name,
        namespace=status.metadata.namespace,
        uid=status.metadata.uid,
        attempt=status.metadata.attempt,
        state=_POD_WORDS.get(status.state, "notready"),
        owner=owner(status.annotations),
        created_at=_time(status.created_at) or "",
        ips=list(addresses(status.network.ip, (more.ip for more in status.network.additional_ips))),
        host_network=network == pb.NODE,
        ports=[_port(port) for port in config.get("port_mappings") or []] if config else None,
        hostname=config.get("hostname"),
        log_directory=config.get("log_directory") or status.annotations.get(names.LOG_DIRECTORY),
        cgroup_parent=linux.get("cgroup_parent") or status.annotations.get(names.CGROUP_PARENT),
        runtime_handler=status.runtime_handler,
        pid=told.get("pid") or None,
        labels=dict(status.labels),
        annotations=_without_definition(status.annotations),
        definition=from_annotation(status.annotations)[0],
        info=_info(answer.info) if verbose else None,
    )


def _container(
    pod: pb.PodSandboxMetadata, listed: pb.Container, answer: pb.ContainerStatusResponse, *, verbose: bool
) -> ContainerInfo:
    status, told = answer.status, details(answer.info)
    resources = resources_of(answer)
    return ContainerInfo(
        id=status.id,
        name=status.metadata.name,
        pod=pod.name,
        namespace=pod.namespace,
        pod_id=listed.pod_sandbox_id,
        pod_uid=pod.uid,
        attempt=status.metadata.attempt,
        state=_CONTAINER_WORDS.get(status.state, "unknown"),
        owner=owner(status.annotations),
        created_at=_time(status.created_at) or "",
        started_at=_time(status.started_at),
        finished_at=_time(status.finished_at),
        exit_code=status.exit_code if status.finished_at else None,
        reason=status.reason,
        message=status.message,
        image=listed.image.image or status.image.image,
        image_ref=status.image_ref,
        image_id=status.image_id or listed.image_id or listed.image_ref,
        mounts=[_mount(mount) for mount in status.mounts],
        resources=None
        if resources is None
        else ResourcesInfo(
            cpu_shares=resources.cpu_shares,
            cpu_quota=resources.cpu_quota,
            cpu_period=resources.cpu_period,
            memory_limit=resources.memory_limit,
        ),
        log_path=status.log_path,
        pid=told.get("pid") or None,
        user=_user(status, told),
        labels=dict(status.labels),
        annotations=_without_definition(status.annotations),
        definition=from_annotation(status.annotations)[0],
        info=_info(answer.info) if verbose else None,
    )


def _user(status: pb.ContainerStatus, told: Mapping[str, Any]) -> int | None:
    """Who its first process runs as."""
    if status.user.HasField("linux"):
        return status.user.linux.uid
    uid = (((told.get("runtimeSpec") or {}).get("process") or {}).get("user") or {}).get("uid")
    return uid if isinstance(uid, int) else None


def _port(port: Mapping[str, Any]) -> PortInfo:
    protocol = port.get("protocol", pb.TCP)
    return PortInfo(
        container_port=port.get("container_port", 0),
        host_port=port.get("host_port", 0),
        host_ip=port.get("host_ip", ""),
        protocol=protocol if isinstance(protocol, str) else pb.Protocol.Name(protocol),
    )


def _mount(mount: pb.Mount) -> MountInfo:
    return MountInfo(
        container_path=mount.container_path,
        host_path=mount.host_path,
        image=mount.image.image,
        read_only=mount.readonly,
        propagation=_PROPAGATIONS.get(mount.propagation, "None"),
    )


def _without_definition(annotations: Mapping[str, str]) -> dict[str, str]:
    """The definition is told apart, in full."""
    return {name: value for name, value in annotations.items() if name != names.DEFINITION}


def _info(info: Mapping[str, str]) -> dict[str, Any]:
    """What the runtime adds, parsed; a part that is not JSON stays text under its name."""
    parsed = details(info)
    others = {name: text for name, text in info.items() if name != "info" or not parsed}
    return {**parsed, **others}


def _time(nanoseconds: int) -> str | None:
    """ISO 8601, UTC, to the microsecond; None for what has not come to pass."""
    if nanoseconds <= 0:
        return None
    moment = _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
