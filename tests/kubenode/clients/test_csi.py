"""The CSI client: its table of calls, what errors mean, secrets that are nowhere, what is tried again."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

import pytest
from google.protobuf.descriptor import MethodDescriptor
from grpc import StatusCode, aio

from kubenode.clients import csi_errors, errors
from kubenode.clients.csi import CsiClient, plain
from kubenode.clients.csi_errors import FailedPrecondition, OutOfRange, is_final, retrying
from kubenode.clients.errors import ClientError
from kubenode.clients.stubs import csi_pb2 as pb

SERVICES = ("Identity", "Controller", "GroupController", "Node")
METHODS = [method for name in SERVICES for method in pb.DESCRIPTOR.services_by_name[name].methods]
SECRETS = [one for one in pb.DESCRIPTOR.message_types_by_name.values() if "secrets" in one.fields_by_name]
SECRET = "hush-hush"
WITH_SECRETS = [one.name for one in SECRETS]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_every_rpc_has_its_call(method: MethodDescriptor) -> None:
    call = vars(CsiClient)[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", method.name).lower()]
    assert call.path == f"/{method.containing_service.full_name}/{method.name}"
    assert call.request.DESCRIPTOR is method.input_type
    assert call.response.DESCRIPTOR is method.output_type


@pytest.mark.parametrize(("call", "seconds"), [("probe", 10), ("node_get_info", 10), ("node_stage_volume", 120)])
def test_a_change_has_two_minutes(call: str, seconds: float) -> None:
    assert vars(CsiClient)[call].deadline(pb.ProbeRequest(), 120.0) == seconds


@pytest.mark.parametrize(
    ("code", "kind", "final"),
    [
        ("INVALID_ARGUMENT", errors.InvalidArgument, True),
        ("NOT_FOUND", errors.NotFound, True),
        ("ALREADY_EXISTS", errors.AlreadyExists, True),
        ("FAILED_PRECONDITION", FailedPrecondition, True),
        ("OUT_OF_RANGE", OutOfRange, True),
        ("UNIMPLEMENTED", errors.Unimplemented, True),
        ("PERMISSION_DENIED", errors.PermissionDenied, True),
        ("UNAUTHENTICATED", errors.PermissionDenied, True),
        ("INTERNAL", errors.RuntimeFailure, True),
        ("UNKNOWN", errors.RuntimeFailure, True),
        ("DATA_LOSS", errors.RuntimeFailure, True),
        ("ABORTED", errors.Aborted, False),
        ("CANCELLED", errors.Cancelled, False),
        ("DEADLINE_EXCEEDED", errors.DeadlineExceeded, False),
        ("UNAVAILABLE", errors.Unavailable, False),
        ("RESOURCE_EXHAUSTED", errors.ResourceExhausted, False),
    ],
)
def test_a_code_means_what_the_specification_says(code: str, kind: type[ClientError], final: bool) -> None:
    error = translated(code, "a text: timed out, no space left on device")
    assert type(error) is kind
    assert is_final(error) is final


def test_every_code_is_a_sentence_that_says_what_to_do() -> None:
    for code in StatusCode:
        sentence = str(translated(code.name, "words of the driver"))
        assert sentence.startswith("CreateVolume of volume v failed at unix:///run/x.sock: "), code
        assert sentence.endswith("."), code
        assert len(sentence.split(". ")) > 1, code


def test_a_service_on_another_socket() -> None:
    assert "different sockets" in str(translated("UNIMPLEMENTED", "unknown service csi.v1.Controller"))


def translated(code: str, detail: str) -> ClientError:
    error = aio.AioRpcError(StatusCode[code], aio.Metadata(), aio.Metadata(), details=detail)
    facts = {"endpoint": "unix:///run/x.sock", "path": "/run/x.sock", "operation": "CreateVolume"}
    return csi_errors.translate(error, **facts, subject="volume v", expired=None)


def test_all_secrets_of_the_specification_are_marked() -> None:
    assert len(SECRETS) >= 19
    assert [one.name for one in SECRETS if not one.fields_by_name["secrets"].GetOptions().debug_redact] == []


@pytest.mark.parametrize("name", WITH_SECRETS)
def test_no_secret_is_among_plain_values(name: str) -> None:
    request = getattr(pb, name)()
    request.secrets["password"] = "hush-hush"
    assert plain(request) == {}
    assert request.secrets["password"] == "hush-hush"


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("hush", "cannot log in with hush", "cannot log in with ***"),
        ("a.*b", "axxb or a.*b", "axxb or ***"),
        ("ab", "an able one", "an able one"),
    ],
)
def test_secrets_are_taken_out_of_texts(secret: str, text: str, shown: str) -> None:
    error = aio.AioRpcError(StatusCode.INTERNAL, aio.Metadata(), aio.Metadata(("x", text)), details=text)
    assert csi_errors.without(error, [secret]).details() == shown


async def test_what_is_not_final_is_tried_again() -> None:
    answers: list[ClientError | str] = [failing(errors.Aborted), failing(errors.Unavailable), "done"]
    assert await retrying(lambda: told(answers), within=5, first_pause=0.01) == "done"
    assert answers == []


@pytest.mark.parametrize("kind", [errors.NotFound, errors.Unimplemented, FailedPrecondition])
async def test_what_is_final_is_not_tried_again(kind: type[ClientError]) -> None:
    answers: list[ClientError | str] = [failing(kind), "done"]
    with pytest.raises(kind):
        await retrying(lambda: told(answers), within=5, first_pause=0.01)
    assert answers == ["done"]


async def test_trying_again_has_an_end() -> None:
    tries = 0

    async def aborted() -> None:
        nonlocal tries
        tries += 1
        raise failing(errors.Aborted)

    with pytest.raises(errors.Aborted):
        await retrying(aborted, within=0.1, first_pause=0.01)
    assert 2 <= tries <= 11


async def told(answers: list[ClientError | str]) -> str:
    answer = answers.pop(0)
    if isinstance(answer, ClientError):
        raise answer
    return answer


def failing(kind: type[ClientError]) -> ClientError:
    return kind(endpoint="unix:///run/x.sock", operation="CreateVolume")


async def test_nobody_there(tmp_path: Path) -> None:
    async with CsiClient(f"unix://{tmp_path}/csi.sock") as csi:
        with pytest.raises(errors.Unavailable, match="there is no such socket") as caught:
            await csi.create_volume(pb.CreateVolumeRequest(name="n", secrets={"key": SECRET}))
    assert SECRET not in "".join(traceback.format_exception(caught.value))
