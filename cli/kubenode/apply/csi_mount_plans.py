"""Carries out what was planned for a mount, and keeps its record and the kubelet's vol_data.json.

The record is written before the first call and once more after the last: whoever is killed in between goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kubenode.apply import csi_mounts
from kubenode.clients.csi_errors import is_final
from kubenode.clients.csi_session import CsiSession
from kubenode.clients.errors import ClientError
from kubenode.model.csi_actions import (
    Action,
    ExpandFileSystem,
    GiveToGroup,
    PublishVolume,
    StageVolume,
    UnpublishVolume,
    UnstageVolume,
)
from kubenode.model.csi_records import MountRecord
from kubenode.model.csi_rules import VolumeData
from kubenode.plan.csi_groups import mode_for_group

Secrets = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MountSecrets:
    stage: Secrets = field(default_factory=dict, repr=False)
    publish: Secrets = field(default_factory=dict, repr=False)
    expand: Secrets = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class KubeletData:
    """vol_data.json as the kubelet has it: by its directory, empty for one that is not kept."""

    driver: str = ""
    published: VolumeData | None = None
    target_directory: str = ""
    staging_directory: str = ""


async def carry_out_mount(
    session: CsiSession, actions: Sequence[Action], record: MountRecord, data: KubeletData, secrets: MountSecrets
) -> None:
    """Until it is at its target. Its record has no `shown` meanwhile.

    Raises ClientError, OSError. Where nothing was done for good nothing is kept.
    """
    new = session.records.get(MountRecord, record.key) is None
    session.records.put(record)
    if data.published is not None:
        await asyncio.to_thread(csi_mounts.write_volume_data, data.target_directory, data.published)
    done = 0
    try:
        for action in actions:
            await _do(session, action, data, secrets)
            done += 1
    except ClientError as error:
        if new and not done and is_final(error):
            await _forget(session, record.key, data)
        raise


async def carry_out_unmount(session: CsiSession, actions: Sequence[Action], target: str, data: KubeletData) -> None:
    """Until it is no more at its target, and nothing tells of it."""
    for action in actions:
        await _do(session, action, data, MountSecrets())
    await _forget(session, target, data)


async def _forget(session: CsiSession, target: str, data: KubeletData) -> None:
    if data.target_directory:
        await asyncio.to_thread(csi_mounts.remove_volume_data, data.target_directory)
    session.records.drop(MountRecord, target)


async def _do(session: CsiSession, action: Action, data: KubeletData, secrets: MountSecrets) -> None:
    csi = session.csi
    match action:
        case StageVolume(mount):
            if data.staging_directory:
                staged = VolumeData(driver_name=data.driver, volume_handle=mount.volume_id)
                await asyncio.to_thread(csi_mounts.write_volume_data, data.staging_directory, staged)
            await session.ask(lambda: csi_mounts.stage_there(csi, mount, secrets.stage))
        case PublishVolume(mount):
            await session.ask(lambda: csi_mounts.publish_there(csi, mount, secrets.publish))
        case ExpandFileSystem(mount):
            await session.ask(lambda: csi_mounts.expand(csi, mount, secrets.expand))
        case GiveToGroup(path, group):
            await asyncio.to_thread(give_to_group, path, group)
        case UnpublishVolume(volume_id, target_path):
            await session.ask(lambda: csi_mounts.unpublish_there(csi, volume_id, target_path))
        case UnstageVolume(volume_id, staging_path):
            await session.ask(lambda: csi_mounts.unstage_there(csi, volume_id, staging_path))
            if data.staging_directory:
                await asyncio.to_thread(csi_mounts.remove_volume_data, data.staging_directory)
        case _:
            raise TypeError(f"this is no action of a mount: {action}")


def give_to_group(path: str, group: int) -> None:
    """All files below, the path itself last, so that one who looks at it alone sees that all was done.

    No link is followed, and no other file system entered. Raises OSError.
    """
    device = Path(path).stat().st_dev
    for _, folders, files, handle in os.fwalk(path, topdown=False):
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):
                _give(name, handle, group, device)
    _give(path, None, group, device)


def _give(name: str, parent: int | None, group: int, device: int) -> None:
    """The file is held open, so that what is changed is what was looked at."""
    held = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        found = os.fstat(held)
        if found.st_dev != device:
            return
        if stat.S_ISLNK(found.st_mode):
            os.chown(name, -1, group, dir_fd=parent, follow_symlinks=False)
            return
        itself = f"/proc/self/fd/{held}"
        if found.st_gid != group:
            os.chown(itself, -1, group)
        wanted = mode_for_group(found.st_mode)
        # A change of the group takes set-id bits away.
        if stat.S_IMODE(os.fstat(held).st_mode) != wanted:
            Path(itself).chmod(wanted)
    finally:
        os.close(held)
