"""One suite for every runtime, so that the fake cannot lie: each test runs against all three."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kubenode.clients.cri import CriClient
from support import images
from support.containerd import RealRuntime
from support.fake_cri import FakeCri, fake_with_images
from support.fake_images import image
from support.pods import Pods


@dataclass
class Runtime:
    """The runtime under test; one of the two is set."""

    real: RealRuntime | None = None
    fake: FakeCri | None = None

    @property
    def endpoint(self) -> str:
        return (self.real or self.fake_or_fail).endpoint

    @property
    def real_or_fail(self) -> RealRuntime:
        assert self.real is not None
        return self.real

    @property
    def fake_or_fail(self) -> FakeCri:
        assert self.fake is not None
        return self.fake

    @property
    def cgroup_root(self) -> str:
        return self.real.cgroup_root if self.real else "/kubenode-test"

    @property
    def has_events(self) -> bool:
        return self.fake is not None or not self.real_or_fail.version.startswith("1.6.")

    async def stop(self) -> None:
        if self.real:
            self.real.stop()
        else:
            await self.fake_or_fail.stop()

    async def kill(self) -> None:
        if self.real:
            self.real.kill()
        else:
            await self.fake_or_fail.stop()

    def pause(self) -> None:
        (self.real or self.fake_or_fail).pause()

    def resume(self) -> None:
        (self.real or self.fake_or_fail).resume()

    async def start(self) -> None:
        if self.real:
            self.real.start()
        else:
            await self.fake_or_fail.start()

    async def add_spare_image(self, *names: str) -> None:
        """An image of its own with these names, that a test may remove."""
        if self.fake:
            self.fake.add_image(image(*names))
            return
        real = self.real_or_fail
        spare = replace(images.all_images()[0], name=names[0])
        archive = real.root / "spare.tar"
        archive.write_bytes(images.archive([replace(spare, config={"Labels": {"spare": "yes"}})]))
        real.load(archive, names[0])
        for name in names[1:]:
            real.ctr("images", "tag", names[0], name)
            real.await_image(name)


REAL = [pytest.param("containerd16", marks=pytest.mark.real), pytest.param("containerd2", marks=pytest.mark.real)]


@pytest.fixture(params=["fake", *REAL])
async def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Runtime]:
    if request.param != "fake":
        yield Runtime(real=request.getfixturevalue(request.param))
        return
    async with fake_with_images(tmp_path / "cri.sock") as fake:
        yield Runtime(fake=fake)


@pytest.fixture
async def cri(runtime: Runtime) -> AsyncIterator[CriClient]:
    async with CriClient(runtime.endpoint) as client:
        yield client


@pytest.fixture
async def pods(runtime: Runtime, cri: CriClient, tmp_path: Path) -> AsyncIterator[Pods]:
    folder = tmp_path / "logs"
    folder.mkdir()
    async with Pods(cri, folder, runtime.cgroup_root) as made:
        yield made
