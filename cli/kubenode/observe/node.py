"""The node itself: what its runtime says of itself, and what is left of memory, disks and process ids."""

from __future__ import annotations

import dataclasses
import functools
import os
import socket
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.facts import Amount, Features, NodeFacts, ResolvConf, RuntimeFacts
from kubenode.model.settings import Settings
from kubenode.plan.resources import allocatable

STATUS_SECONDS = 5.0
RESOLV_CONF = "/etc/resolv.conf"
# Where systemd-resolved names the servers that it asks; in RESOLV_CONF it names itself, whom no pod reaches.
RESOLVED_CONF = "/run/systemd/resolve/resolv.conf"
HUGE_PAGES = Path("/sys/kernel/mm/hugepages")
# Addresses for documentation: a route is looked up and nothing is sent.
_ROUTED = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
_SIZES = ((2**30, "Gi"), (2**20, "Mi"), (2**10, "Ki"))


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
        features=_features(status),
    )


def _features(status: pb.StatusResponse) -> Features:
    default = next((one.features for one in status.runtime_handlers if not one.name), pb.RuntimeHandlerFeatures())
    return Features(default.user_namespaces, default.recursive_read_only_mounts)


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


def node_facts(settings: Settings) -> NodeFacts:
    """What pods are told about the node, and what it has. It blocks, for about as long as a few small files take.

    Its addresses are those configured, or those it would be seen with through its default routes, IPv4 first.
    """
    facts = NodeFacts(
        ips=settings.node_ips or tuple(_addresses()),
        resolv=_resolv_conf(settings.kubelet.resolv_conf),
        cpus=(os.cpu_count() or 0) * 1000,
        memory=settings.memory_capacity or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        ephemeral_storage=_disk(Path(settings.kubenode.root_directory)),
        huge_pages=_huge_pages(HUGE_PAGES),
        architecture=_ARCHITECTURES.get(os.uname().machine, os.uname().machine),
        apparmor=_apparmor(),
    )
    return dataclasses.replace(facts, allocatable=allocatable(settings, facts))


def _addresses() -> Iterator[str]:
    for family, address in _ROUTED:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((address, 9))
                yield str(probe.getsockname()[0])
        except OSError:
            continue


def _resolv_conf(path: str) -> ResolvConf:
    """Empty where there is none. Where the node's own file names only the node itself, what stands behind it counts."""
    found = _read_resolv_conf(path) if path else ResolvConf()
    if path == RESOLV_CONF and found.servers and all(_is_loopback(server) for server in found.servers):
        behind = _read_resolv_conf(RESOLVED_CONF)
        return behind if behind.servers else found
    return found


def _is_loopback(server: str) -> bool:
    try:
        return ip_address(server).is_loopback
    except ValueError:
        return False


def _read_resolv_conf(path: str) -> ResolvConf:
    try:
        status = Path(path).stat()
        return _parsed(path, status.st_ino, status.st_mtime_ns, status.st_size)
    except OSError:
        return ResolvConf()


@functools.lru_cache(maxsize=8)
def _parsed(path: str, _inode: int, _changed_ns: int, _size: int) -> ResolvConf:
    return parse_resolv_conf(Path(path).read_text(errors="replace"))


def parse_resolv_conf(text: str) -> ResolvConf:
    """As resolvers read it: the last search line counts, options add up."""
    servers: list[str] = []
    searches: list[str] = []
    options: list[str] = []
    for keyword, *values in (words for line in text.splitlines() if (words := line.split())):
        match keyword:
            case "nameserver":
                servers += values[:1]
            case "search":
                searches = [value if value == "." else value.rstrip(".") for value in values]
            case "options":
                options += values
    return ResolvConf(tuple(servers), tuple(searches), tuple(dict.fromkeys(options)))


def _disk(root: Path) -> int:
    try:
        usage = os.statvfs(_existing(root))
    except OSError:
        return 0
    return usage.f_blocks * usage.f_frsize


def _huge_pages(directory: Path) -> dict[str, int]:
    """Bytes in pages that the kernel has set aside, by the resource's name."""
    found: dict[str, int] = {}
    for path in directory.glob("hugepages-*kB"):
        try:
            size = int(path.name.removeprefix("hugepages-").removesuffix("kB")) * 1024
            found[f"hugepages-{_size(size)}"] = size * int((path / "nr_hugepages").read_text())
        except (OSError, ValueError):
            continue
    return found


def _size(size: int) -> str:
    return next((f"{size // unit}{suffix}" for unit, suffix in _SIZES if size % unit == 0), str(size))


def _apparmor() -> bool:
    """Whether the kernel enforces profiles."""
    try:
        return Path("/sys/module/apparmor/parameters/enabled").read_text().startswith("Y")
    except OSError:
        return False
