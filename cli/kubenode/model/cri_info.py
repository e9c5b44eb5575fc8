"""What is told of sandboxes and containers: plain values, times as ISO 8601 in UTC, states as words."""

from __future__ import annotations

from typing import Any

import msgspec


class Info(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base. What is not known, or does not apply, is None here, and left out of what is returned."""


class PortInfo(Info, frozen=True, kw_only=True):
    container_port: int
    host_port: int
    host_ip: str
    protocol: str


class PodInfo(Info, frozen=True, kw_only=True):
    """A sandbox. `state` is ready or notready; `ports` is None where the runtime does not tell.

    `info`: what the runtime adds, in its own form, where that was asked for.
    """

    id: str
    name: str
    namespace: str
    uid: str
    attempt: int
    state: str
    owner: str
    created_at: str
    ips: list[str]
    host_network: bool
    ports: list[PortInfo] | None = None
    hostname: str | None = None
    log_directory: str | None = None
    cgroup_parent: str | None = None
    runtime_handler: str
    pid: int | None = None
    labels: dict[str, str]
    annotations: dict[str, str]
    definition: dict[str, Any] | None = None
    info: dict[str, Any] | None = None


class MountInfo(Info, frozen=True, kw_only=True):
    container_path: str
    host_path: str
    image: str
    read_only: bool
    propagation: str


class ResourcesInfo(Info, frozen=True, kw_only=True):
    """cpu_quota and cpu_period in µs, memory_limit in bytes; 0: none, or the runtime's default."""

    cpu_shares: int
    cpu_quota: int
    cpu_period: int
    memory_limit: int


class ContainerInfo(Info, frozen=True, kw_only=True):
    """A container. `state` is created, running, exited or unknown; `exit_code` is None before it exited."""

    id: str
    name: str
    pod: str
    namespace: str
    pod_id: str
    pod_uid: str
    attempt: int
    state: str
    owner: str
    created_at: str
    started_at: str | None = None
    finished_at: str | None = None
    exit_code: int | None = None
    reason: str
    message: str
    image: str
    image_ref: str
    image_id: str
    mounts: list[MountInfo]
    resources: ResourcesInfo | None = None
    log_path: str
    pid: int | None = None
    user: int | None = None
    labels: dict[str, str]
    annotations: dict[str, str]
    definition: dict[str, Any] | None = None
    info: dict[str, Any] | None = None
