"""Fixtures for all tests: container runtimes, real and fake.

A test that asks for a real one gets the marker `real` by itself: `-m "not real"` leaves these out.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from support import containerd2 as support_containerd2
from support import images
from support.containerd import DEBIAN_BINARIES, RealRuntime
from support.fake_cri import FakeCri, fake_with_images

REAL_RUNTIMES = ("containerd16", "containerd2")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and not set(REAL_RUNTIMES).isdisjoint(item.fixturenames):
            item.add_marker("real")


@pytest.fixture(scope="session")
def image_archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The archive of each test image, by the image's name."""
    return images.write_archives(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="session")
def containerd16(image_archives: dict[str, Path]) -> Iterator[RealRuntime]:
    """Debian 12's own containerd, for all tests of the run, with the test images."""
    if not (DEBIAN_BINARIES / "containerd").exists():
        leave_out("containerd is not installed")
    yield from _real_runtime(DEBIAN_BINARIES, image_archives)


@pytest.fixture(scope="session")
def containerd2(image_archives: dict[str, Path]) -> Iterator[RealRuntime]:
    """A containerd 2, for all tests of the run, with the test images."""
    try:
        binaries = support_containerd2.binaries()
    except (support_containerd2.CannotFetch, OSError) as error:
        leave_out(f"containerd 2 cannot be had: {error}")
    yield from _real_runtime(binaries, image_archives)


@pytest.fixture
async def fake_cri(tmp_path: Path) -> AsyncIterator[FakeCri]:
    """A fake runtime of the test's own, with the test images."""
    async with fake_with_images(tmp_path / "cri.sock") as fake:
        yield fake


def leave_out(reason: str) -> NoReturn:
    """Ends the test: left out on a machine that lacks something, failed in CI, where nothing may be lacking."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must not leave this out: {reason}", pytrace=False)
    pytest.skip(reason)


def _real_runtime(binaries: Path, archives: dict[str, Path]) -> Iterator[RealRuntime]:
    if os.geteuid() != 0:
        leave_out("a real container runtime needs root")
    with RealRuntime(binaries, images.PAUSE) as runtime:
        for archive in sorted(set(archives.values())):
            runtime.load(archive, *(name for name in archives if archives[name] == archive))
        yield runtime
