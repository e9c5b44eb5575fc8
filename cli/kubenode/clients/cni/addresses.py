"""The addresses that the plugin host-local has given out: `<dataDir>/<network>/<address>`, one file each.

A file holds the container's id and, on a second line, its interface; versions before 0.8 wrote the id alone.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kubenode.clients.cni.network import Network

DEFAULT_DATA_DIRECTORY = "/var/lib/cni/networks"
# Of a file that is no reservation not more than this is read.
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Reservation:
    """An address and whose it is.

    ifname: empty where only the container is named
    modified: when it was given out, in seconds since the epoch
    """

    path: Path
    address: str
    container_id: str
    ifname: str
    modified: float

    def belongs_to(self, owners: Iterable[tuple[str, str]]) -> bool:
        """owners: container ids and interfaces."""
        if self.ifname:
            return (self.container_id, self.ifname) in owners
        return self.container_id in {container_id for container_id, _ in owners}


def data_directories(network: Network) -> tuple[Path, ...]:
    """Where the host-local plugins of a network keep its addresses."""
    found = []
    for plugin in network.plugins:
        ipam = plugin.configuration.get("ipam")
        if isinstance(ipam, dict) and ipam.get("type") == "host-local":
            data = ipam.get("dataDir") or DEFAULT_DATA_DIRECTORY
            if isinstance(data, str) and PurePosixPath(data).is_absolute() and "\0" not in data:
                found.append(Path(data, network.name))
    return tuple(dict.fromkeys(found))


def reservations(directory: Path) -> list[Reservation]:
    """All of a directory, by address; one that is not there has none. Raises OSError."""
    found = []
    for file in _files(directory):
        with suppress(FileNotFoundError, ValueError):
            found.append(_read(file))
    return sorted(found, key=lambda one: _order(one.address))


def free(reservation: Reservation) -> bool:
    """Remove it, unless it is another's by now: whether it was removed. Raises OSError."""
    with _allocator(reservation.path.parent):
        try:
            if _read(reservation.path) != reservation:
                return False
            reservation.path.unlink()
        except FileNotFoundError:
            return False
    return True


def _files(directory: Path) -> list[Path]:
    try:
        return [file for file in directory.iterdir() if file.is_file() and not file.is_symlink()]
    except FileNotFoundError:
        return []


def _read(file: Path) -> Reservation:
    """Raises FileNotFoundError, and ValueError for a file that is not named by an address."""
    address = str(ipaddress.ip_address(file.name))
    with file.open("rb") as opened:
        modified = os.fstat(opened.fileno()).st_mtime
        words = opened.read(_MOST).decode(errors="replace").strip().splitlines()
    container_id, ifname = [*(word.strip() for word in words), "", ""][:2]
    return Reservation(file, address, container_id, ifname, modified)


def _order(address: str) -> tuple[int, int]:
    parsed = ipaddress.ip_address(address)
    return parsed.version, int(parsed)


@contextmanager
def _allocator(directory: Path) -> Iterator[None]:
    """The plugin's own lock: it gives out nothing meanwhile, and holds it for moments."""
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
