"""What is at a target: as the kernel lists mounts, as the kubelet's files say, and as this node remembers it.

The driver is not asked. What could hang with its file system is looked at in a thread of its own.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

import msgspec

from kubenode.clients.csi_records import Records
from kubenode.clients.mounts import MountPoint, all_mounts
from kubenode.clients.threads import PatientCalls
from kubenode.model.csi import Mount
from kubenode.model.csi_records import MountRecord, Shown
from kubenode.model.csi_rules import CSI_DIRECTORY, VolumeData
from kubenode.model.csi_situation import MountSituation
from kubenode.plan.csi_groups import group_problem

ANSWER_WITHIN = 5.0  # seconds
# What the kubelet takes for a mount that is broken.
BROKEN = (errno.ENOTCONN, errno.ESTALE, errno.EIO, errno.EACCES, errno.EHOSTDOWN, errno.EWOULDBLOCK, errno.ENODEV)
DATA_FILE = "vol_data.json"


@dataclass(frozen=True, slots=True)
class Group:
    """The group whose all files should be, and whether its root alone says so."""

    gid: int
    root_only: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look: the driver's name, the kubelet's root, and where vol_data.json of the target stands."""

    driver: str
    kubelet_root: str
    data_directory: str = ""


async def look_at_mount(records: Records, place: Place, mount: Mount, group: Group | None = None) -> MountSituation:
    """group: to be looked for where the volume is mounted. Raises OSError."""
    points = await asyncio.to_thread(all_mounts)
    record = records.get(MountRecord, mount.target_path)
    target = real(mount.target_path)
    at_target = next((point for point in points if point.path == target), None)
    volume_id = mount.volume_id or (record.mount.volume_id if record else "")
    staging = real(mount.staging_path) if mount.staging_path else ""
    staged = [point for point in points if staging and (point.path + "/").startswith(staging + "/")]
    problem, silent = await _problem(target) if at_target else ("", False)
    wrong = ""
    if at_target and group is not None and not problem:
        wrong = await asyncio.to_thread(first_of_another_group, mount.target_path, group)
    return MountSituation(
        record=record,
        shown=shown(at_target) if at_target else None,
        read_only=at_target is not None and "ro" in at_target.options,
        problem=problem,
        silent=silent,
        staged=bool(staged),
        from_staging=at_target is not None and any(_is_part(at_target, point) for point in staged),
        handle=_handle(place),
        content=at_target is None and await asyncio.to_thread(_has_content, target),
        users=tuple(sorted(set(_users(records, place, points, volume_id, staged)) - {target, staging})),
        wrong_group=wrong,
    )


def real(path: str) -> str:
    """As mountinfo has it; what is mounted there is not looked at."""
    return str(Path(os.path.realpath(PurePath(path).parent), PurePath(path).name))


def shown(point: MountPoint) -> Shown:
    return Shown(point.filesystem, point.source, point.root)


def seen_at(path: str) -> Shown | None:
    """What is mounted there now."""
    target = real(path)
    return next((shown(point) for point in all_mounts() if point.path == target), None)


async def _problem(target: str) -> tuple[str, bool]:
    """Why it cannot be used, and whether it does not answer at all."""
    try:
        await PatientCalls().call(target, ANSWER_WITHIN, os.stat, target)
    except TimeoutError:
        return f"no answer within {ANSWER_WITHIN:g} s", True
    except OSError as error:
        return (error.strerror or "it cannot be read", False) if error.errno in BROKEN else ("", False)
    return "", False


def _has_content(target: str) -> bool:
    try:
        found = os.lstat(target)
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(found.st_mode):
        with os.scandir(target) as entries:
            return next(entries, None) is not None
    return not stat.S_ISREG(found.st_mode) or found.st_size > 0


def _handle(place: Place) -> str:
    data = _volume_data(Path(place.data_directory, DATA_FILE)) if place.data_directory else None
    return data.volume_handle if data and data.driver_name == place.driver else ""


def _volume_data(path: Path) -> VolumeData | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=VolumeData)
    except (OSError, msgspec.DecodeError):
        return None


def _users(
    records: Records, place: Place, points: list[MountPoint], volume_id: str, staged: list[MountPoint]
) -> Iterator[str]:
    """Where the volume is mounted, as records, the kubelet's files and the kernel tell."""
    mounted = {point.path for point in points}
    everyone = [record.mount for record in records.all(MountRecord)]
    for mount in everyone:
        if mount.volume_id == volume_id and real(mount.target_path) in mounted:
            yield real(mount.target_path)
    for path, handle in _of_pods(place):
        if handle == volume_id:
            yield from (one for one in mounted if (one + "/").startswith(path + "/"))
    others = {path for one in everyone if one.volume_id != volume_id for path in (one.target_path, one.staging_path)}
    for point in points:
        elsewhere = point.path in others or f"{CSI_DIRECTORY}/" in point.path
        if not elsewhere and point not in staged and any(_is_part(point, one) for one in staged):
            yield point.path


def _of_pods(place: Place) -> Iterator[tuple[str, str]]:
    """Where the kubelet mounts this driver's volumes for pods, and their handles."""
    root = Path(os.path.realpath(place.kubelet_root))
    for path in root.glob(f"pods/*/volumes/kubernetes.io~csi/*/{DATA_FILE}"):
        data = _volume_data(path)
        if data is not None and data.driver_name == place.driver:
            yield str(path.parent / "mount"), data.volume_handle
    devices = root / CSI_DIRECTORY / "volumeDevices"
    for path in devices.glob(f"*/data/{DATA_FILE}"):
        data = _volume_data(path)
        if data is not None and data.driver_name == place.driver:
            yield str(devices / "publish" / path.parents[1].name), data.volume_handle


def _is_part(point: MountPoint, of: MountPoint) -> bool:
    """Whether it shows the same file system as the other, from the same root or from below that."""
    return point.device == of.device and (point.root.rstrip("/") + "/").startswith(of.root.rstrip("/") + "/")


def first_of_another_group(path: str, group: Group) -> str:
    """Something in it that is not the group's, and why; empty where all is. Other file systems in it are left out."""
    top = Path(path).stat()
    problem = group_problem(top.st_mode, top.st_gid, group.gid)
    if problem or group.root_only:
        return f"{path}: {problem}" if problem else ""
    for directory, folders, files, handle in os.fwalk(path):
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=handle, follow_symlinks=False)
            if found.st_dev == top.st_dev and (problem := group_problem(found.st_mode, found.st_gid, group.gid)):
                return f"{directory}/{name}: {problem}"
        folders[:] = [
            name for name in folders if os.stat(name, dir_fd=handle, follow_symlinks=False).st_dev == top.st_dev
        ]
    return ""
