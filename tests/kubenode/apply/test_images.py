"""Pulls, against the fake runtime."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest
from grpc import StatusCode

from kubenode.apply.images import ImagePuller
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, NotFound, RuntimeFailure, Unavailable
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.specs import RegistryAuth
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


class Registry:
    """Answers pulls by the name they come with ("" for none) and records these."""

    def __init__(self, answers: dict[str, ClientError]) -> None:
        self._answers = answers
        self.names: list[str] = []

    async def pull_image(self, request: pb.PullImageRequest) -> pb.PullImageResponse:
        self.names.append(request.auth.username)
        if error := self._answers.get(request.auth.username):
            raise error
        return pb.PullImageResponse()


def _error(kind: type[ClientError], detail: str) -> ClientError:
    return kind(endpoint="unix:///run/fake.sock", operation="PullImage", detail=detail)


AUTHS = tuple(RegistryAuth("r.test", username=name, password="hunter2") for name in ("first", "second"))
DENIED = {name: _error(RuntimeFailure, f"denied to {name}") for name in ("first", "second", "")}
LOGINS = [
    ({}, ["first"]),
    ({"first": DENIED["first"]}, ["first", "second"]),
    ({"first": DENIED["first"], "second": DENIED["second"]}, ["first", "second", ""]),
]


@pytest.mark.parametrize(("answers", "expected"), LOGINS)
async def test_credentials_are_tried_in_order_then_none(answers: dict[str, ClientError], expected: list[str]) -> None:
    registry = Registry(answers)
    await ImagePuller(cast("CriClient", registry), 1).pull("r.test/app", AUTHS)
    assert registry.names == expected


async def test_when_all_are_denied_the_first_is_told() -> None:
    with pytest.raises(RuntimeFailure, match="denied to first"):
        await ImagePuller(cast("CriClient", Registry(DENIED)), 1).pull("r.test/app", AUTHS)


async def test_a_runtime_that_is_gone_is_asked_once() -> None:
    registry = Registry({"first": _error(Unavailable, "gone")})
    with pytest.raises(Unavailable):
        await ImagePuller(cast("CriClient", registry), 1).pull("r.test/app", AUTHS)
    assert registry.names == ["first"]


async def test_pods_with_other_credentials_do_not_share_a_pull() -> None:
    registry = Registry({})
    puller = ImagePuller(cast("CriClient", registry), 2)
    await asyncio.gather(*(puller.pull("r.test/app", auths) for auths in (AUTHS[:1], AUTHS[1:], ())))
    assert sorted(registry.names) == ["", "first", "second"]
