"""A volume of a storage driver on this node: staged, mounted, grown, and taken away again, as the kubelet does it.

Each can be done again at any time. Errors are ClientError, or OSError that names the path.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import stat
from collections.abc import Awaitable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec

from kubenode.clients.csi import CsiClient, filled
from kubenode.clients.csi_errors import is_final
from kubenode.clients.disk import write_atomic
from kubenode.clients.errors import ClientError, NotFound
from kubenode.clients.mounts import mounts_below
from kubenode.clients.stubs import csi_pb2 as pb
from kubenode.model.csi import Mount
from kubenode.model.csi_rules import Step, VolumeData, mount_steps, unmount_steps

DIRECTORY_MODE = 0o750
DATA_FILE = "vol_data.json"
Secrets = Mapping[str, str]


async def mount_volume(
    csi: CsiClient,
    mount: Mount,
    node_capabilities: AbstractSet[str],
    *,
    stage_secrets: Secrets | None = None,
    publish_secrets: Secrets | None = None,
    expand_secrets: Secrets | None = None,
) -> int:
    """Stage, publish and grow it, as far as the driver does these. Its size (bytes) where it grew, else 0.

    The staging directory and the target's parent are made; the target itself is the driver's to make. After a failure
    the same can be asked again, or `unmount_volume`: what was mounted before, here or by others, is not touched.
    """
    steps = mount_steps(mount, node_capabilities)
    if Step.STAGE in steps:
        await stage_there(csi, mount, stage_secrets)
    else:
        mount = msgspec.structs.replace(mount, staging_path="")
    await publish_there(csi, mount, publish_secrets)
    return await expand(csi, mount, expand_secrets) if Step.EXPAND in steps else 0


async def unmount_volume(
    csi: CsiClient, mount: Mount, node_capabilities: AbstractSet[str], *, last: bool = True
) -> None:
    """Unpublish it and, when nothing else on this node has it mounted, unstage it; our directories go too.

    Raises OSError where a driver says that it is done and a mount is still there: nothing is removed then.
    """
    await unpublish_there(csi, mount.volume_id, mount.target_path)
    if Step.UNSTAGE in unmount_steps(node_capabilities, last=last):
        await unstage_there(csi, mount.volume_id, mount.staging_path)


async def stage_there(csi: CsiClient, mount: Mount, secrets: Secrets | None = None) -> None:
    """With its directory, which goes again where staging failed for good."""
    await asyncio.to_thread(_make_directory, mount.staging_path)
    try:
        await stage(csi, mount, secrets)
    except ClientError as error:
        if is_final(error):
            await asyncio.to_thread(_remove_if_unused, mount.staging_path)
        raise


async def publish_there(csi: CsiClient, mount: Mount, secrets: Secrets | None = None) -> None:
    """With the directory above the target; the target is the driver's to make."""
    await asyncio.to_thread(_make_directory, str(Path(mount.target_path).parent))
    await publish(csi, mount, secrets)


async def unpublish_there(csi: CsiClient, volume_id: str, target_path: str) -> None:
    """With the target. Raises OSError where it is still mounted afterwards."""
    await unpublish(csi, volume_id, target_path)
    await asyncio.to_thread(_remove_mount_point, target_path)


async def unstage_there(csi: CsiClient, volume_id: str, staging_path: str) -> None:
    """With its directory. Raises OSError where it is still mounted afterwards."""
    await unstage(csi, volume_id, staging_path)
    await asyncio.to_thread(_remove_mount_point, staging_path)


async def stage(csi: CsiClient, mount: Mount, secrets: Secrets | None = None) -> None:
    await csi.node_stage_volume(
        pb.NodeStageVolumeRequest(
            volume_id=mount.volume_id,
            publish_context=mount.publish_context,
            staging_target_path=mount.staging_path,
            volume_capability=filled(pb.VolumeCapability, mount.capability.wire()),
            secrets=secrets,
            volume_context=mount.volume_context,
        ),
        subject=f"volume {mount.volume_id} at {mount.staging_path}",
    )


async def publish(csi: CsiClient, mount: Mount, secrets: Secrets | None = None) -> None:
    await csi.node_publish_volume(
        pb.NodePublishVolumeRequest(
            volume_id=mount.volume_id,
            publish_context=mount.publish_context,
            staging_target_path=mount.staging_path,
            target_path=mount.target_path,
            volume_capability=filled(pb.VolumeCapability, mount.capability.wire()),
            readonly=mount.read_only,
            secrets=secrets,
            volume_context=mount.volume_context,
        ),
        subject=f"volume {mount.volume_id} at {mount.target_path}",
    )


async def expand(csi: CsiClient, mount: Mount, secrets: Secrets | None = None) -> int:
    """Its size (bytes) afterwards, as far as the driver tells."""
    answer = await csi.node_expand_volume(
        pb.NodeExpandVolumeRequest(
            volume_id=mount.volume_id,
            volume_path=mount.target_path,
            capacity_range=pb.CapacityRange(required_bytes=mount.expand_to),
            staging_target_path=mount.staging_path,
            volume_capability=filled(pb.VolumeCapability, mount.capability.wire()),
            secrets=secrets,
        )
    )
    return answer.capacity_bytes


async def unpublish(csi: CsiClient, volume_id: str, target_path: str) -> None:
    """Also when it is not there."""
    request = pb.NodeUnpublishVolumeRequest(volume_id=volume_id, target_path=target_path)
    await _gone(csi.node_unpublish_volume(request, subject=f"volume {volume_id} at {target_path}"))


async def unstage(csi: CsiClient, volume_id: str, staging_path: str) -> None:
    """Also when it is not there."""
    request = pb.NodeUnstageVolumeRequest(volume_id=volume_id, staging_target_path=staging_path)
    await _gone(csi.node_unstage_volume(request, subject=f"volume {volume_id} at {staging_path}"))


async def _gone(call: Awaitable[object]) -> None:
    with contextlib.suppress(NotFound):
        await call


def write_volume_data(directory: str, data: VolumeData) -> None:
    """vol_data.json, as the kubelet has it, so that it is known after a restart what is mounted there."""
    _make_directory(directory)
    write_atomic(Path(directory) / DATA_FILE, msgspec.json.encode(data))


def read_volume_data(directory: str) -> VolumeData | None:
    """None where there is none, or none that can be understood."""
    try:
        return msgspec.json.decode((Path(directory) / DATA_FILE).read_bytes(), type=VolumeData)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def remove_volume_data(directory: str) -> None:
    """With its directory, when nothing else is in there."""
    with contextlib.suppress(FileNotFoundError):
        (Path(directory) / DATA_FILE).unlink()
    with contextlib.suppress(FileNotFoundError):
        Path(directory).rmdir()


def _make_directory(path: str) -> None:
    Path(path).mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)


def _remove_mount_point(path: str) -> None:
    """The empty directory, or the empty file of a block volume, that was the mount's place; nothing with content."""
    if mounts_below(os.path.realpath(path)):
        raise OSError(errno.EBUSY, "the driver says that it unmounted this, and the kernel still has it mounted", path)
    with contextlib.suppress(FileNotFoundError):
        found = os.lstat(path)
        if stat.S_ISDIR(found.st_mode):
            Path(path).rmdir()
        elif found.st_size == 0:
            Path(path).unlink()


def _remove_if_unused(path: str) -> None:
    with contextlib.suppress(OSError):
        _remove_mount_point(path)
