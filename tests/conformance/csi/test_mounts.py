"""Volumes on a node: attached, staged, mounted, all of it undone; each step twice, and each without what it needs."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from kubenode.apply import csi_mounts
from kubenode.apply.csi_volumes import attach, delete_volume, detach, expand_volume
from kubenode.clients.csi_errors import FailedPrecondition
from kubenode.clients.errors import AlreadyExists, ClientError, InvalidArgument, NotFound
from kubenode.clients.mounts import mounts_below
from kubenode.clients.stubs import csi_pb2 as pb
from kubenode.model.csi import Attachment, ContentSource, Mount, SnapshotSource, VolumeCapability
from kubenode.observe import csi as seen
from support.csi_subject import MOUNTED, Subject, clear

ATTACH = "controller:PUBLISH_UNPUBLISH_VOLUME"
STAGE = "node:STAGE_UNSTAGE_VOLUME"
BLOCK = VolumeCapability(block=True)


@pytest.fixture
async def maker(driver: Subject) -> Subject:
    driver.needs("controller:CREATE_DELETE_VOLUME")
    return driver


def size_of(device: str) -> int:
    with Path(device).open("rb") as file:
        return file.seek(0, os.SEEK_END)


def gone(path: str) -> bool:
    return not os.path.lexists(path)


def mounted(path: str) -> bool:
    return any(point.path == str(Path(path).resolve()) for point in mounts_below(str(Path(path).resolve())))


async def test_what_is_written_is_there_when_it_is_mounted_again(maker: Subject) -> None:
    volume = await maker.volume()
    mount = await maker.mounted(volume)
    (Path(mount.target_path) / "kept").write_text("x")
    await csi_mounts.unmount_volume(maker.csi, mount, maker.can.node)
    assert gone(mount.target_path)
    await maker.mount_it(mount)
    assert (Path(mount.target_path) / "kept").read_text() == "x"


async def test_mounting_twice_mounts_once(maker: Subject) -> None:
    mount = await maker.mounted()
    await maker.mount_it(mount)
    assert len(mounts_below(mount.target_path)) == 1


async def test_unmounting_twice_is_the_same_as_once(maker: Subject) -> None:
    mount = await maker.mounted()
    for _ in range(2):
        await csi_mounts.unmount_volume(maker.csi, mount, maker.can.node)
    assert not mounted(mount.target_path)
    assert not mounted(mount.staging_path)


async def test_read_only_is_read_only(maker: Subject) -> None:
    mount = await maker.mounted(read_only=True)
    with pytest.raises(OSError, match="Read-only"):
        (Path(mount.target_path) / "x").write_text("x")


async def test_the_same_place_in_another_way_is_taken(maker: Subject) -> None:
    volume = await maker.volume()
    context = await maker.attach(volume)
    await maker.mount_it(maker.mount(volume, context))
    with pytest.raises(AlreadyExists):
        await maker.mount_it(maker.mount(volume, context, read_only=True))


async def test_a_block_volume_is_a_file_at_its_target(maker: Subject) -> None:
    volume = await maker.volume(maker.wanted(capability=BLOCK))
    mount = maker.mount(volume, await maker.attach(volume, BLOCK), capability=BLOCK)
    await maker.mount_it(mount)
    assert not stat.S_ISDIR(os.lstat(mount.target_path).st_mode)
    assert size_of(mount.target_path) >= maker.size


@pytest.mark.parametrize("missing", ["volume_id", "target_path", "volume_capability"])
async def test_publishing_needs_its_fields(maker: Subject, missing: str) -> None:
    request = pb.NodePublishVolumeRequest(
        volume_id="v",
        target_path=str(maker.folder / "t"),
        staging_target_path=str(maker.folder / "s"),
        volume_capability=MOUNTED,
        secrets=maker.secrets,
    )
    clear(request, missing)
    with pytest.raises(InvalidArgument):
        await maker.csi.node_publish_volume(request)


@pytest.mark.parametrize("missing", ["volume_id", "staging_target_path", "volume_capability"])
async def test_staging_needs_its_fields(maker: Subject, missing: str) -> None:
    maker.needs(STAGE)
    request = pb.NodeStageVolumeRequest(
        volume_id="v",
        staging_target_path=str(maker.folder / "s"),
        volume_capability=MOUNTED,
        secrets=maker.secrets,
    )
    clear(request, missing)
    with pytest.raises(InvalidArgument):
        await maker.csi.node_stage_volume(request)


@pytest.mark.parametrize(("volume_id", "path"), [("", "/x"), ("x", "")])
async def test_unpublishing_needs_its_fields(maker: Subject, volume_id: str, path: str) -> None:
    with pytest.raises(InvalidArgument):
        await csi_mounts.unpublish(maker.csi, volume_id, path)


@pytest.mark.parametrize(("volume_id", "path"), [("", "/x"), ("x", "")])
async def test_unstaging_needs_its_fields(maker: Subject, volume_id: str, path: str) -> None:
    maker.needs(STAGE)
    with pytest.raises(InvalidArgument):
        await csi_mounts.unstage(maker.csi, volume_id, path)


async def test_publishing_without_staging_fails(maker: Subject) -> None:
    maker.needs(STAGE)
    volume = await maker.volume()
    mount = maker.mount(volume, await maker.attach(volume))
    Path(mount.target_path).parent.mkdir(parents=True)
    without = Mount(
        volume_id=mount.volume_id,
        target_path=mount.target_path,
        volume_context=mount.volume_context,
        publish_context=mount.publish_context,
    )
    with pytest.raises(ClientError) as caught:
        await csi_mounts.publish(maker.csi, without, maker.secrets)
    assert isinstance(caught.value, FailedPrecondition | InvalidArgument)
    assert not mounted(mount.target_path)


async def test_its_use_is_told(maker: Subject) -> None:
    maker.needs("node:GET_VOLUME_STATS")
    mount = await maker.mounted()
    stats = await seen.volume_stats(maker.csi, mount.volume_id, mount.target_path, mount.staging_path)
    sizes = {one.unit: one for one in stats.usage}
    assert sizes["BYTES"].total > 0
    assert sizes["BYTES"].used + sizes["BYTES"].available <= sizes["BYTES"].total


@pytest.mark.parametrize(
    ("volume_id", "path", "error"),
    [("", "/x", InvalidArgument), ("x", "", InvalidArgument), ("x", "/no/such/path", NotFound)],
)
async def test_the_use_of_nothing_is_not_told(
    maker: Subject, volume_id: str, path: str, error: type[ClientError]
) -> None:
    maker.needs("node:GET_VOLUME_STATS")
    with pytest.raises(error):
        await seen.volume_stats(maker.csi, volume_id, path)


async def test_a_mounted_volume_grows(maker: Subject) -> None:
    maker.needs("controller:EXPAND_VOLUME", "node:EXPAND_VOLUME", "plugin:ONLINE")
    volume = await maker.volume()
    context = await maker.attach(volume)
    await maker.mount_it(maker.mount(volume, context))
    await expand_volume(
        maker.controller, volume.volume_id, 2 * maker.size, capability=VolumeCapability(), secrets=maker.secrets
    )
    assert await maker.mount_it(maker.mount(volume, context, expand_to=2 * maker.size)) in (0, 2 * maker.size)


@pytest.mark.parametrize(
    ("volume_id", "path", "error"),
    [("", "/x", InvalidArgument), ("x", "", InvalidArgument), ("x", "/no/such/path", NotFound)],
)
async def test_growing_on_the_node_needs_a_mount(
    maker: Subject, volume_id: str, path: str, error: type[ClientError]
) -> None:
    maker.needs("node:EXPAND_VOLUME")
    with pytest.raises(error):
        await csi_mounts.expand(maker.csi, Mount(volume_id=volume_id, target_path=path), maker.secrets)


async def test_a_snapshot_holds_what_was_there_then(maker: Subject) -> None:
    maker.needs("controller:CREATE_DELETE_SNAPSHOT")
    volume = await maker.volume()
    mount = await maker.mounted(volume)
    file = Path(mount.target_path) / "file"
    file.write_text("then")
    await csi_mounts.unmount_volume(maker.csi, mount, maker.can.node)
    snapshot = await maker.snapshot(volume)
    await maker.mount_it(mount)
    file.write_text("now")
    source = ContentSource(snapshot=SnapshotSource(snapshot_id=snapshot.snapshot_id))
    restored = await maker.mounted(await maker.volume(maker.wanted(source=source)))
    assert (Path(restored.target_path) / "file").read_text() == "then"


async def test_attaching_twice_gives_the_same(maker: Subject) -> None:
    maker.needs(ATTACH)
    volume = await maker.volume()
    assert await maker.attach(volume) == await maker.attach(volume)


@pytest.mark.parametrize("unknown", ["volume", "node"])
async def test_attaching_what_is_not_there_is_not_found(maker: Subject, unknown: str) -> None:
    maker.needs(ATTACH)
    volume = await maker.volume()
    wanted = Attachment(
        volume_id="no-such-volume" if unknown == "volume" else volume.volume_id,
        node_id="no-such-node" if unknown == "node" else maker.node.node_id,
        volume_context=volume.volume_context,
    )
    with pytest.raises(NotFound):
        await attach(maker.controller, wanted, maker.secrets)


@pytest.mark.parametrize("missing", ["volume_id", "node_id", "volume_capability"])
async def test_attaching_needs_its_fields(maker: Subject, missing: str) -> None:
    maker.needs(ATTACH)
    request = pb.ControllerPublishVolumeRequest(
        volume_id="v",
        node_id="n",
        volume_capability=MOUNTED,
        secrets=maker.secrets,
    )
    clear(request, missing)
    with pytest.raises(InvalidArgument):
        await maker.controller.controller_publish_volume(request)


async def test_detaching_twice_is_the_same_as_once(maker: Subject) -> None:
    maker.needs(ATTACH)
    volume = await maker.volume()
    await maker.attach(volume)
    for _ in range(2):
        await maker.controller.controller_unpublish_volume(
            pb.ControllerUnpublishVolumeRequest(
                volume_id=volume.volume_id, node_id=maker.node.node_id, secrets=maker.secrets
            )
        )


async def test_detaching_needs_an_id(maker: Subject) -> None:
    maker.needs(ATTACH)
    with pytest.raises(InvalidArgument):
        await detach(maker.controller, "", maker.node.node_id, maker.secrets)


async def test_an_attached_volume_cannot_be_removed(maker: Subject) -> None:
    maker.needs(ATTACH)
    volume = await maker.volume()
    await maker.attach(volume)
    with pytest.raises(FailedPrecondition):
        await delete_volume(maker.controller, volume.volume_id, maker.secrets)
