"""What is there of CNI: files of networks, attachments and addresses, network namespaces, the runtime's sandboxes."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import socket
import stat
import struct
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from kubenode.clients import errors
from kubenode.clients.cni import documents
from kubenode.clients.cni.addresses import Reservation
from kubenode.clients.cni.cache import CachedAttachment
from kubenode.clients.cni.directory import files
from kubenode.clients.cni.errors import NetworkError
from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.cni_changes import Attached, HeldAddress, NetworkFile, Sandbox

NAMESPACES = Path("/run/netns")
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_HARDWARE_ADDRESS = 0x8927  # SIOCGIFHWADDR
_AT_ONCE = 16


def network_files(directory: Path) -> list[NetworkFile]:
    """All files of the directory, also those that hold no network. Raises NetworkError."""
    return [_network_file(file) for file in files(directory)]


def _network_file(file: Path) -> NetworkFile:
    try:
        mode, content = f"{stat.S_IMODE(file.stat().st_mode):04o}", file.read_bytes()
    except FileNotFoundError:
        return NetworkFile(path=str(file), name="", document=None, mode="")
    except OSError as error:
        raise NetworkError(str(file), "$", f"cannot be read: {error.strerror}", "Check its permissions.") from None
    document = _document(content)
    name = document.get("name") if isinstance(document, dict) else None
    return NetworkFile(path=str(file), name=name if isinstance(name, str) else "", document=document, mode=mode)


def attached(cached: CachedAttachment) -> Attached:
    """What the cache has, as the plans see it."""
    one = cached.attachment
    return Attached(
        network=cached.network,
        container_id=one.container_id,
        ifname=one.ifname,
        netns=one.netns or _sandbox_path(cached),
        args=dict(one.args),
        capability_args=dict(one.capability_args),
        config=_document(cached.config),
        unfinished=cached.unfinished,
    )


def interface(cached: CachedAttachment) -> Mapping[str, Any] | None:
    """What the result tells of the interface inside the container; None where it tells of none."""
    told = (cached.result or {}).get("interfaces")
    inside = [one for one in told if isinstance(one, dict) and one.get("sandbox")] if isinstance(told, list) else []
    return next((one for one in inside if one.get("name") == cached.attachment.ifname), None)


def addresses(cached: CachedAttachment) -> tuple[str, ...]:
    """Those of the result, with their prefixes."""
    told = (cached.result or {}).get("ips")
    given = [one.get("address") for one in told if isinstance(one, dict)] if isinstance(told, list) else []
    return tuple(one for one in given if isinstance(one, str))


def held_address(network: str, reservation: Reservation, now: float) -> HeldAddress:
    return HeldAddress(
        network=network,
        address=reservation.address,
        container_id=reservation.container_id,
        ifname=reservation.ifname,
        path=str(reservation.path),
        age=now - reservation.modified,
    )


def namespaces(paths: Iterable[str]) -> frozenset[str]:
    """Those of the paths on which something is. Whatever cannot be looked at counts as there."""
    return frozenset(path for path in paths if path and _is_there(path))


def same_namespace(one: str, other: str) -> bool:
    """Whether both paths lead to one and the same."""
    if one == other:
        return True
    try:
        return os.path.samestat(Path(one).stat(), Path(other).stat())
    except OSError:
        return False


async def links(netns: str) -> dict[str, str] | None:
    """The interfaces of a network namespace and their hardware addresses; None where it is not there.

    Raises RuntimeFailure for what is no network namespace.
    """
    if not _is_there(netns):
        return None
    found: list[dict[str, str] | OSError] = []
    # The namespace is that of a thread, which ends with it.
    thread = threading.Thread(target=_look, args=(netns, found), daemon=True)
    thread.start()
    await asyncio.to_thread(thread.join)
    answer = found[0]
    if isinstance(answer, OSError):
        raise errors.RuntimeFailure(
            endpoint=netns,
            operation="setns",
            subject="network namespace",
            detail=answer.strerror or str(answer),
            remedy="Name the path of a network namespace, such as /run/netns/NAME or /proc/PID/ns/net, as root.",
        )
    return answer


def _look(netns: str, found: list[dict[str, str] | OSError]) -> None:
    try:
        handle = os.open(netns, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(handle)
        finally:
            os.close(handle)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            found.append({name: _hardware_address(asking, name) for _, name in socket.if_nameindex()})
    except OSError as error:
        found.append(error)


def _enter(handle: int) -> None:
    # os.setns is there from Python 3.12.
    if ctypes.CDLL(None, use_errno=True).setns(handle, _NEW_NETWORK):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _hardware_address(asking: socket.socket, name: str) -> str:
    """Empty for an interface that goes meanwhile."""
    try:
        answer = fcntl.ioctl(asking, _HARDWARE_ADDRESS, struct.pack("256s", os.fsencode(name)))
    except OSError:
        return ""
    return answer[18:24].hex(":")


async def sandboxes(cri: CriClient) -> tuple[Sandbox, ...]:
    """All that the runtime has, also those that do not run. Raises ClientError."""
    listed = (await cri.list_pod_sandbox(pb.ListPodSandboxRequest())).items
    some = asyncio.Semaphore(_AT_ONCE)
    return tuple(await asyncio.gather(*(_sandbox(cri, one, some) for one in listed)))


async def _sandbox(cri: CriClient, listed: pb.PodSandbox, some: asyncio.Semaphore) -> Sandbox:
    name = f"{listed.metadata.namespace}/{listed.metadata.name}"
    request = pb.PodSandboxStatusRequest(pod_sandbox_id=listed.id, verbose=True)
    try:
        async with some:
            answer = await cri.pod_sandbox_status(request)
    except errors.NotFound:
        return Sandbox(id=listed.id, name=name)
    network = answer.status.network
    ips = {network.ip, *(more.ip for more in network.additional_ips)} - {""}
    return Sandbox(
        id=listed.id, name=name, interfaces=_interfaces(answer.info.get("info", "")), addresses=frozenset(ips)
    )


class _Interface(msgspec.Struct):
    sandbox: str = msgspec.field(default="", name="Sandbox")


class _CniResult(msgspec.Struct):
    interfaces: dict[str, _Interface] | None = msgspec.field(default=None, name="Interfaces")


class _Info(msgspec.Struct):
    cni_result: _CniResult | None = msgspec.field(default=None, name="cniResult")


def _interfaces(info: str) -> frozenset[str]:
    """Those inside the sandbox, by what containerd tells of it; none where a runtime tells nothing."""
    try:
        told = msgspec.json.decode(info or "{}", type=_Info).cni_result
    except ValueError:
        return frozenset()
    return frozenset(name for name, one in ((told and told.interfaces) or {}).items() if one.sandbox and name != "lo")


def _document(config: bytes) -> object:
    try:
        return documents.read(config) if config else None
    except ValueError:
        return None


def _sandbox_path(cached: CachedAttachment) -> str:
    """The namespace by the result; containerd 1.6 keeps it nowhere else."""
    return str((interface(cached) or {}).get("sandbox") or "")


def _is_there(path: str) -> bool:
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True
