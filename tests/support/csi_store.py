"""What the tests' CSI driver keeps: records in one file, contents in directories. It outlives kill -9 at any moment.

state.json                 the records, written whole and renamed
volumes/<id>/data, device  a directory, and a file that stands for a block device
snapshots/<id>/…           the same, as they were
"""

from __future__ import annotations

import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from grpc import StatusCode

from kubenode.clients.disk import write_atomic
from kubenode.clients.mounts import mounts_below, unmount
from support.fake_server import Refused

Plain = dict[str, Any]
LONGEST_HOLD = 60.0  # seconds


class Use(msgspec.Struct):
    """One attachment, staging or mount: how it was asked for."""

    capability: Plain
    read_only: bool = False
    staging: str = ""


class Volume(msgspec.Struct):
    """`file_system` is the size (bytes) that the node shows; the node's expansion makes it `size`.

    ephemeral: made when it was published, and gone when it is no more
    """

    id: str
    name: str
    size: int
    file_system: int
    capabilities: list[Plain]
    parameters: dict[str, str] = {}
    mutable: dict[str, str] = {}
    source: Plain = {}
    ephemeral: bool = False
    attached: dict[str, Use] = {}
    staged: dict[str, Use] = {}
    published: dict[str, Use] = {}

    @property
    def context(self) -> dict[str, str]:
        return {"directory.csi.kubenode.test/name": self.name}


class Snapshot(msgspec.Struct):
    id: str
    name: str
    volume: str
    size: int
    made: float
    answers_until_ready: int
    parameters: dict[str, str] = {}
    group: str = ""


class Group(msgspec.Struct):
    """A group snapshot; its snapshots name it. Those of a group that was begun and never made go at the next start."""

    id: str
    name: str
    made: float


class State(msgspec.Struct):
    volumes: dict[str, Volume] = {}
    snapshots: dict[str, Snapshot] = {}
    groups: dict[str, Group] = {}


class Store:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.file = root / "state.json"
        self.lock = threading.RLock()
        self.pending: set[str] = set()
        self.slow = threading.local()
        for name in ("volumes", "snapshots"):
            (root / name).mkdir(parents=True, exist_ok=True)
        try:
            self.state = msgspec.json.decode(self.file.read_bytes(), type=State)
        except FileNotFoundError:
            self.state = State()
        self._remove_orphans()

    def save(self) -> None:
        with self.lock:
            write_atomic(self.file, msgspec.json.encode(self.state), durable=False)

    @contextmanager
    def only(self, *keys: str) -> Iterator[None]:
        """Nothing else happens to these meanwhile: who comes second is told ABORTED."""
        with self.lock:
            taken = self.pending.intersection(keys)
            if taken:
                raise Refused(StatusCode.ABORTED, f"an operation on {min(taken)} is pending")
            self.pending.update(keys)
        try:
            self.wait()
            yield
        finally:
            with self.lock:
                self.pending.difference_update(keys)

    def wait(self) -> None:
        """As long as this call was told to take, once."""
        seconds, self.slow.seconds = getattr(self.slow, "seconds", 0.0), 0.0
        hold, self.slow.hold = getattr(self.slow, "hold", ""), ""
        time.sleep(seconds)
        end = time.monotonic() + LONGEST_HOLD
        while hold and not Path(hold).exists() and time.monotonic() < end:
            time.sleep(0.02)

    def volume(self, volume_id: str) -> Volume:
        found = self.state.volumes.get(volume_id)
        if found is None:
            raise Refused(StatusCode.NOT_FOUND, f"there is no volume {volume_id}")
        return found

    def snapshot(self, snapshot_id: str) -> Snapshot:
        found = self.state.snapshots.get(snapshot_id)
        if found is None:
            raise Refused(StatusCode.NOT_FOUND, f"there is no snapshot {snapshot_id}")
        return found

    def volume_named(self, name: str) -> Volume | None:
        return next((one for one in self.state.volumes.values() if one.name == name), None)

    def snapshot_named(self, name: str) -> Snapshot | None:
        return next((one for one in self.state.snapshots.values() if one.name == name), None)

    def used(self) -> int:
        return sum(one.size for one in self.state.volumes.values())

    def data(self, volume_id: str) -> Path:
        return self.root / "volumes" / volume_id / "data"

    def device(self, volume_id: str) -> Path:
        return self.root / "volumes" / volume_id / "device"

    def add_volume(self, volume: Volume, origin: Path | None) -> None:
        """origin: the folder whose content it has from the beginning."""
        folder = self.root / "volumes" / volume.id
        if origin is not None:
            shutil.copytree(origin, folder, symlinks=True)
        else:
            (folder / "data").mkdir(parents=True)
            (folder / "device").touch()
        os.truncate(folder / "device", volume.size)
        with self.lock:
            self.state.volumes[volume.id] = volume
            self.save()

    def resize_device(self, volume_id: str, size: int) -> None:
        os.truncate(self.device(volume_id), size)

    def add_snapshot(self, snapshot: Snapshot) -> None:
        shutil.copytree(self.origin("volumes", snapshot.volume), self.origin("snapshots", snapshot.id), symlinks=True)
        with self.lock:
            self.state.snapshots[snapshot.id] = snapshot
            self.save()

    def origin(self, kind: str, one: str) -> Path:
        return self.root / kind / one

    def remove(self, kind: str, one: str) -> None:
        with self.lock:
            getattr(self.state, kind).pop(one)
            self.save()
        shutil.rmtree(self.origin(kind, one))

    def forget_lost_mounts(self, volume: Volume) -> None:
        """After a restart of the node the records speak of mounts that are no more."""
        volume.staged = {path: use for path, use in volume.staged.items() if mounted(path)}
        volume.published = {path: use for path, use in volume.published.items() if mounted(path)}

    def unmount_all(self) -> None:
        for volume in self.state.volumes.values():
            for path in [*volume.published, *volume.staged]:
                while unmount(path, lazy=True):
                    pass

    def _remove_orphans(self) -> None:
        """What a killed one had begun to make, or to remove."""
        for snapshot in list(self.state.snapshots.values()):
            if snapshot.group and snapshot.group not in self.state.groups:
                del self.state.snapshots[snapshot.id]
        for kind in ("volumes", "snapshots"):
            for folder in (self.root / kind).iterdir():
                if folder.name not in getattr(self.state, kind):
                    shutil.rmtree(folder)


def mounted(path: str) -> bool:
    real = os.path.realpath(path)
    return any(point.path == real for point in mounts_below(real))


def new_id(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:16]}"


def now() -> float:
    return time.time()
