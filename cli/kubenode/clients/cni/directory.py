"""Where a node's networks stand, usually /etc/cni/net.d."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubenode.clients.cni.errors import NetworkError
from kubenode.clients.cni.network import Network, parse_list, parse_plugin, parse_single, with_plugins

_LISTS = (".conflist",)
_SINGLES = (".conf", ".json")


@dataclass(frozen=True, slots=True)
class Directory:
    """What is in a directory of networks, in libcni's order: lists by the names of their files, then single plugins.

    errors: files that hold no network; the others are not affected
    """

    path: Path
    networks: tuple[Network, ...]
    errors: tuple[NetworkError, ...]

    def network(self, name: str) -> Network:
        """The first of this name. Raises NetworkError."""
        for network in self.networks:
            if network.name == name:
                return network
        broken = "".join(f" {error}" for error in self.errors)
        there = ", ".join(network.name for network in self.networks) or "none"
        problem = f"there is no network {name!r}; there are: {there}"
        raise NetworkError(str(self.path), "$.name", problem, f"Add its file, or use another name.{broken}")


def load(path: Path) -> Directory:
    """All networks of a directory; one that is not there has none. Raises NetworkError when it cannot be read."""
    networks, errors = [], []
    for file, read in [*_files(path, _LISTS, _read_list), *_files(path, _SINGLES, _read_single)]:
        try:
            networks.append(read(file))
        except NetworkError as error:
            errors.append(error)
    return Directory(path, tuple(networks), tuple(errors))


def _files(
    path: Path, endings: tuple[str, ...], read: Callable[[Path], Network]
) -> list[tuple[Path, Callable[[Path], Network]]]:
    return [(file, read) for file in _with_endings(path, endings)]


def _with_endings(path: Path, endings: tuple[str, ...]) -> list[Path]:
    try:
        return sorted(file for file in path.iterdir() if file.suffix in endings and not file.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise NetworkError(str(path), "$", f"cannot be read: {error.strerror}", "Check the directory.") from None


def read_list(content: bytes, file: Path) -> Network:
    """The network that a file with this content, there, would hold. Raises NetworkError."""
    network = parse_list(content, str(file))
    if network.inlined:
        return network
    beside = _with_endings(file.parent / network.name, (".conf",))
    return with_plugins(network, (parse_plugin(_content(one), str(one)) for one in beside))


def files(path: Path) -> list[Path]:
    """All files that may hold a network, in libcni's order. Raises NetworkError."""
    return [*_with_endings(path, _LISTS), *_with_endings(path, _SINGLES)]


def _read_list(file: Path) -> Network:
    return read_list(_content(file), file)


def _read_single(file: Path) -> Network:
    return parse_single(_content(file), str(file))


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
        raise NetworkError(str(file), "$", problem, "Check the file and its permissions.") from None
