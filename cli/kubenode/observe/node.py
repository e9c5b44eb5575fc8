"""The node itself: what its runtime says of itself, and what is left of memory, disks and process ids."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError
from kubenode.model.facts import Amount, RuntimeFacts

STATUS_SECONDS = 5.0


async def runtime(cri: CriClient) -> RuntimeFacts:
    """What the runtime says of itself; an unreachable one is a fact, not an error."""
    try:
        version = await cri.version(timeout=STATUS_SECONDS)
        status = await cri.status(timeout=STATUS_SECONDS)
        usage = await cri.image_fs_info(timeout=STATUS_SECONDS)
    except ClientError as error:
        return RuntimeFacts(error=str(error))
    conditions = {condition.type: condition for condition in status.status.conditions}
    ready, network = conditions.get("RuntimeReady"), conditions.get("NetworkReady")
    mountpoints = [filesystem.fs_id.mountpoint for filesystem in usage.image_filesystems]
    return RuntimeFacts(
        name=f"{version.runtime_name} {version.runtime_version}",
        ready=bool(ready and ready.status),
        ready_message=ready.message if ready else "",
        network_ready=bool(network and network.status),
        network_message=network.message if network else "",
        image_filesystem=next(iter(mountpoints), ""),
    )


def amounts(root: Path, images: str) -> Mapping[str, Amount]:
    """Amounts by eviction signal, for those that can be read. `images`: a path on the images' file system."""
    found: dict[str, Amount] = {}
    for name, path in (("nodefs", _existing(root)), ("imagefs", Path(images) if images else None)):
        if path is None:
            continue
        try:
            usage = os.statvfs(path)
        except OSError:
            continue
        found[f"{name}.available"] = Amount(usage.f_bavail * usage.f_frsize, usage.f_blocks * usage.f_frsize)
        if usage.f_files:
            found[f"{name}.inodesFree"] = Amount(usage.f_favail, usage.f_files)
    memory = _memory()
    if "MemAvailable" in memory:
        found["memory.available"] = Amount(memory["MemAvailable"], memory["MemTotal"])
    found["pid.available"] = _process_ids()
    return found


def _existing(path: Path) -> Path:
    """The path or its nearest parent that is there: a root directory may not have been made yet."""
    return next(place for place in (path, *path.parents) if place.exists())


def _memory() -> dict[str, int]:
    """/proc/meminfo in bytes."""
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if words[-1] == "kB"}


def _process_ids() -> Amount:
    """Process ids that the kernel still has to give, as the kubelet counts them: threads count too."""
    limit = min(int(Path(f"/proc/sys/kernel/{name}").read_text()) for name in ("pid_max", "threads-max"))
    running = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])
    return Amount(limit - running, limit)
