"""The last good version of every manifest, kept over restarts: what an unreadable source goes on meaning."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from kubenode.clients.disk import make_private_directory, write_atomic
from kubenode.model.pod import Pod
from kubenode.model.static_pod import Origin, SourceKind

log = logging.getLogger(__name__)

R = TypeVar("R", bound=msgspec.Struct)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest as it was written, before the node named it. `seen_at` in seconds since the epoch."""

    kind: SourceKind
    location: str
    seen_at: float
    pod: Pod

    @property
    def origin(self) -> Origin:
        return Origin(self.kind, self.location)


def load(path: Path, kind: type[R]) -> list[R]:
    """The kept records of one kind; none where there is no file yet or a foreign hand has spoilt it. Raises OSError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[kind])  # type: ignore[valid-type]
    except FileNotFoundError:
        return []
    except msgspec.DecodeError:
        aside = path.with_suffix(".spoilt")
        path.replace(aside)
        log.warning("%s is spoilt: it stands aside as %s, which may be removed", path, aside)
        return []


def save(path: Path, records: Sequence[msgspec.Struct]) -> None:
    """Keep these records. Raises OSError; the earlier ones are then still there."""
    make_private_directory(path.parent)
    write_atomic(path, msgspec.json.encode(records))
