"""What is at a target, who else has the volume, and whose its files are: on the kernel's own table of mounts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kubenode.apply.csi_mount_plans import give_to_group
from kubenode.clients.csi_records import Records
from kubenode.clients.mounts import bind, bind_read_only, mount
from kubenode.model.csi import Mount
from kubenode.model.csi_records import MountRecord
from kubenode.model.csi_rules import VolumeData
from kubenode.observe.csi_mounts import Group, Place, first_of_another_group, look_at_mount
from support.private_mounts import needs_root, private_mounts

pytestmark = needs_root
GROUP = 4711


@pytest.fixture(autouse=True)
def own_mounts() -> Iterator[None]:
    with private_mounts():
        yield


def made(path: Path) -> str:
    path.mkdir(parents=True, exist_ok=True)
    return str(path)


class Node:
    """A volume, staged and mounted at a target, on a node with a kubelet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = Records(folder / "state", "driver.test")
        self.staging, self.target = made(folder / "staging"), made(folder / "target")
        mount("tmpfs", self.staging, "tmpfs")
        bind(self.staging, self.target)
        self.mount = Mount("v1", self.target, self.staging)
        self.place = Place("driver.test", str(folder / "kubelet"))

    def also(self, *parts: str) -> str:
        path = made(self.folder.joinpath(*parts))
        bind(self.staging, path)
        return path

    def pod(self, name: str, handle: str, driver: str = "driver.test") -> str:
        folder = self.folder / "kubelet" / "pods" / name / "volumes" / "kubernetes.io~csi" / "pv"
        path = made(folder / "mount")
        mount("tmpfs", path, "tmpfs")
        (folder / "vol_data.json").write_bytes(msgspec.json.encode(VolumeData(driver, handle)))
        return path


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


async def test_what_is_mounted_from_the_staging_path_is_known_by_the_kernel(node: Node) -> None:
    bind_read_only(node.target)
    seen = await look_at_mount(node.records, node.place, node.mount)
    assert seen.shown is not None
    assert (seen.from_staging, seen.staged, seen.read_only, seen.known) == (True, True, True, False)
    assert (seen.shown.filesystem, seen.users, seen.problem) == ("tmpfs", (), "")


async def test_what_others_mounted_is_not_from_the_staging_path(node: Node) -> None:
    mount("tmpfs", node.target, "tmpfs")
    assert not (await look_at_mount(node.records, node.place, node.mount)).from_staging


async def test_who_else_uses_the_staged_volume(node: Node) -> None:
    by_hand, by_record = node.also("by-hand"), node.also("by-record")
    by_pod = node.pod("one", "v1")
    node.pod("two", "v2")
    node.pod("three", "v1", driver="other.test")
    node.records.put(MountRecord(Mount("v1", by_record)))
    node.records.put(MountRecord(Mount("v1", str(node.folder / "not-mounted"))))
    seen = await look_at_mount(node.records, node.place, node.mount)
    assert seen.users == tuple(sorted((by_hand, by_record, by_pod)))


async def test_other_volumes_of_one_file_system_do_not_use_it(node: Node) -> None:
    """As shares of one server that the kernel has as one."""
    node.records.put(MountRecord(Mount("v2", node.also("other-target"), node.also("other-staging"))))
    node.also("kubelet", "plugins", "kubernetes.io", "csi", "driver.test", "other", "globalmount")
    assert (await look_at_mount(node.records, node.place, node.mount)).users == ()


async def test_a_part_of_it_that_is_mounted_uses_it(node: Node) -> None:
    part = made(Path(node.staging, "part"))
    place = made(node.folder / "sub-path")
    bind(part, place)
    assert (await look_at_mount(node.records, node.place, node.mount)).users == (place,)


async def test_a_target_with_content_is_seen_and_an_empty_one_is_free(node: Node) -> None:
    async def content(path: Path) -> bool:
        return (await look_at_mount(node.records, node.place, Mount("v1", str(path)))).content

    (node.folder / "file").write_text("x")
    (node.folder / "empty").touch()
    assert await content(node.folder / "file")
    assert await content(node.folder)
    assert not await content(node.folder / "empty")
    assert not await content(node.folder / "none" / "none")
    assert not await content(Path(made(node.folder / "free")))


async def test_a_link_on_the_way_to_the_target_is_followed(node: Node) -> None:
    link = node.folder / "link"
    link.symlink_to(node.folder)
    seen = await look_at_mount(node.records, node.place, Mount("v1", str(link / "target"), str(link / "staging")))
    assert seen.from_staging


def test_all_files_are_given_to_the_group_and_nothing_beside_them(tmp_path: Path) -> None:
    root, outside = tmp_path / "volume", tmp_path / "outside"
    made(root / "a" / "b")
    made(root / "other")
    mount("tmpfs", str(root / "other"), "tmpfs", options="mode=700")
    outside.write_text("x")
    outside.chmod(0o600)
    (root / "a" / "b" / "file").write_text("x")
    (root / "a" / "link").symlink_to(outside)
    (root / "a" / "dangling").symlink_to(tmp_path / "none")
    os.mkfifo(root / "a" / "pipe", 0o600)
    everything = Group(GROUP, root_only=False)
    assert first_of_another_group(str(root), everything) == f"{root}: its group is 0"
    give_to_group(str(root), GROUP)
    assert first_of_another_group(str(root), everything) == ""
    assert (outside.stat().st_gid, oct(outside.stat().st_mode & 0o7777)) == (0, "0o600")
    assert (root / "other").stat().st_gid == 0
    assert oct((root / "a" / "b").stat().st_mode & 0o7777) == "0o2775"
    (root / "a" / "pipe").chmod(0o600)
    assert first_of_another_group(str(root), everything) == f"{root}/a/pipe: its mode is 0600"
    assert first_of_another_group(str(root), Group(GROUP, root_only=True)) == ""
