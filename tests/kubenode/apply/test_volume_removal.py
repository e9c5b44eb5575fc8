"""Tear-down: everything of the pod goes, and nothing that was only mounted or linked there."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubenode.apply.volumes import bind_sub_path, make_pod_directory, set_up, tear_down
from kubenode.clients import mounts
from kubenode.model.names import PodKey
from kubenode.model.volume_specs import EmptyDir, SubPath
from support.private_mounts import needs_root, private_mounts

pytestmark = needs_root

MS_SHARED = 1 << 20
DEEP = 1500


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    with private_mounts():
        (tmp_path / "precious").mkdir()
        (tmp_path / "precious" / "data").write_text("keep")
        make_pod_directory(str(tmp_path / "pods" / "u1"), PodKey("default", "web"), "u1")
        yield tmp_path


@pytest.fixture
def pod(place: Path) -> Path:
    return place / "pods" / "u1"


def kept(place: Path) -> bool:
    return (place / "precious" / "data").read_text() == "keep"


def test_all_kinds_of_files_go(place: Path, pod: Path) -> None:
    volume = pod / "volumes" / "d"
    set_up(EmptyDir("d", str(volume)))
    (volume / "a" / "b").mkdir(parents=True)
    (volume / "a" / "b" / "file").touch()
    (volume / "a" / "read-only").mkdir(mode=0o000)
    (volume / "link").symlink_to(place / "precious")
    (volume / ".kubenode.json").mkdir()
    os.mkfifo(volume / "pipe")
    os.link(place / "precious" / "data", volume / "hard")
    tear_down(str(pod))
    assert not pod.exists()
    assert kept(place)


def test_absent_is_done(place: Path) -> None:
    tear_down(str(place / "pods" / "none"))
    tear_down(str(place / "none" / "none"))


def test_a_tree_of_any_depth_goes(pod: Path) -> None:
    """A container may make it deeper than a path can be written."""
    handle = os.open(pod, os.O_RDONLY)
    for _ in range(DEEP):
        os.mkdir("a-name-of-some-length", dir_fd=handle)
        below = os.open("a-name-of-some-length", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)
    tear_down(str(pod))
    assert not pod.exists()


def test_stacked_and_nested_mounts_go(place: Path, pod: Path) -> None:
    volume = pod / "m"
    for _ in range(2):
        set_up(EmptyDir("m", str(volume)))
        mounts.mount("tmpfs", str(volume), "tmpfs")
        (volume / "nested").mkdir()
        mounts.bind(str(place / "precious"), str(volume / "nested"))
        mounts.bind(str(place / "precious"), str(volume / "nested"))
    tear_down(str(pod))
    assert not pod.exists()
    assert mounts.mounts_below(str(place)) == []
    assert kept(place)


def test_what_is_shared_stays_mounted_at_its_origin(place: Path, pod: Path) -> None:
    """A bind of a shared mount shows what is mounted there; to unmount it must not do so at the origin."""
    precious = place / "precious"
    mounts.bind(str(precious), str(precious))
    mounts.mount("", str(precious), flags=MS_SHARED)
    bind_sub_path(SubPath(str(precious), ".", str(pod / "volume-subpaths/v/app/0"), shared=True))
    (precious / "disk").mkdir()
    mounts.mount("tmpfs", str(precious / "disk"), "tmpfs")
    (precious / "disk" / "data").write_text("keep")
    assert (pod / "volume-subpaths/v/app/0/disk/data").exists()
    tear_down(str(pod))
    assert not pod.exists()
    assert (precious / "disk" / "data").read_text() == "keep"
    assert kept(place)


def test_a_mount_that_is_in_use_is_taken_out_of_sight(place: Path, pod: Path) -> None:
    set_up(EmptyDir("m", str(pod / "m"), "Memory"))
    with (pod / "m" / "open").open("w"):
        tear_down(str(pod))
    assert not pod.exists()
    assert mounts.mounts_below(str(place)) == []


def test_what_stays_mounted_stops_all(place: Path, pod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pod / "file").touch()
    (pod / "h").mkdir()
    mounts.bind(str(place / "precious"), str(pod / "h"))

    def refuse(target: str, *, lazy: bool = False) -> bool:
        raise OSError(errno.EPERM, "Operation not permitted", target)

    monkeypatch.setattr(mounts, "unmount", refuse)
    with pytest.raises(PermissionError, match=f"cannot unmount {pod}/h"):
        tear_down(str(pod))
    assert (pod / "file").exists()
    assert (pod / ".kubenode.json").exists()
    assert kept(place)


@pytest.mark.parametrize("where", ["h", "a/b/h"])
def test_a_mount_that_the_kernels_list_did_not_show_is_not_entered(
    place: Path, pod: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """One made in the very moment: the files themselves are looked at, too."""
    (pod / where).mkdir(parents=True)
    mounts.bind(str(place / "precious"), str(pod / where))
    monkeypatch.setattr(mounts, "mounts_below", lambda _: [])
    with pytest.raises(OSError, match="cannot remove all of"):
        tear_down(str(pod))
    assert (pod / ".kubenode.json").exists()
    assert kept(place)
    monkeypatch.undo()
    tear_down(str(pod))
    assert not pod.exists()
    assert kept(place)


def test_a_mounted_file_goes_and_its_origin_stays(place: Path, pod: Path) -> None:
    bind_sub_path(SubPath(str(place / "precious"), "data", str(pod / "volume-subpaths/v/app/0")))
    tear_down(str(pod))
    assert not pod.exists()
    assert kept(place)


def test_a_hidden_mount_is_not_reached_through_a_link(place: Path, pod: Path) -> None:
    """A mount in a directory that another mount hides, where that one has a link of the same name."""
    victim = place / "victim"
    victim.mkdir()
    mounts.mount("tmpfs", str(victim), "tmpfs")
    (victim / "x").mkdir()
    mounts.mount("tmpfs", str(victim / "x"), "tmpfs")
    (pod / "m" / "d" / "x").mkdir(parents=True)
    mounts.mount("tmpfs", str(pod / "m" / "d" / "x"), "tmpfs")
    mounts.mount("tmpfs", str(pod / "m"), "tmpfs")
    (pod / "m" / "d").symlink_to(victim)
    tear_down(str(pod))
    assert not pod.exists()
    assert [point.path for point in mounts.mounts_below(str(victim))] == [str(victim / "x"), str(victim)]


@pytest.mark.parametrize("left", ["volumes", "etc-hosts"])
def test_a_directory_of_another_kubelet_is_left_alone(place: Path, left: str) -> None:
    other = place / "pods" / "other"
    (other / left).mkdir(parents=True)
    with pytest.raises(PermissionError, match="nothing was removed"):
        tear_down(str(other))
    assert (other / left).exists()


def test_a_link_in_place_of_a_pod_is_not_followed(place: Path) -> None:
    make_pod_directory(str(place / "precious"), PodKey("default", "x"), "x")
    (place / "pods" / "link").symlink_to(place / "precious")
    with pytest.raises(OSError, match="link"):
        tear_down(str(place / "pods" / "link"))
    assert kept(place)
