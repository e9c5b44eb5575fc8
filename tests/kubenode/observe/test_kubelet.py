"""A kubelet's process and configuration, as they tell where its pods come from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubenode.observe.kubelet import Kubelet, flags_of, kubelet

FILE = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    place = tmp_path / "proc" / "7"
    place.mkdir(parents=True)
    (place / "cwd").symlink_to(tmp_path)
    return tmp_path / "proc"


def found(proc: Path, *arguments: str) -> Kubelet:
    (proc / "7" / "cmdline").write_bytes("\0".join(("/usr/bin/kubelet", *arguments, "")).encode())
    one = kubelet(7, proc, default=proc / "none")
    assert one is not None
    return one


def test_flags() -> None:
    arguments = ["kubelet", "--a=1", "--b", "2", "--c", "--d=x=y", "--a=3", "-v", "4"]
    assert flags_of(arguments) == {"a": "3", "b": "2", "d": "x=y"}


def test_its_file_tells(proc: Path, tmp_path: Path) -> None:
    (tmp_path / "k.yaml").write_text(FILE + "staticPodPath: /pods\ncontainerRuntimeEndpoint: unix:///r.sock\n")
    one = found(proc, f"--config={tmp_path}/k.yaml")
    assert (one.pid, one.configuration, one.static_pod_path) == (7, tmp_path / "k.yaml", "/pods")
    assert (one.runtime_endpoint, one.node_name) == ("unix:///r.sock", os.uname().nodename.lower())


def test_a_relative_path_is_the_processs(proc: Path, tmp_path: Path) -> None:
    (tmp_path / "k.yaml").write_text(FILE + "staticPodPath: /pods\n")
    assert found(proc, "--config", "k.yaml").static_pod_path == "/pods"


def test_flags_come_before_the_file(proc: Path, tmp_path: Path) -> None:
    (tmp_path / "k.yaml").write_text(FILE + "staticPodPath: /pods\ncontainerRuntimeEndpoint: unix:///r.sock\n")
    flags = ("--pod-manifest-path=/flag", "--container-runtime-endpoint", "unix:///f.sock", "--root-dir=/root-dir")
    one = found(proc, f"--config={tmp_path}/k.yaml", *flags, "--hostname-override=Node-A")
    told = (one.static_pod_path, one.runtime_endpoint, one.root_directory, one.node_name)
    assert told == ("/flag", "unix:///f.sock", "/root-dir", "node-a")


def test_drop_in_files_come_after_the_file_in_their_order(proc: Path, tmp_path: Path) -> None:
    (tmp_path / "k.yaml").write_text(FILE + "staticPodPath: /pods\nevictionHard: {a: '1', b: '1'}\n")
    (tmp_path / "d").mkdir()
    for name, text in (("10.conf", "staticPodPath: /ten"), ("20.conf", "evictionHard: {b: '2'}"), ("30.yaml", "x: 1")):
        (tmp_path / "d" / name).write_text(text)
    one = found(proc, f"--config={tmp_path}/k.yaml", f"--config-dir={tmp_path}/d")
    assert one.static_pod_path == "/ten"
    assert one.fields["evictionHard"] == {"a": "1", "b": "2"}
    assert "x" not in one.fields


def test_what_cannot_be_read_is_as_if_it_were_not_there(proc: Path) -> None:
    assert found(proc, "--config=/nonexistent").static_pod_path == ""
    assert kubelet(8, proc, default=proc / "none") is not None


def test_without_a_process_the_usual_file_tells(tmp_path: Path) -> None:
    assert kubelet(None, default=tmp_path / "none") is None
    (tmp_path / "config.yaml").write_text(FILE + "staticPodPath: /pods\n")
    one = kubelet(None, default=tmp_path / "config.yaml")
    assert one is not None
    assert (one.pid, one.static_pod_path) == (None, "/pods")
