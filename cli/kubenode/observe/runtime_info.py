"""Everything that a runtime tells of itself. What it lacks is told, and is no error."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, Unimplemented
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.runtime_info import Condition, FileSystem, Handler, RuntimeFeatures, RuntimeInfo
from kubenode.observe.driver import DRIVERS
from kubenode.plan.redaction import without_secrets

# Which sandbox nobody has: what is asked about it is answered at once.
NOBODY = "0" * 64
# Where a runtime says nothing within it to one who subscribes, it has the subscription.
LISTEN_SECONDS = 0.2
NEEDED = ("RuntimeReady", "NetworkReady")


async def runtime_info(cri: CriClient, *, verbose: bool, probe: bool) -> RuntimeInfo:
    """Raises ClientError where the runtime cannot be asked at all.

    verbose: with `info`, what the runtime tells in its own form, its configuration too
    probe: RPCs that only newer runtimes have are tried, with requests about nothing
    """
    version = await cri.version()
    status, config, usage = await asyncio.gather(
        cri.status(pb.StatusRequest(verbose=verbose)), _config(cri), _image_file_systems(cri)
    )
    conditions = [_condition(one) for one in status.status.conditions]
    states = {one.type: one.status for one in conditions}
    rpcs = await _probed(cri) if probe else {}
    return RuntimeInfo(
        endpoint=cri.endpoint,
        name=version.runtime_name,
        version=version.runtime_version,
        api_version=version.runtime_api_version,
        ready=all(states.get(one, False) for one in NEEDED),
        conditions=conditions,
        features=_features(status),
        runtime_handlers=[_handler(one) for one in status.runtime_handlers],
        cgroup_driver=DRIVERS.get(config.linux.cgroup_driver) if config and config.HasField("linux") else None,
        image_filesystems=None if usage is None else _file_systems(usage.image_filesystems),
        container_filesystems=None if usage is None else _file_systems(usage.container_filesystems),
        optional_rpcs={"RuntimeConfig": config is not None, **rpcs},
        info=parsed(status.info) if verbose else None,
    )


def parsed(info: Mapping[str, str]) -> dict[str, Any]:
    """What is JSON as what it means, all else as text; secrets of registries are hidden."""
    told: dict[str, Any] = {}
    for name, text in info.items():
        try:
            told[name] = msgspec.json.decode(text)
        except msgspec.DecodeError:
            told[name] = text
    hidden: dict[str, Any] = without_secrets(told)
    return hidden


async def _config(cri: CriClient) -> pb.RuntimeConfigResponse | None:
    try:
        return await cri.runtime_config()
    except Unimplemented:
        return None


async def _image_file_systems(cri: CriClient) -> pb.ImageFsInfoResponse | None:
    try:
        return await cri.image_fs_info()
    except Unimplemented:
        return None


def _condition(one: pb.RuntimeCondition) -> Condition:
    return Condition(type=one.type, status=one.status, reason=one.reason, message=one.message)


def _features(status: pb.StatusResponse) -> RuntimeFeatures | None:
    if not status.HasField("features"):
        return None
    return RuntimeFeatures(
        supplemental_groups_policy=status.features.supplemental_groups_policy,
        user_namespaces_host_network=status.features.user_namespaces_host_network,
        mount_options=status.features.mount_options,
    )


def _handler(one: pb.RuntimeHandler) -> Handler:
    told = one.HasField("features")
    return Handler(
        name=one.name,
        recursive_read_only_mounts=one.features.recursive_read_only_mounts if told else None,
        user_namespaces=one.features.user_namespaces if told else None,
    )


def _file_systems(usages: Iterable[pb.FilesystemUsage]) -> list[FileSystem]:
    return [
        FileSystem(
            mountpoint=one.fs_id.mountpoint,
            used_bytes=one.used_bytes.value if one.HasField("used_bytes") else None,
            inodes_used=one.inodes_used.value if one.HasField("inodes_used") else None,
            timestamp=one.timestamp,
        )
        for one in usages
    ]


async def _probed(cri: CriClient) -> dict[str, bool]:
    """Only what reads is tried; whether the others are there cannot be told without a change."""
    sandbox = pb.PodSandboxStatsFilter(id=NOBODY)
    tries: dict[str, Awaitable[object]] = {
        "PodSandboxStats": cri.pod_sandbox_stats(pb.PodSandboxStatsRequest(pod_sandbox_id=NOBODY)),
        "ListPodSandboxStats": cri.list_pod_sandbox_stats(pb.ListPodSandboxStatsRequest(filter=sandbox)),
        "ListMetricDescriptors": cri.list_metric_descriptors(),
        "GetContainerEvents": _first(lambda: cri.get_container_events(timeout=LISTEN_SECONDS)),
        "StreamPodSandboxes": _first(
            lambda: cri.stream_pod_sandboxes(pb.StreamPodSandboxesRequest(filter=pb.PodSandboxFilter(id=NOBODY)))
        ),
        "StreamContainers": _first(
            lambda: cri.stream_containers(pb.StreamContainersRequest(filter=pb.ContainerFilter(id=NOBODY)))
        ),
    }
    return dict(zip(tries, await asyncio.gather(*map(_has, tries.values())), strict=True))


async def _first(subscribe: Callable[[], AsyncGenerator[object, None]]) -> None:
    async with contextlib.aclosing(subscribe()) as messages:
        async for _ in messages:
            return


async def _has(attempt: Awaitable[object]) -> bool:
    """An error about what was asked comes from one who has the RPC."""
    try:
        await attempt
    except Unimplemented:
        return False
    except ClientError:
        return True
    return True
