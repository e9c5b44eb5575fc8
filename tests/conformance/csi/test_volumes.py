"""Volumes: made, found, grown, removed; each call twice, and each in ways that the specification refuses."""

from __future__ import annotations

import pytest

from kubenode.apply.csi_volumes import delete_volume, expand_volume
from kubenode.clients.csi_errors import OutOfRange
from kubenode.clients.errors import Aborted, AlreadyExists, InvalidArgument, NotFound
from kubenode.clients.stubs import csi_pb2 as pb
from kubenode.model.csi import ContentSource, SnapshotSource, VolumeCapability, VolumeSource
from kubenode.observe import csi as seen
from support.csi_subject import MOUNTED, Subject

UNKNOWN = "no-such-volume"
TOO_MUCH = 1 << 60


@pytest.fixture
async def maker(driver: Subject) -> Subject:
    driver.needs("controller:CREATE_DELETE_VOLUME")
    return driver


async def test_the_same_request_gives_the_same_volume(maker: Subject) -> None:
    wanted = maker.wanted()
    first, second = await maker.volume(wanted), await maker.volume(wanted)
    assert first == second
    assert first.capacity_bytes == 0 or first.capacity_bytes >= maker.size


@pytest.mark.parametrize("factor", [2, 3])
async def test_a_larger_one_of_the_same_name_is_another(maker: Subject, factor: int) -> None:
    wanted = maker.wanted()
    await maker.volume(wanted)
    with pytest.raises(AlreadyExists, match=wanted.name):
        await maker.volume(maker.wanted(wanted.name, size=factor * maker.size))


async def test_more_than_anybody_has_is_out_of_range(maker: Subject) -> None:
    with pytest.raises(OutOfRange):
        await maker.volume(maker.wanted(size=TOO_MUCH))


@pytest.mark.parametrize(
    "request_",
    [
        pb.CreateVolumeRequest(volume_capabilities=[MOUNTED]),
        pb.CreateVolumeRequest(name="no-capabilities"),
    ],
    ids=["without a name", "without capabilities"],
)
async def test_what_is_missing_is_an_invalid_argument(maker: Subject, request_: pb.CreateVolumeRequest) -> None:
    request_.secrets.update(maker.secrets)
    with pytest.raises(InvalidArgument):
        await maker.controller.create_volume(request_)


async def test_removing_twice_is_the_same_as_once(maker: Subject) -> None:
    volume = await maker.volume()
    for _ in range(2):
        await maker.controller.delete_volume(pb.DeleteVolumeRequest(volume_id=volume.volume_id, secrets=maker.secrets))


async def test_removing_needs_an_id(maker: Subject) -> None:
    with pytest.raises(InvalidArgument):
        await delete_volume(maker.controller, "", maker.secrets)


async def test_a_name_can_be_used_again(maker: Subject) -> None:
    wanted = maker.wanted()
    first = await maker.volume(wanted)
    await delete_volume(maker.controller, first.volume_id, maker.secrets)
    larger = maker.wanted(wanted.name, size=2 * maker.size)
    second = await maker.volume(larger)
    assert second.capacity_bytes == 0 or second.capacity_bytes >= 2 * maker.size


async def test_what_it_was_made_for_is_confirmed(maker: Subject) -> None:
    volume = await maker.volume()
    answer = await maker.controller.validate_volume_capabilities(
        pb.ValidateVolumeCapabilitiesRequest(
            volume_id=volume.volume_id,
            volume_context=volume.volume_context,
            volume_capabilities=[MOUNTED],
            secrets=maker.secrets,
        )
    )
    assert list(answer.confirmed.volume_capabilities) == [MOUNTED]


@pytest.mark.parametrize(
    ("volume_id", "capabilities", "error"),
    [("", [MOUNTED], InvalidArgument), ("of-a-volume", [], InvalidArgument), (UNKNOWN, [MOUNTED], NotFound)],
)
async def test_confirming_needs_a_volume_and_a_use(
    maker: Subject, volume_id: str, capabilities: list[pb.VolumeCapability], error: type[Exception]
) -> None:
    if volume_id == "of-a-volume":
        volume_id = (await maker.volume()).volume_id
    with pytest.raises(error):
        await maker.controller.validate_volume_capabilities(
            pb.ValidateVolumeCapabilitiesRequest(
                volume_id=volume_id, volume_capabilities=capabilities, secrets=maker.secrets
            )
        )


@pytest.mark.parametrize("page", [1, 2, 100])
async def test_all_volumes_are_listed_however_long_the_pages(maker: Subject, page: int) -> None:
    maker.needs("controller:LIST_VOLUMES")
    made = {(await maker.volume()).volume_id for _ in range(3)}
    listed = [entry.volume.volume_id async for entry in seen.volumes(maker.controller, page)]
    assert made <= set(listed)
    assert len(listed) == len(set(listed))


async def test_a_token_that_nobody_gave_is_aborted(maker: Subject) -> None:
    maker.needs("controller:LIST_VOLUMES")
    with pytest.raises(Aborted):
        await maker.controller.list_volumes(pb.ListVolumesRequest(starting_token="invalid-token"))


async def test_a_volume_is_found_by_its_id_or_not_at_all(maker: Subject) -> None:
    if not {"GET_VOLUME", "LIST_VOLUMES"} & maker.can.controller:
        maker.needs("controller:LIST_VOLUMES")
    volume = await maker.volume()
    found = await seen.volume(maker.controller, volume.volume_id, maker.can)
    assert found is not None
    assert found.volume.volume_id == volume.volume_id
    assert await seen.volume(maker.controller, UNKNOWN, maker.can) is None


async def test_there_is_room_or_there_is_none(maker: Subject) -> None:
    maker.needs("controller:GET_CAPACITY")
    left = await seen.capacity(maker.controller, parameters=maker.parameters)
    assert left.available_capacity >= 0
    assert left.maximum_volume_size is None or left.maximum_volume_size > 0


async def test_growing_gives_at_least_what_was_asked_and_again_the_same(maker: Subject) -> None:
    maker.needs("controller:EXPAND_VOLUME")
    volume = await maker.volume()
    answers = [
        await expand_volume(
            maker.controller,
            volume.volume_id,
            2 * maker.size,
            capability=VolumeCapability(),
            secrets=maker.secrets,
        )
        for _ in range(2)
    ]
    assert answers[0][0] >= 2 * maker.size
    assert answers[0] == answers[1]


async def test_growing_to_less_changes_nothing(maker: Subject) -> None:
    maker.needs("controller:EXPAND_VOLUME")
    volume = await maker.volume(maker.wanted(size=2 * maker.size))
    size, _ = await expand_volume(maker.controller, volume.volume_id, maker.size, secrets=maker.secrets)
    assert size >= 2 * maker.size


@pytest.mark.parametrize(("volume_id", "size", "error"), [("", 1, InvalidArgument), (UNKNOWN, 1, NotFound)])
async def test_growing_needs_a_volume(maker: Subject, volume_id: str, size: int, error: type[Exception]) -> None:
    maker.needs("controller:EXPAND_VOLUME")
    with pytest.raises(error):
        await expand_volume(maker.controller, volume_id, size * maker.size, secrets=maker.secrets)


async def test_growing_needs_a_size(maker: Subject) -> None:
    maker.needs("controller:EXPAND_VOLUME")
    volume = await maker.volume()
    with pytest.raises(InvalidArgument):
        await maker.controller.controller_expand_volume(
            pb.ControllerExpandVolumeRequest(volume_id=volume.volume_id, secrets=maker.secrets)
        )


async def test_a_clone_tells_its_origin(maker: Subject) -> None:
    maker.needs("controller:CLONE_VOLUME")
    origin = await maker.volume()
    source = ContentSource(volume=VolumeSource(volume_id=origin.volume_id))
    wanted = maker.wanted(source=source)
    clone = await maker.volume(wanted)
    assert clone.content_source == source
    assert clone.volume_id != origin.volume_id
    assert await maker.volume(wanted) == clone


@pytest.mark.parametrize(
    ("capability", "source"),
    [
        ("CLONE_VOLUME", ContentSource(volume=VolumeSource(volume_id=UNKNOWN))),
        ("CREATE_DELETE_SNAPSHOT", ContentSource(snapshot=SnapshotSource(snapshot_id="no-such-snapshot"))),
    ],
)
async def test_a_source_that_is_not_there_is_not_found(maker: Subject, capability: str, source: ContentSource) -> None:
    maker.needs(f"controller:{capability}")
    with pytest.raises(NotFound):
        await maker.volume(maker.wanted(source=source))
