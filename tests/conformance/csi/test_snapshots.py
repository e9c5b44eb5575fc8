"""Snapshots: made, listed, used, removed."""

from __future__ import annotations

import pytest

from kubenode.apply.csi_volumes import create_group_snapshot, delete_group_snapshot, delete_snapshot
from kubenode.clients.errors import Aborted, AlreadyExists, InvalidArgument, NotFound
from kubenode.clients.stubs import csi_pb2 as pb
from kubenode.model.csi import ContentSource, SnapshotSource
from kubenode.observe import csi as seen
from support.csi_subject import Subject, clear


@pytest.fixture
async def maker(driver: Subject) -> Subject:
    driver.needs("controller:CREATE_DELETE_VOLUME", "controller:CREATE_DELETE_SNAPSHOT")
    return driver


async def test_the_same_request_gives_the_same_snapshot(maker: Subject) -> None:
    volume, name = await maker.volume(), maker.name()
    first, second = await maker.snapshot(volume, name), await maker.snapshot(volume, name)
    assert (first.snapshot_id, first.source_volume_id) == (second.snapshot_id, volume.volume_id)
    assert first.creation_time == second.creation_time
    assert first.creation_time is not None


async def test_the_same_name_of_another_volume_is_taken(maker: Subject) -> None:
    name = maker.name()
    await maker.snapshot(await maker.volume(), name)
    with pytest.raises(AlreadyExists):
        await maker.snapshot(await maker.volume(), name)


@pytest.mark.parametrize("missing", ["name", "source_volume_id"])
async def test_what_is_missing_is_an_invalid_argument(maker: Subject, missing: str) -> None:
    volume = await maker.volume()
    request = pb.CreateSnapshotRequest(name=maker.name(), source_volume_id=volume.volume_id, secrets=maker.secrets)
    clear(request, missing)
    with pytest.raises(InvalidArgument):
        await maker.controller.create_snapshot(request)


async def test_removing_twice_is_the_same_as_once(maker: Subject) -> None:
    snapshot = await maker.snapshot(await maker.volume())
    request = pb.DeleteSnapshotRequest(snapshot_id=snapshot.snapshot_id, secrets=maker.secrets)
    for _ in range(2):
        await maker.controller.delete_snapshot(request)


async def test_removing_needs_an_id(maker: Subject) -> None:
    with pytest.raises(InvalidArgument):
        await delete_snapshot(maker.controller, "", maker.secrets)


@pytest.mark.parametrize("page", [1, 100])
async def test_they_are_listed_by_volume_by_id_and_all(maker: Subject, page: int) -> None:
    maker.needs("controller:LIST_SNAPSHOTS")
    first, second = await maker.volume(), await maker.volume()
    of_first = {(await maker.snapshot(first)).snapshot_id for _ in range(2)}
    of_second = {(await maker.snapshot(second)).snapshot_id}

    async def listed(**wanted: str) -> list[str]:
        found = seen.snapshots(maker.controller, page=page, secrets=maker.secrets, **wanted)
        return [one.snapshot_id async for one in found]

    everything = await listed()
    assert of_first | of_second <= set(everything)
    assert len(everything) == len(set(everything))
    assert set(await listed(source_volume_id=first.volume_id)) == of_first
    assert await listed(snapshot_id=min(of_second)) == [min(of_second)]
    assert await listed(snapshot_id="no-such-snapshot") == []
    assert await listed(source_volume_id="no-such-volume") == []


async def test_a_token_that_nobody_gave_is_aborted(maker: Subject) -> None:
    maker.needs("controller:LIST_SNAPSHOTS")
    with pytest.raises(Aborted):
        await maker.controller.list_snapshots(
            pb.ListSnapshotsRequest(starting_token="invalid-token", secrets=maker.secrets)
        )


async def test_one_that_is_not_there_is_not_found(maker: Subject) -> None:
    maker.needs("controller:GET_SNAPSHOT")
    with pytest.raises(NotFound):
        await maker.controller.get_snapshot(
            pb.GetSnapshotRequest(snapshot_id="no-such-snapshot", secrets=maker.secrets)
        )


async def test_a_volume_made_of_it_tells_so(maker: Subject) -> None:
    snapshot = await maker.snapshot(await maker.volume())
    source = ContentSource(snapshot=SnapshotSource(snapshot_id=snapshot.snapshot_id))
    assert (await maker.volume(maker.wanted(source=source))).content_source == source


async def test_a_group_is_made_once_and_removed_with_all_its_snapshots(maker: Subject) -> None:
    maker.needs("plugin:GROUP_CONTROLLER_SERVICE", "group_controller:CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT")
    name, sources = maker.name(), [(await maker.volume()).volume_id for _ in range(2)]
    made = [await create_group_snapshot(maker.controller, name, sources, secrets=maker.secrets) for _ in range(2)]
    assert made[0].group_snapshot_id == made[1].group_snapshot_id
    assert {one.source_volume_id for one in made[0].snapshots} == set(sources)
    assert {one.group_snapshot_id for one in made[0].snapshots} == {made[0].group_snapshot_id}
    for _ in range(2):
        await delete_group_snapshot(maker.controller, made[0], maker.secrets)
    with pytest.raises(NotFound):
        await maker.controller.get_volume_group_snapshot(
            pb.GetVolumeGroupSnapshotRequest(group_snapshot_id=made[0].group_snapshot_id, secrets=maker.secrets)
        )


@pytest.mark.parametrize("missing", ["name", "source_volume_ids"])
async def test_a_group_needs_a_name_and_volumes(maker: Subject, missing: str) -> None:
    maker.needs("plugin:GROUP_CONTROLLER_SERVICE")
    request = pb.CreateVolumeGroupSnapshotRequest(name=maker.name(), source_volume_ids=["v"], secrets=maker.secrets)
    clear(request, missing)
    with pytest.raises(InvalidArgument):
        await maker.controller.create_volume_group_snapshot(request)
