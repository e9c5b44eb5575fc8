"""The records of a driver's volumes on this node: a file each, in directories that only root can read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar, Protocol, TypeVar
from urllib.parse import quote

import msgspec

from kubenode.clients.disk import make_private_directory, write_atomic
from kubenode.clients.errors import KubenodeError


class Record(Protocol):
    """A struct that is kept in a folder of its kind, under its key."""

    folder: ClassVar[str]

    @property
    def key(self) -> str: ...


Kind = TypeVar("Kind", bound=Record)


class RecordError(KubenodeError):
    """A record that cannot be understood."""


class Records:
    """Those of one driver, below `directory`. All can raise OSError that names the file, and RecordError."""

    def __init__(self, directory: Path, driver: str) -> None:
        self.root = directory
        # A driver's name is of its own choosing.
        self.directory = directory / quote(driver, safe="").replace(".", "%2E", 1 if driver.startswith(".") else 0)

    def get(self, kind: type[Kind], key: str) -> Kind | None:
        return _read(self._path(kind, key), kind)

    def all(self, kind: type[Kind]) -> list[Kind]:
        """In the order of their keys."""
        found = (_read(path, kind) for path in (self.directory / kind.folder).glob("[!.]*.json"))
        return sorted((one for one in found if one is not None), key=lambda one: one.key)

    def put(self, record: Record) -> None:
        path = self._path(type(record), record.key)
        for directory in (self.root, self.directory, path.parent):
            make_private_directory(directory)
        write_atomic(path, msgspec.json.encode(record))

    def drop(self, kind: type[Record], key: str) -> None:
        self._path(kind, key).unlink(missing_ok=True)

    def _path(self, kind: type[Record], key: str) -> Path:
        return self.directory / kind.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def _read(path: Path, kind: type[Kind]) -> Kind | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise RecordError(f"{path}, a record of kubenode, cannot be understood: {error}. Move it away.") from None
