"""Removing a pod's cgroups, in a tree that looks like cgroup's."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenode.clients import cgroupfs
from kubenode.clients.errors import RuntimeFailure

PARENT = "/kubepods/burstable/podu1"


@pytest.fixture(params=["v1", "v2"])
def mount(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    roots = [tmp_path / "cpu", tmp_path / "memory"] if request.param == "v1" else [tmp_path]
    for root in roots:
        (root / PARENT.lstrip("/") / "container").mkdir(parents=True)
        (root / "kubepods" / "burstable" / "podu2").mkdir()
    if request.param == "v2":
        (tmp_path / "cgroup.controllers").touch()
    return tmp_path


def _occupy(mount: Path) -> None:
    for busy in mount.rglob("container"):
        (busy / "file").touch()


def _left(mount: Path) -> set[str]:
    return {path.name for path in mount.rglob("*") if path.is_dir()} - {"cpu", "memory"}


async def test_a_pods_cgroup_goes_with_all_below_it(mount: Path) -> None:
    for _ in range(2):
        await cgroupfs.remove(PARENT, mount)
    assert _left(mount) == {"kubepods", "burstable", "podu2"}


@pytest.mark.parametrize("parent", ["", "/", "//", "."])
async def test_the_root_is_no_pods(mount: Path, parent: str) -> None:
    before = _left(mount)
    await cgroupfs.remove(parent, mount)
    assert _left(mount) == before


async def test_one_that_is_in_use_is_an_error(mount: Path) -> None:
    _occupy(mount)
    with pytest.raises(RuntimeFailure, match=f"removal of cgroup {PARENT} failed at {mount}: Directory not empty"):
        await cgroupfs.remove(PARENT, mount)
