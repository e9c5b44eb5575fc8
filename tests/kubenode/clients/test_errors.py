"""From gRPC's statuses to our errors."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from grpc import StatusCode

from kubenode.clients import errors
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, DeadlineExceeded, InvalidArgument, KubenodeError, Unavailable
from kubenode.clients.rpc_errors import error_class
from kubenode.clients.stubs import cri_pb2 as pb
from support.fake_cri import FakeCri

NOBODY = 65534

# What runtimes really send: their code, their text, and what it means.
SENT = [
    ("UNAVAILABLE", "connection closed", "Unavailable"),
    ("DEADLINE_EXCEEDED", "context deadline exceeded", "DeadlineExceeded"),
    ("CANCELLED", "context canceled", "Cancelled"),
    ("ABORTED", "an operation with the given volume ID already exists", "Aborted"),
    ("RESOURCE_EXHAUSTED", "message larger than max", "ResourceExhausted"),
    ("NOT_FOUND", 'an error occurred when try to find container "x": not found', "NotFound"),
    ("ALREADY_EXISTS", "volume exists", "AlreadyExists"),
    ("INVALID_ARGUMENT", "sandbox config is nil", "InvalidArgument"),
    ("OUT_OF_RANGE", "too large", "InvalidArgument"),
    ("PERMISSION_DENIED", "no", "PermissionDenied"),
    ("UNAUTHENTICATED", "who are you", "PermissionDenied"),
    ("UNIMPLEMENTED", "unknown method RestorePod for service runtime.v1.RuntimeService", "Unimplemented"),
    ("INTERNAL", "panic", "RuntimeFailure"),
    ("FAILED_PRECONDITION", "volume is in use", "RuntimeFailure"),
    ("UNKNOWN", "something odd", "RuntimeFailure"),
    # No code that helps: the text decides.
    ("UNKNOWN", 'failed to reserve sandbox name "a_b_c_0": name "a_b_c_0" is reserved for "f00"', "AlreadyExists"),
    ("FAILED_PRECONDITION", 'failed to reserve container name "a_b": name "a_b" is reserved for "f0"', "AlreadyExists"),
    ("UNKNOWN", 'failed to create containerd container: container "f00": already exists', "AlreadyExists"),
    ("UNKNOWN", "failed to stop container: context deadline exceeded", "DeadlineExceeded"),
    ("UNKNOWN", "command [sleep 9] timed out", "DeadlineExceeded"),
    ("UNKNOWN", "failed to pull image: context canceled", "Cancelled"),
    ("UNKNOWN", "write /var/lib/x: no space left on device", "ResourceExhausted"),
    ("UNKNOWN", 'plugin type="bridge" failed (add): no IP addresses available in range set', "ResourceExhausted"),
    ("UNKNOWN", 'failed to get container "f00" from store: container "f00": not found', "NotFound"),
    ("UNKNOWN", "container with ID f00 does not exist", "NotFound"),
    ("UNKNOWN", "Error: No such container: f00", "NotFound"),
    # A program that is missing is not a container that is missing.
    ("UNKNOWN", 'start container: exec: "nope": executable file not found in $PATH: unknown', "RuntimeFailure"),
    ("UNKNOWN", 'container: exec: "/nope": stat /nope: no such file or directory: unknown', "RuntimeFailure"),
    # Where the code is clear, the text has no say.
    ("INVALID_ARGUMENT", "container name: not found", "InvalidArgument"),
]


@pytest.mark.parametrize(("code", "text", "meant"), SENT)
def test_what_is_sent_becomes_what_is_meant(code: str, text: str, meant: str) -> None:
    assert error_class(StatusCode[code], text).__name__ == meant


def test_every_error_is_one_of_one_tree() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(issubclass(kind, KubenodeError) for kind in kinds)
    assert {kind.__name__ for kind in kinds} >= {meant for *_, meant in SENT}


def test_an_error_is_a_sentence_of_what_was_tried_on_what_what_came_back_and_what_to_do() -> None:
    error = errors.NotFound(
        endpoint="unix:///run/x.sock", operation="StopContainer", subject="container 3f2a web", detail="no such thing."
    )
    assert str(error) == (
        "StopContainer of container 3f2a web failed at unix:///run/x.sock: no such thing. "
        "Check its name; it may have been removed meanwhile."
    )


def test_without_a_subject_a_detail_and_a_remedy_it_is_still_a_sentence() -> None:
    error = errors.RuntimeFailure(endpoint="unix:///x", operation="Version", remedy="")
    assert str(error) == "Version failed at unix:///x: no reason was given."


async def ask(endpoint: str, *, timeout: float | None = None) -> ClientError:
    async with CriClient(endpoint) as cri:
        with pytest.raises(ClientError) as caught:
            await cri.version(timeout=timeout)
    return caught.value


async def test_an_absent_socket(tmp_path: Path) -> None:
    error = await ask(f"{tmp_path}/containerd.sock")
    assert isinstance(error, Unavailable)
    assert error.detail == "there is no such socket"
    assert "systemctl start containerd" in error.remedy


async def test_a_socket_on_which_nobody_listens(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(f"{tmp_path}/crio.sock")
        error = await ask(f"{tmp_path}/crio.sock")
    assert isinstance(error, Unavailable)
    assert "refused" in error.detail
    assert "systemctl start crio" in error.remedy


async def test_a_file_that_is_no_socket(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    error = await ask(f"{tmp_path}/file")
    assert isinstance(error, Unavailable)
    assert error.detail == "this file is not a socket"


async def test_a_socket_that_is_not_for_us(fake_cri: FakeCri) -> None:
    fake_cri.path.chmod(0)
    with as_nobody(fake_cri.path.parent):
        error = await ask(fake_cri.endpoint)
    assert isinstance(error, Unavailable)
    assert error.detail == "permission denied on the socket"
    assert error.remedy == "Run as root."


async def test_a_socket_in_a_folder_that_is_not_for_us(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0)
    with as_nobody(tmp_path):
        error = await ask(f"{folder}/cri.sock")
    assert error.detail == "permission denied on the way to the socket"
    assert error.remedy == "Run as root."


async def test_a_socket_that_listens_and_never_answers(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(f"{tmp_path}/hung.sock")
        hung.listen()
        error = await ask(f"{tmp_path}/hung.sock", timeout=0.2)
    assert isinstance(error, DeadlineExceeded)
    assert error.detail == "no answer within 0.2 s"


async def test_a_runtime_that_hangs_later(fake_cri: FakeCri) -> None:
    async with CriClient(fake_cri.endpoint) as cri:
        await cri.version()
        fake_cri.pause()
        with pytest.raises(DeadlineExceeded, match=r"no answer within 0\.2 s"):
            await cri.version(timeout=0.2)
        fake_cri.resume()
        await cri.version()


async def test_a_deadline_of_the_runtimes_own_keeps_its_text(fake_cri: FakeCri) -> None:
    fake_cri.fail("Version", StatusCode.DEADLINE_EXCEEDED, "the disk is slow")
    error = await ask(fake_cri.endpoint)
    assert isinstance(error, DeadlineExceeded)
    assert error.detail == "the disk is slow"


async def test_a_runtime_without_cri_tells_how_to_switch_it_on(fake_cri: FakeCri) -> None:
    fake_cri.fail("Version", StatusCode.UNIMPLEMENTED, "unknown service runtime.v1.RuntimeService")
    error = await ask(fake_cri.endpoint)
    assert isinstance(error, Unavailable)
    assert "disabled_plugins" in error.remedy


@pytest.mark.parametrize("endpoint", ["tcp://127.0.0.1:1", "http://x", "", "run/x.sock", "unix://run/x.sock"])
def test_only_unix_sockets_are_endpoints(endpoint: str) -> None:
    with pytest.raises(InvalidArgument, match="Unix socket"):
        CriClient(endpoint)


def test_a_path_that_no_socket_can_have_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="107 bytes"):
        CriClient("unix:///" + 100 * "ä")


@pytest.mark.parametrize(
    ("call", "request_message", "subject"),
    [
        ("container_status", pb.ContainerStatusRequest(container_id="0123456789abcdef"), "container 0123456789abc"),
        ("stop_pod_sandbox", pb.StopPodSandboxRequest(pod_sandbox_id="0123456789abcdef"), "sandbox 0123456789abc"),
        ("remove_image", pb.RemoveImageRequest(image=pb.ImageSpec(image="a/b:1")), "image a/b:1"),
        (
            "run_pod_sandbox",
            pb.RunPodSandboxRequest(
                config=pb.PodSandboxConfig(metadata=pb.PodSandboxMetadata(name="n", namespace="s"))
            ),
            "s/n",
        ),
        (
            "create_container",
            pb.CreateContainerRequest(config=pb.ContainerConfig(metadata=pb.ContainerMetadata(name="web"))),
            "container web",
        ),
        ("list_containers", pb.ListContainersRequest(), ""),
    ],
)
async def test_the_subject_is_read_from_the_request(
    tmp_path: Path, call: str, request_message: object, subject: str
) -> None:
    async with CriClient(f"{tmp_path}/absent.sock") as cri:
        with pytest.raises(Unavailable) as caught:
            await getattr(cri, call)(request_message)
        assert caught.value.subject == subject
        with pytest.raises(Unavailable) as caught:
            await getattr(cri, call)(request_message, subject="the caller's words")
        assert caught.value.subject == "the caller's words"


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Runs without root's rights, in a folder that everybody may enter; without root there is nothing to give up."""
    if os.geteuid() != 0:
        yield
        return
    closed = [parent for parent in (folder, *folder.parents) if parent.stat().st_mode & 0o001 == 0]
    modes = {parent: parent.stat().st_mode for parent in closed}
    for parent in closed:
        parent.chmod(modes[parent] | 0o011)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        for parent, mode in modes.items():
            parent.chmod(mode)
