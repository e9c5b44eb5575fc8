"""One hand on a node at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kubenode.agent.lock import NodeBusy, node_lock, upstream_kubelet

HOLDER = """
import sys, time
from pathlib import Path
from kubenode.agent.lock import node_lock
with node_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "lock"


def test_it_is_given_back(path: Path) -> None:
    for _ in range(2):
        with node_lock(path):
            assert path.read_text() == str(os.getpid())


def test_a_second_hand_is_refused_and_told_of_the_first(path: Path) -> None:
    with node_lock(path), pytest.raises(NodeBusy) as raised, node_lock(path):
        raise AssertionError("held twice")
    assert str(raised.value).startswith(f"process {os.getpid()} already acts on this node (it holds {path}). ")


def test_it_is_roots_alone(path: Path) -> None:
    with node_lock(path):
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_killed_holder_holds_it_no_more(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(NodeBusy, match=f"process {holder.pid} already acts"), node_lock(path):
                raise AssertionError("held twice")
        finally:
            holder.send_signal(signal.SIGKILL)
            holder.wait()
    with node_lock(path):
        assert path.read_text() == str(os.getpid())


def test_a_place_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(NodeBusy, match="cannot be opened: "), node_lock(tmp_path / "file" / "lock"):
        raise AssertionError("held")


def test_a_kubelet_is_known_by_its_process(tmp_path: Path) -> None:
    for name, comm in (("1", "systemd\n"), ("77", "kubelet\n"), ("78", "kubelet-helper\n"), ("self", "kubelet\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "comm").write_text(comm)
    (tmp_path / "99").mkdir()  # a process that ended meanwhile
    assert upstream_kubelet(tmp_path) == 77
    (tmp_path / "77" / "comm").write_text("other\n")
    assert upstream_kubelet(tmp_path) is None


def test_a_kubelet_of_another_node_in_a_container_does_not_count(tmp_path: Path) -> None:
    for name, space in (("self", "pid:[1]"), ("77", "pid:[2]"), ("78", "pid:[1]")):
        (tmp_path / name / "ns").mkdir(parents=True)
        (tmp_path / name / "ns" / "pid").symlink_to(space)
        (tmp_path / name / "comm").write_text("kubelet\n")
    assert upstream_kubelet(tmp_path) == 78
    (tmp_path / "78" / "ns" / "pid").unlink()
    (tmp_path / "78" / "ns" / "pid").symlink_to("pid:[3]")
    assert upstream_kubelet(tmp_path) is None
