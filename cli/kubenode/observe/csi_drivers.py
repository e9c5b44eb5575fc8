"""The drivers on this node, as they registered with the kubelet: a socket each in plugins_registry."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from kubenode.clients.errors import ClientError, Unavailable
from kubenode.clients.rpc import Client, Connection, Query
from kubenode.clients.stubs import pluginregistration_pb2 as pb

REGISTRY = "plugins_registry"
CSI_PLUGIN = "CSIPlugin"
ANSWER_WITHIN = 5.0  # seconds


class RegisteredDriver(msgspec.Struct, frozen=True, omit_defaults=True):
    """`error`: why its registration cannot be read; then the name is that of its socket."""

    name: str
    endpoint: str = ""
    registration: str = ""
    supported_versions: tuple[str, ...] = ()
    error: str = ""


class _Registration(Client):
    get_info = Query(
        "pluginregistration.Registration", "GetInfo", pb.InfoRequest, pb.PluginInfo, lambda _, most: min(5.0, most)
    )


async def registered(kubelet_root: Path) -> list[RegisteredDriver]:
    """By their names, with those that never registered and have a socket where drivers have theirs."""
    found = await asyncio.gather(*map(_registration, _sockets(kubelet_root / REGISTRY, "*")))
    there = [one for one in found if one is not None]
    known = {one.endpoint for one in there}
    there += [
        RegisteredDriver(socket.parent.name, endpoint=f"unix://{socket}")
        for socket in _sockets(kubelet_root / "plugins", "*/csi.sock")
        if f"unix://{socket}" not in known
    ]
    return sorted(there, key=lambda one: (one.name, one.endpoint))


async def find_driver(kubelet_root: Path, name: str) -> str:
    """Its endpoint. Raises Unavailable, which says what there is."""
    there = await registered(kubelet_root)
    for one in there:
        if one.name == name and one.endpoint:
            return one.endpoint
    names = ", ".join(sorted({one.name for one in there})) or "none"
    raise Unavailable(
        endpoint=str(kubelet_root),
        operation=f"Looking for the driver {name}",
        detail=f"the drivers there are: {names}",
        remedy="Check the name and kubelet_root, or name the driver's socket (endpoint).",
    )


def _sockets(directory: Path, pattern: str) -> list[Path]:
    return sorted(path for path in directory.glob(pattern) if path.is_socket())


async def _registration(socket: Path) -> RegisteredDriver | None:
    """None for a plugin of another kind."""
    try:
        async with _Registration(Connection(str(socket), request_timeout=ANSWER_WITHIN)) as registration:
            info = await registration.get_info()
    except ClientError as error:
        return RegisteredDriver(socket.stem.removesuffix("-reg"), registration=str(socket), error=str(error))
    if info.type != CSI_PLUGIN:
        return None
    endpoint = f"unix://{info.endpoint.removeprefix('unix://')}" if info.endpoint else ""
    return RegisteredDriver(info.name, endpoint, str(socket), tuple(info.supported_versions))
