"""What the fake runtime holds of pods: CRI's own messages, with what is needed to act on them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kubenode.clients.stubs import cri_pb2 as pb


@dataclass
class Sandbox:
    config: pb.PodSandboxConfig
    status: pb.PodSandboxStatus

    def item(self) -> pb.PodSandbox:
        """As lists show it."""
        status = self.status
        return pb.PodSandbox(
            id=status.id,
            metadata=status.metadata,
            state=status.state,
            created_at=status.created_at,
            labels=status.labels,
            annotations=status.annotations,
            runtime_handler=status.runtime_handler,
        )


@dataclass
class Container:
    """cpu_nanos, memory_bytes, disk_bytes: what its stats say."""

    sandbox_id: str
    config: pb.ContainerConfig
    status: pb.ContainerStatus
    cpu_nanos: int = 0
    memory_bytes: int = 1 << 20
    disk_bytes: int = 1 << 12
    terminated: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    process: asyncio.Task[None] | None = None
    log: int | None = None  # a file descriptor

    def item(self) -> pb.Container:
        """As lists show it."""
        status = self.status
        return pb.Container(
            id=status.id,
            pod_sandbox_id=self.sandbox_id,
            metadata=status.metadata,
            image=self.config.image,
            image_ref=status.image_id,
            image_id=status.image_id,
            state=status.state,
            created_at=status.created_at,
            labels=status.labels,
            annotations=status.annotations,
        )

    def stats(self, now: int) -> pb.ContainerStats:
        status = self.status
        return pb.ContainerStats(
            attributes=pb.ContainerAttributes(
                id=status.id, metadata=status.metadata, labels=status.labels, annotations=status.annotations
            ),
            cpu=pb.CpuUsage(timestamp=now, usage_core_nano_seconds=pb.UInt64Value(value=self.cpu_nanos)),
            memory=pb.MemoryUsage(timestamp=now, working_set_bytes=pb.UInt64Value(value=self.memory_bytes)),
            writable_layer=pb.FilesystemUsage(timestamp=now, used_bytes=pb.UInt64Value(value=self.disk_bytes)),
        )

    def write(self, stream: str, line: str) -> None:
        """Puts a line into the container's log, in CRI's format."""
        if self.log is not None:
            now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")
            os.write(self.log, f"{now} {stream} F {line}\n".encode())

    def open_log(self) -> None:
        """Opens its log file anew, wherever the old one went."""
        self.close_log()
        if self.status.log_path:
            self.log = os.open(self.status.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)

    def close_log(self) -> None:
        if self.log is not None:
            os.close(self.log)
            self.log = None


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a filter's labels are all there."""
    return selector.items() <= dict(labels).items()
