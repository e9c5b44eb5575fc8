"""Which socket is taken when none is configured."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kubenode.clients.endpoint import KNOWN, find_endpoint
from kubenode.clients.errors import Unavailable


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def bind(sockets: ExitStack, path: Path, *, listen: bool) -> str:
    made = sockets.enter_context(socket.socket(socket.AF_UNIX))
    made.bind(str(path))
    if listen:
        made.listen()
    return str(path)


def test_the_configured_one_is_taken_as_it_is() -> None:
    assert find_endpoint("unix:///run/mine.sock") == "unix:///run/mine.sock"


def test_containerd_comes_before_crio_and_dockerd() -> None:
    assert [Path(path).stem for path in KNOWN] == ["containerd", "crio", "cri-dockerd"]


def test_of_several_the_first_is_taken(sockets: ExitStack, tmp_path: Path) -> None:
    first, second = (bind(sockets, tmp_path / name, listen=True) for name in ("first", "second"))
    assert find_endpoint(known=[str(tmp_path / "absent"), first, second]) == f"unix://{first}"


def test_a_socket_that_was_left_behind_is_passed_over(sockets: ExitStack, tmp_path: Path) -> None:
    left = bind(sockets, tmp_path / "left", listen=False)
    alive = bind(sockets, tmp_path / "alive", listen=True)
    assert find_endpoint(known=[left, alive]) == f"unix://{alive}"


def test_when_nobody_listens_the_first_is_taken_so_that_its_error_can_be_told(
    sockets: ExitStack, tmp_path: Path
) -> None:
    left = bind(sockets, tmp_path / "left", listen=False)
    assert find_endpoint(known=[left]) == f"unix://{left}"


def test_a_file_is_no_socket(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable):
        find_endpoint(known=[str(tmp_path / "file")])


def test_when_there_is_none_all_that_was_tried_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        find_endpoint(known=[str(tmp_path / "a"), str(tmp_path / "b")])
    assert str(caught.value) == (
        f"Looking for a container runtime failed at {tmp_path}/a, {tmp_path}/b: none of these sockets exists. "
        "Start one, e.g. systemctl start containerd, or set containerRuntimeEndpoint."
    )
