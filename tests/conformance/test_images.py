"""Images: what is there, and what becomes of it."""

import pytest

from conformance.conftest import Runtime
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, NotFound, RuntimeFailure, Unavailable
from kubenode.clients.stubs import cri_pb2 as pb
from support.images import BUSYBOX, PAUSE, VARIANT

ABSENT = "kubenode.test/absent:1"


async def status(cri: CriClient, reference: str) -> pb.Image:
    request = pb.ImageStatusRequest(image=pb.ImageSpec(image=reference))
    return (await cri.image_status(request)).image


async def test_the_status_of_an_absent_image_is_empty(cri: CriClient) -> None:
    answer = await cri.image_status(pb.ImageStatusRequest(image=pb.ImageSpec(image=ABSENT)))
    assert not answer.HasField("image")


async def test_an_image_is_known_by_name_and_by_id(cri: CriClient) -> None:
    by_name = await status(cri, BUSYBOX)
    assert BUSYBOX in by_name.repo_tags
    assert by_name.id.startswith("sha256:")
    assert by_name.size > 0
    assert await status(cri, by_name.id) == by_name


async def test_an_image_says_what_user_it_wants(cri: CriClient) -> None:
    assert (await status(cri, VARIANT)).username == "app"
    assert (await status(cri, BUSYBOX)).username == ""


async def test_all_images_are_listed(cri: CriClient) -> None:
    listed = (await cri.list_images()).images
    assert {tag for image in listed for tag in image.repo_tags} >= {PAUSE, BUSYBOX, VARIANT}
    assert await status(cri, BUSYBOX) in listed


async def test_removing_an_image_drops_all_its_names(cri: CriClient, runtime: Runtime) -> None:
    await runtime.add_spare_image("kubenode.test/spare:1", "kubenode.test/spare:2")
    assert sorted((await status(cri, "kubenode.test/spare:2")).repo_tags) == [
        "kubenode.test/spare:1",
        "kubenode.test/spare:2",
    ]
    await cri.remove_image(pb.RemoveImageRequest(image=pb.ImageSpec(image="kubenode.test/spare:1")))
    assert not (await status(cri, "kubenode.test/spare:1")).id
    assert not (await status(cri, "kubenode.test/spare:2")).id


async def test_removing_an_absent_image_is_success(cri: CriClient) -> None:
    await cri.remove_image(pb.RemoveImageRequest(image=pb.ImageSpec(image=ABSENT)))


async def test_pulling_what_no_registry_has_names_the_image(cri: CriClient) -> None:
    with pytest.raises(ClientError) as caught:
        await cri.pull_image(pb.PullImageRequest(image=pb.ImageSpec(image="127.0.0.1:1/absent:1")))
    assert isinstance(caught.value, NotFound | RuntimeFailure | Unavailable)
    assert str(caught.value).startswith("PullImage of image 127.0.0.1:1/absent:1 failed at unix://")


async def test_the_file_system_of_images_is_told(cri: CriClient) -> None:
    (usage,) = (await cri.image_fs_info()).image_filesystems
    assert usage.fs_id.mountpoint
    assert usage.used_bytes.value > 0
