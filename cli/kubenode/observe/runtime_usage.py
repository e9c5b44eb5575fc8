"""What the runtime's containers and pods use: four calls, whatever their number, as long as none spoils a list."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from google.protobuf.message import Message

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, NotFound, Unavailable, Unimplemented
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.usage import (
    ContainerUsage,
    Cpu,
    Interface,
    Memory,
    NotTold,
    PodUsage,
    Swap,
    UsageSample,
    WritableLayer,
)
from kubenode.observe.cri_info import Filters

PARALLEL = 8
_Stats = TypeVar("_Stats", pb.ContainerStats, pb.PodSandboxStats)


async def usage(cri: CriClient, filters: Filters) -> UsageSample:
    """Of what runs and fits, by namespace, pod and name. Pods are left out where containers are named.

    Raises ClientError where the runtime cannot be asked; one of which it cannot tell is in `not_told`.
    """
    sandboxes = (await cri.list_pod_sandbox()).items
    running = pb.ContainerFilter(state=pb.ContainerStateValue(state=pb.CONTAINER_RUNNING))
    listed = (await cri.list_containers(pb.ListContainersRequest(filter=running))).containers
    pods = {one.id: one for one in sandboxes}
    wanted = [one for one in listed if one.pod_sandbox_id in pods and _fits(one, pods[one.pod_sandbox_id], filters)]
    ready = [one for one in sandboxes if one.state == pb.SANDBOX_READY and _pod_fits(one, filters)]
    if filters.names or filters.ids:
        ready = []
    containers, missing_containers = await _containers(cri, wanted, pods)
    told, missing_pods = await _pods(cri, ready)
    return UsageSample(containers=containers, pods=told, not_told=(*missing_containers, *missing_pods))


async def _containers(
    cri: CriClient, wanted: Sequence[pb.Container], pods: Mapping[str, pb.PodSandbox]
) -> tuple[tuple[ContainerUsage, ...], list[NotTold]]:
    async def every() -> Iterable[pb.ContainerStats]:
        return (await cri.list_container_stats()).stats

    async def one(container_id: str) -> pb.ContainerStats:
        return (await cri.container_stats(pb.ContainerStatsRequest(container_id=container_id))).stats

    stats, failures = await _stats([each.id for each in wanted], every, one)
    told, missing = [], []
    for each in wanted:
        pod = pods[each.pod_sandbox_id].metadata
        if each.id in stats:
            told.append(_container(each, pod, stats[each.id]))
        elif each.id in failures:
            name = f"{pod.namespace}/{pod.name}/{each.metadata.name}"
            missing.append(NotTold(kind="container", id=each.id, name=name, why=failures[each.id]))
    told.sort(key=lambda usage: (usage.namespace, usage.pod, usage.name, usage.attempt))
    return tuple(told), missing


async def _pods(cri: CriClient, ready: Sequence[pb.PodSandbox]) -> tuple[tuple[PodUsage, ...], list[NotTold]]:
    async def every() -> Iterable[pb.PodSandboxStats]:
        return (await cri.list_pod_sandbox_stats()).stats

    async def one(sandbox_id: str) -> pb.PodSandboxStats:
        return (await cri.pod_sandbox_stats(pb.PodSandboxStatsRequest(pod_sandbox_id=sandbox_id))).stats

    stats, failures = await _stats([each.id for each in ready], every, one)
    told, missing = [], []
    for each in ready:
        if each.id in stats:
            told.append(_pod(each, stats[each.id].linux))
        elif each.id in failures:
            name = f"{each.metadata.namespace}/{each.metadata.name}"
            missing.append(NotTold(kind="pod", id=each.id, name=name, why=failures[each.id]))
    told.sort(key=lambda usage: (usage.namespace, usage.name))
    return tuple(told), missing


async def _stats(
    ids: Sequence[str],
    every: Callable[[], Awaitable[Iterable[_Stats]]],
    one: Callable[[str], Awaitable[_Stats]],
) -> tuple[dict[str, _Stats], dict[str, str]]:
    """By id, and why not for those of which the runtime cannot tell. What went away meanwhile is in neither.

    One of which it cannot tell makes some runtimes refuse the whole list: then each is asked for by itself.
    """
    if not ids:
        return {}, {}
    try:
        stats = {each.attributes.id: each for each in await every()}
    except Unimplemented as error:
        return {}, dict.fromkeys(ids, str(error))
    except ClientError as error:
        _raise_when_away(error)
        stats = {}
    failures: dict[str, str] = {}
    slots = asyncio.Semaphore(PARALLEL)

    async def ask(each: str) -> None:
        try:
            async with slots:
                stats[each] = await one(each)
        except NotFound:
            return
        except ClientError as error:
            _raise_when_away(error)
            failures[each] = str(error)

    await asyncio.gather(*(ask(each) for each in ids if each not in stats))
    return stats, failures


def _raise_when_away(error: ClientError) -> None:
    """A container that hangs the question about it is one of which cannot be told; a runtime that is gone is not."""
    if isinstance(error, Unavailable):
        raise error


def _fits(container: pb.Container, pod: pb.PodSandbox, filters: Filters) -> bool:
    return (
        _any(container.metadata.name, filters.names)
        and (not filters.ids or any(bool(one) and container.id.startswith(one) for one in filters.ids))
        and _of_pod(pod, filters)
        and filters.labels.items() <= {**pod.labels, **container.labels}.items()
    )


def _pod_fits(pod: pb.PodSandbox, filters: Filters) -> bool:
    return _of_pod(pod, filters) and filters.labels.items() <= dict(pod.labels).items()


def _of_pod(pod: pb.PodSandbox, filters: Filters) -> bool:
    begins = any(bool(one) and pod.id.startswith(one) for one in filters.pods)
    named = begins or _any(pod.metadata.name, filters.pods)
    return named and _any(pod.metadata.namespace, filters.namespaces)


def _any(text: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(text, pattern) for pattern in patterns)


def _container(listed: pb.Container, pod: pb.PodSandboxMetadata, stats: pb.ContainerStats) -> ContainerUsage:
    layer, swap = stats.writable_layer, stats.swap
    return ContainerUsage(
        id=listed.id,
        name=listed.metadata.name,
        pod=pod.name,
        namespace=pod.namespace,
        pod_id=listed.pod_sandbox_id,
        attempt=listed.metadata.attempt,
        labels=dict(listed.labels),
        cpu=_cpu(stats.cpu) if stats.HasField("cpu") else None,
        memory=_memory(stats.memory) if stats.HasField("memory") else None,
        swap=Swap(
            timestamp=swap.timestamp,
            available_bytes=_value(swap, "swap_available_bytes"),
            usage_bytes=_value(swap, "swap_usage_bytes"),
        )
        if stats.HasField("swap")
        else None,
        filesystem=WritableLayer(
            timestamp=layer.timestamp,
            mountpoint=layer.fs_id.mountpoint,
            used_bytes=_value(layer, "used_bytes"),
            inodes_used=_value(layer, "inodes_used"),
        )
        if stats.HasField("writable_layer")
        else None,
    )


def _pod(listed: pb.PodSandbox, stats: pb.LinuxPodSandboxStats) -> PodUsage:
    interfaces = [one for one in (stats.network.default_interface, *stats.network.interfaces) if one.name]
    return PodUsage(
        id=listed.id,
        name=listed.metadata.name,
        namespace=listed.metadata.namespace,
        uid=listed.metadata.uid,
        labels=dict(listed.labels),
        cpu=_cpu(stats.cpu) if stats.HasField("cpu") else None,
        memory=_memory(stats.memory) if stats.HasField("memory") else None,
        interfaces=[_interface(one) for one in interfaces] if stats.HasField("network") else None,
        processes=_value(stats.process, "process_count"),
    )


def _cpu(cpu: pb.CpuUsage) -> Cpu:
    """Without a rate: those of runtimes are over windows of their own, or 0 where they keep none."""
    return Cpu(
        timestamp=cpu.timestamp,
        usage_core_nanoseconds=_value(cpu, "usage_core_nano_seconds"),
        usage_nanocores=None,
    )


def _memory(memory: pb.MemoryUsage) -> Memory:
    return Memory(
        timestamp=memory.timestamp,
        working_set_bytes=_value(memory, "working_set_bytes"),
        available_bytes=_value(memory, "available_bytes"),
        usage_bytes=_value(memory, "usage_bytes"),
        rss_bytes=_value(memory, "rss_bytes"),
        page_faults=_value(memory, "page_faults"),
        major_page_faults=_value(memory, "major_page_faults"),
    )


def _interface(interface: pb.NetworkInterfaceUsage) -> Interface:
    return Interface(
        name=interface.name,
        rx_bytes=_value(interface, "rx_bytes"),
        rx_errors=_value(interface, "rx_errors"),
        tx_bytes=_value(interface, "tx_bytes"),
        tx_errors=_value(interface, "tx_errors"),
    )


def _value(message: Message, field: str) -> int | None:
    return int(getattr(message, field).value) if message.HasField(field) else None
