"""What is seen of volumes and of pods' directories."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from kubenode.apply.volumes import make_pod_directory
from kubenode.model.names import PodKey
from kubenode.model.volume_specs import (
    ContentVolume,
    EmptyDir,
    HostPath,
    ImageVolume,
    PodDirectory,
    VolumeFact,
    VolumeSpec,
)
from kubenode.observe.volumes import PodDirectories, volume_facts

WEB, DB = PodKey("default", "web"), PodKey("default", "db")


def host_path_kind(path: Path | str) -> str:
    return volume_facts({"v": HostPath("v", str(path))})["v"].kind


def test_kinds_are_those_of_host_path_type(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "broken").symlink_to("none")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
    found = {name: host_path_kind(tmp_path / name) for name in ("", "file", "link", "broken", "pipe", "socket", "none")}
    assert found == {
        "": "Directory",
        "file": "File",
        "link": "File",
        "broken": "",
        "pipe": "Pipe",
        "socket": "Socket",
        "none": "",
    }
    assert host_path_kind("/dev/null") == "CharDevice"


def test_nothing_is_seen_of_what_is_not_there(tmp_path: Path) -> None:
    specs: dict[str, VolumeSpec] = {
        "c": ContentVolume("c", str(tmp_path / "c"), (), memory=False),
        "e": EmptyDir("e", str(tmp_path / "e")),
        "i": ImageVolume("i", "r.test/i:1"),
    }
    assert volume_facts(specs) == dict.fromkeys("cei", VolumeFact(""))


def test_a_volume_without_its_first_content_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "c" / "..2026").mkdir(parents=True)
    spec = ContentVolume("c", str(tmp_path / "c"), (), memory=False)
    assert volume_facts({"c": spec})["c"].kind == ""


def test_only_marked_directories_are_ours(tmp_path: Path) -> None:
    assert PodDirectories(tmp_path / "pods").all() == {}
    for uid, key in (("u1", WEB), ("u2", WEB), ("u3", DB)):
        make_pod_directory(str(tmp_path / "pods" / uid), key, uid)
    (tmp_path / "pods" / "upstream" / "volumes").mkdir(parents=True)
    (tmp_path / "pods" / "file").touch()
    assert PodDirectories(tmp_path / "pods").all() == {
        WEB: (PodDirectory("u1", f"{tmp_path}/pods/u1"), PodDirectory("u2", f"{tmp_path}/pods/u2")),
        DB: (PodDirectory("u3", f"{tmp_path}/pods/u3"),),
    }


def test_a_directory_made_again_for_another_is_seen_so(tmp_path: Path) -> None:
    path = str(tmp_path / "u1")
    make_pod_directory(path, WEB, "u1")
    assert set(PodDirectories(tmp_path).all()) == {WEB}
    make_pod_directory(path, DB, "u1")
    assert set(PodDirectories(tmp_path).all()) == {DB}


def test_of_one_pod_its_directories_are_as_they_are_now(tmp_path: Path) -> None:
    directories = PodDirectories(tmp_path)
    assert directories.of(WEB, "u1") == ()
    for uid, key in (("u1", WEB), ("u2", WEB), ("u3", DB)):
        make_pod_directory(str(tmp_path / uid), key, uid)
    u1, u2 = PodDirectory("u1", f"{tmp_path}/u1"), PodDirectory("u2", f"{tmp_path}/u2")
    assert directories.of(WEB) == (u1, u2)
    (tmp_path / "u2" / ".kubenode.json").unlink()
    assert directories.of(WEB) == (u1,)
    make_pod_directory(str(tmp_path / "u1"), DB, "u1")
    assert directories.of(WEB) == ()


def test_a_directory_that_was_another_pods_is_seen_by_its_own(tmp_path: Path) -> None:
    directories = PodDirectories(tmp_path)
    make_pod_directory(str(tmp_path / "u1"), WEB, "u1")
    assert set(directories.all()) == {WEB}
    make_pod_directory(str(tmp_path / "u1"), DB, "u1")
    assert directories.of(DB, "u1") == (PodDirectory("u1", f"{tmp_path}/u1"),)
    assert directories.of(WEB) == ()


@pytest.mark.parametrize("text", ["", "{}", '{"namespace": "default"', '{"namespace": 1, "name": "x", "uid": "y"}'])
def test_a_marker_that_is_not_understood_is_told_and_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    (tmp_path / "u1").mkdir()
    (tmp_path / "u1" / ".kubenode.json").write_text(text)
    for _ in range(2):
        assert PodDirectories(tmp_path).all() == {}
    assert len(caplog.records) == 1
