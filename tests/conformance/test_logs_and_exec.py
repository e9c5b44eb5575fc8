"""A container's log file, and commands run in it."""

import re
import time

import pytest

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, DeadlineExceeded, RuntimeFailure
from kubenode.clients.stubs import cri_pb2 as pb
from support.pods import Pods

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d) (stdout|stderr) ([FP]) (.*)")


async def run(cri: CriClient, container_id: str, *command: str, timeout: int = 0) -> pb.ExecSyncResponse:
    return await cri.exec_sync(pb.ExecSyncRequest(container_id=container_id, cmd=command, timeout=timeout))


async def test_each_line_has_its_time_and_stream(pods: Pods) -> None:
    sandbox_id = await pods.run()
    await pods.exited(await pods.start(sandbox_id, "sh", "-c", "echo hello you; echo oh no >&2"))
    await pods.logged(sandbox_id, "F hello you")
    parsed = [LINE.fullmatch(line) for line in await pods.logged(sandbox_id, "F oh no")]
    assert {match.groups()[1:] for match in parsed if match} == {("stdout", "F", "hello you"), ("stderr", "F", "oh no")}
    assert all(parsed)


async def test_a_rotated_log_goes_on_in_a_new_file(cri: CriClient, pods: Pods) -> None:
    sandbox_id = await pods.run()
    script = "echo one; trap 'echo two; exit 0' TERM; sleep 1000 & wait"
    container_id = await pods.start(sandbox_id, "sh", "-c", script)
    await pods.logged(sandbox_id, "F one")
    rotated = pods.log(sandbox_id).rename(pods.log(sandbox_id).with_suffix(".1"))
    await cri.reopen_container_log(pb.ReopenContainerLogRequest(container_id=container_id))
    await cri.stop_container(pb.StopContainerRequest(container_id=container_id, timeout=10))
    fresh = await pods.logged(sandbox_id, "F two")
    assert [line.split()[-1] for line in fresh] == ["two"]
    assert [line.split()[-1] for line in rotated.read_text().splitlines()] == ["one"]


async def test_the_log_of_an_ended_container_cannot_be_reopened(cri: CriClient, pods: Pods) -> None:
    container_id = await pods.start(await pods.run(), "true")
    await pods.exited(container_id)
    with pytest.raises(RuntimeFailure):
        await cri.reopen_container_log(pb.ReopenContainerLogRequest(container_id=container_id))


async def test_a_command_gives_output_and_exit_code(cri: CriClient, pods: Pods) -> None:
    container_id = await pods.start(await pods.run())
    answer = await run(cri, container_id, "sh", "-c", "echo out; echo err >&2; exit 4")
    assert (answer.stdout, answer.stderr, answer.exit_code) == (b"out\n", b"err\n", 4)


async def test_a_command_that_takes_too_long_is_ended(cri: CriClient, pods: Pods) -> None:
    container_id = await pods.start(await pods.run())
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await run(cri, container_id, "sleep", "1000", timeout=1)
    assert 1 <= time.monotonic() - started < 10
    assert (await run(cri, container_id, "true")).exit_code == 0


async def test_a_command_that_is_missing_is_an_error_of_its_own(cri: CriClient, pods: Pods) -> None:
    container_id = await pods.start(await pods.run())
    with pytest.raises(RuntimeFailure) as caught:
        await run(cri, container_id, "/no/such/program")
    assert "/no/such/program" in caught.value.detail


async def test_nothing_runs_in_an_ended_container(cri: CriClient, pods: Pods) -> None:
    container_id = await pods.start(await pods.run(), "true")
    await pods.exited(container_id)
    with pytest.raises(ClientError):
        await run(cri, container_id, "true")
