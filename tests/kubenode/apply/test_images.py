"""Pulls, against the fake runtime."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from grpc import StatusCode

from kubenode.apply.images import ImagePuller
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, NotFound
from support.fake_cri import FakeCri
from support.fake_images import image

NAMES = [f"r.test/image-{number}:1" for number in range(4)]
WITHIN = 5.0  # seconds


@pytest.fixture
async def cri(fake_cri: FakeCri) -> AsyncIterator[CriClient]:
    for name in NAMES:
        fake_cri.registry[name] = image(name)
    async with CriClient(fake_cri.endpoint) as client:
        yield client


async def _until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not so():
            await asyncio.sleep(0.005)


async def test_an_image_is_pulled(cri: CriClient, fake_cri: FakeCri) -> None:
    await ImagePuller(cri, 5).pull(NAMES[0])
    assert fake_cri.find_image(NAMES[0])


async def test_pods_that_want_the_same_image_share_a_pull(cri: CriClient, fake_cri: FakeCri) -> None:
    puller = ImagePuller(cri, 5)
    fake_cri.pause()
    pulls = [asyncio.create_task(puller.pull(NAMES[0])) for _ in range(3)]
    await _until(lambda: fake_cri.calls["PullImage"] > 0)
    fake_cri.resume()
    await asyncio.gather(*pulls)
    assert fake_cri.calls["PullImage"] == 1


async def test_a_pull_later_is_a_pull_anew(cri: CriClient, fake_cri: FakeCri) -> None:
    puller = ImagePuller(cri, 5)
    await puller.pull(NAMES[0])
    await puller.pull(NAMES[0])
    assert fake_cri.calls["PullImage"] == 2


async def test_no_more_than_so_many_at_once(cri: CriClient, fake_cri: FakeCri) -> None:
    puller = ImagePuller(cri, 2)
    fake_cri.pause()
    pulls = [asyncio.create_task(puller.pull(name)) for name in NAMES]
    await _until(lambda: fake_cri.calls["PullImage"] == 2)
    await asyncio.sleep(0.05)  # time enough for a third, which should not come
    assert fake_cri.calls["PullImage"] == 2
    fake_cri.resume()
    await asyncio.gather(*pulls)
    assert fake_cri.calls["PullImage"] == 4


async def test_it_goes_on_as_long_as_one_waits(cri: CriClient, fake_cri: FakeCri) -> None:
    puller = ImagePuller(cri, 5)
    fake_cri.pause()
    first, second = (asyncio.create_task(puller.pull(NAMES[0])) for _ in range(2))
    await _until(lambda: fake_cri.calls["PullImage"] == 1)
    first.cancel()
    await asyncio.wait([first])
    fake_cri.resume()
    async with asyncio.timeout(WITHIN):
        await second
    assert (first.cancelled(), fake_cri.calls["PullImage"]) == (True, 1)


async def test_it_ends_when_nobody_waits_and_frees_its_place(cri: CriClient, fake_cri: FakeCri) -> None:
    puller = ImagePuller(cri, 1)
    fake_cri.pause()
    pull = asyncio.create_task(puller.pull(NAMES[0]))
    await _until(lambda: fake_cri.calls["PullImage"] == 1)
    pull.cancel()
    await asyncio.wait([pull])
    fake_cri.resume()
    async with asyncio.timeout(WITHIN):
        await puller.pull(NAMES[1])
    assert fake_cri.find_image(NAMES[1])


async def test_each_that_waits_is_told_of_the_failure(cri: CriClient, fake_cri: FakeCri) -> None:
    puller = ImagePuller(cri, 1)
    answers = await asyncio.gather(*(puller.pull("r.test/gone:1") for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [NotFound] * 3
    fake_cri.fail("PullImage", StatusCode.UNKNOWN, "no space left on device", times=1)
    with pytest.raises(ClientError, match="no space left on device"):
        await puller.pull(NAMES[0])
    await puller.pull(NAMES[0])
