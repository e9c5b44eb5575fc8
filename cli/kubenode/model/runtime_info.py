"""What a container runtime tells of itself, in plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`type`: "RuntimeReady", "NetworkReady" or another; `reason` and `message` are empty where nothing is wrong."""

    type: str
    status: bool
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """A runtime handler, as of a RuntimeClass. `name`: empty for the default; features are None where it tells none."""

    name: str
    recursive_read_only_mounts: bool | None
    user_namespaces: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeFeatures:
    supplemental_groups_policy: bool
    user_namespaces_host_network: bool
    mount_options: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSystem:
    """`used_bytes` and `inodes_used`: by what the runtime keeps there; `mountpoint`: a folder on it."""

    mountpoint: str
    used_bytes: int | None
    inodes_used: int | None
    timestamp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeInfo:
    """None for what this runtime does not tell. `optional_rpcs`: whether it has each of those that were looked for."""

    endpoint: str
    name: str
    version: str
    api_version: str
    ready: bool
    conditions: list[Condition]
    features: RuntimeFeatures | None
    runtime_handlers: list[Handler]
    cgroup_driver: str | None
    image_filesystems: list[FileSystem] | None
    container_filesystems: list[FileSystem] | None
    optional_rpcs: dict[str, bool]
    info: dict[str, Any] | None = field(default=None)
