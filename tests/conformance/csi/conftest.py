"""One suite for every storage driver: ours, strict and with all that the specification has, and others' by environment.

See support.csi_subject for how another's is named.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support.csi_process import CsiDriver
from support.csi_subject import OTHERS, Subject, subject
from support.private_mounts import needs_root, private_mounts

ENDPOINT = os.environ.get(OTHERS, "")
GIB = 1 << 30


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(needs_root)


@pytest.fixture(scope="module")
def own_mounts() -> Iterator[None]:
    """Another's driver mounts where it runs: we must see that."""
    if ENDPOINT:
        yield
        return
    with private_mounts():
        yield


@pytest.fixture(scope="module")
def own_driver(own_mounts: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CsiDriver | None]:
    if ENDPOINT:
        yield None
        return
    with CsiDriver(tmp_path_factory.mktemp("csi")) as driver:
        yield driver


@pytest.fixture
async def driver(own_driver: CsiDriver | None, tmp_path: Path) -> AsyncIterator[Subject]:
    if own_driver is None:
        folder = Path(os.environ["KUBENODE_CSI_DIRECTORY"])
        size = int(os.environ.get("KUBENODE_CSI_SIZE", GIB))
        controller = os.environ.get("KUBENODE_CSI_CONTROLLER", "")
        async with subject(ENDPOINT, folder, controller=controller, size=size) as made:
            yield made
        return
    async with subject(own_driver.endpoint, tmp_path / "mounts") as made:
        yield made
