"""Sandboxes and containers, whoever made them, as much of them as it takes to decide about single ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from google.protobuf import json_format

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import NotFound
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from kubenode.model.cri_objects import Owner, SeenContainer, SeenSandbox
from kubenode.model.names import PodKey
from kubenode.model.observed import ImageFact, Sandbox
from kubenode.model.specs import LinuxResources, Namespace, Namespaces, UserNamespace
from kubenode.observe.runtime import NANOSECONDS, observed_container
from kubenode.plan.cri_definitions import from_annotation

# Questions that are under way at once.
PARALLEL = 16
# What kubelets and the agent leave on all that they make, and nobody else does.
OF_AGENTS = (names.CONFIG_SOURCE, names.CONFIG_SEEN, names.CONFIG_HASH, names.CONTAINER_HASH)
_NAMESPACES = {pb.POD: Namespace.POD, pb.CONTAINER: Namespace.CONTAINER, pb.NODE: Namespace.NODE}


class ObjectObserver:
    """Reads the runtime. Raises ClientError."""

    def __init__(self, cri: CriClient) -> None:
        self._cri = cri
        self._slots = asyncio.Semaphore(PARALLEL)

    async def sandboxes(self, key: PodKey) -> list[pb.PodSandbox]:
        """All of the name, newest first. Labels are not asked for: others may have set none."""
        listed = (await self._cri.list_pod_sandbox()).items
        mine = [one for one in listed if (one.metadata.namespace, one.metadata.name) == key]
        return sorted(mine, key=lambda one: (one.created_at, one.metadata.attempt), reverse=True)

    async def seen(self, sandboxes: Iterable[pb.PodSandbox]) -> tuple[SeenSandbox, ...]:
        """The sandboxes with all that is in them."""
        listed = list(sandboxes)
        containers = await asyncio.gather(*(self._containers_of(one.id) for one in listed))
        return tuple(_sandbox(sandbox, tuple(members)) for sandbox, members in zip(listed, containers, strict=True))

    async def containers(self, sandbox_id: str, wanted: Collection[str]) -> tuple[SeenContainer, ...]:
        """Those of the sandbox with one of these names, newest first."""
        return tuple(await self._containers_of(sandbox_id, wanted))

    async def images(self, references: Iterable[str]) -> dict[str, ImageFact | None]:
        """What is here of each image; None for one that is not."""
        wanted = list(dict.fromkeys(references))
        found = await asyncio.gather(*(self._image(one) for one in wanted))
        return dict(zip(wanted, found, strict=True))

    async def sandbox_config(self, sandbox: pb.PodSandbox) -> pb.PodSandboxConfig:
        """What a sandbox was made with. Where the runtime does not tell, as much as its status and annotations do."""
        answer = await self._cri.pod_sandbox_status(pb.PodSandboxStatusRequest(pod_sandbox_id=sandbox.id, verbose=True))
        told = details(answer.info).get("config")
        if isinstance(told, Mapping):
            return json_format.ParseDict(dict(told), pb.PodSandboxConfig(), ignore_unknown_fields=True)
        made_from, _ = from_annotation(sandbox.annotations)
        definition, annotations = made_from or {}, sandbox.annotations
        config = pb.PodSandboxConfig(
            metadata=sandbox.metadata,
            labels=sandbox.labels,
            annotations=annotations,
            log_directory=annotations.get(names.LOG_DIRECTORY) or definition.get("log_directory", ""),
        )
        config.linux.cgroup_parent = annotations.get(names.CGROUP_PARENT) or definition.get("cgroup_parent", "")
        config.linux.security_context.namespace_options.CopyFrom(answer.status.linux.namespaces.options)
        config.linux.security_context.privileged = definition.get("security", {}).get("privileged", False)
        return config

    async def _containers_of(self, sandbox_id: str, wanted: Collection[str] | None = None) -> list[SeenContainer]:
        asked = pb.ListContainersRequest(filter=pb.ContainerFilter(pod_sandbox_id=sandbox_id))
        listed = (await self._cri.list_containers(asked)).containers
        named = [one for one in listed if wanted is None or one.metadata.name in wanted]
        seen = [one for one in await asyncio.gather(*(self._container(one) for one in named)) if one is not None]
        return sorted(seen, key=lambda one: (one.observed.attempt, one.observed.created_at), reverse=True)

    async def _container(self, listed: pb.Container) -> SeenContainer | None:
        """None when it went away meanwhile."""
        async with self._slots:
            try:
                answer = await self._cri.container_status(
                    pb.ContainerStatusRequest(container_id=listed.id, verbose=True)
                )
            except NotFound:
                return None
        definition, salt = from_annotation(listed.annotations)
        observed = observed_container(listed, answer.status, resources_of(answer))
        return SeenContainer(observed, owner(listed.annotations), definition, salt)

    async def _image(self, reference: str) -> ImageFact | None:
        async with self._slots:
            answer = await self._cri.image_status(pb.ImageStatusRequest(image=pb.ImageSpec(image=reference)))
        return ImageFact(answer.image.id) if answer.image.id else None


def owner(annotations: Mapping[str, str]) -> Owner:
    """Of a sandbox or a container."""
    if any(name in annotations for name in OF_AGENTS):
        return Owner.AGENT
    return Owner.MODULE if from_annotation(annotations)[0] is not None else Owner.OTHER


def details(info: Mapping[str, str]) -> dict[str, Any]:
    """What a runtime adds to a status that is asked for verbosely; empty for what is not JSON."""
    try:
        told = json.loads(info.get("info", ""))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def namespaces_of(config: pb.PodSandboxConfig) -> Namespaces:
    """Those that the containers of a sandbox get."""
    options = config.linux.security_context.namespace_options
    users = options.userns_options
    mapped = users.uids[0] if users.mode == pb.POD and users.uids else None
    return Namespaces(
        network=_NAMESPACES[options.network],
        pid=_NAMESPACES[options.pid],
        ipc=_NAMESPACES[options.ipc],
        user=None if mapped is None else UserNamespace(mapped.host_id, mapped.length),
    )


def resources_of(answer: pb.ContainerStatusResponse) -> LinuxResources | None:
    """What the runtime gives a container; older ones tell only in what they hand to the OCI runtime."""
    told = answer.status.resources
    if told.HasField("linux"):
        linux = told.linux
        return LinuxResources(
            linux.cpu_shares,
            linux.cpu_period,
            linux.cpu_quota,
            linux.memory_limit_in_bytes,
            linux.oom_score_adj,
            tuple((one.page_size, one.limit) for one in linux.hugepage_limits),
        )
    resources = details(answer.info).get("runtimeSpec", {}).get("linux", {}).get("resources")
    if not isinstance(resources, Mapping):
        return None
    cpu, memory = resources.get("cpu") or {}, resources.get("memory") or {}
    return LinuxResources(
        cpu.get("shares") or 0, cpu.get("period") or 0, cpu.get("quota") or 0, memory.get("limit") or 0, 0
    )


def _sandbox(listed: pb.PodSandbox, containers: tuple[SeenContainer, ...]) -> SeenSandbox:
    observed = Sandbox(
        id=listed.id,
        uid=listed.metadata.uid,
        attempt=listed.metadata.attempt,
        ready=listed.state == pb.SANDBOX_READY,
        created_at=listed.created_at / NANOSECONDS,
        log_directory=listed.annotations.get(names.LOG_DIRECTORY, ""),
        cgroup_parent=listed.annotations.get(names.CGROUP_PARENT, ""),
    )
    whose = owner(listed.annotations)
    # Where a sandbox does not tell that a kubelet made it, the containers in it do.
    if whose is Owner.OTHER and any(one.owner is Owner.AGENT for one in containers):
        whose = Owner.AGENT
    return SeenSandbox(observed, whose, from_annotation(listed.annotations)[0], containers)
