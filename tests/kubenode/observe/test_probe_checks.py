"""Each kind of probe, asked once, of real servers and of a fake runtime."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from grpc import StatusCode, aio, method_handlers_generic_handler, unary_unary_rpc_method_handler

from kubenode.clients.cri import CriClient
from kubenode.clients.http_get import http_session
from kubenode.clients.stubs import health_pb2 as health
from kubenode.model.specs import ExecHook, HttpHook
from kubenode.observe import probe_checks
from kubenode.observe.probe_checks import EXEC_SLOTS, Checker, CheckError, CheckResult
from kubenode.plan.probes import Check, GrpcCheck, TcpCheck
from support.containerd import RealRuntime
from support.fake_cri import FakeCri
from support.http_server import HOST, HttpServer
from support.pods import Pods

PASSED = CheckResult(True)
WITHIN = 5  # seconds


@pytest.fixture
async def cri(fake_cri: FakeCri) -> AsyncIterator[CriClient]:
    async with CriClient(fake_cri.endpoint) as cri:
        yield cri


@pytest.fixture
async def checker(cri: CriClient) -> AsyncIterator[Checker]:
    async with http_session() as session:
        yield Checker(cri, session)


@pytest.fixture
async def container(cri: CriClient, tmp_path: Path) -> AsyncIterator[str]:
    """The id of a container that runs."""
    async with Pods(cri, tmp_path, "/kubepods") as pods:
        yield await pods.start(await pods.run())


def script(text: str) -> ExecHook:
    return ExecHook(("sh", "-c", text))


# Commands.


@pytest.mark.parametrize(
    ("command", "result"),
    [
        ("exit 0", PASSED),
        ("exit 3", CheckResult(False, "the command ended with exit code 3")),
        ("echo out; echo err >&2; exit 1", CheckResult(False, "the command ended with exit code 1: out\nerr")),
        ("sleep 60", CheckResult(False, "the command was not done within 1 s")),
    ],
)
async def test_a_commands_exit_code_decides(
    checker: Checker, container: str, command: str, result: CheckResult
) -> None:
    assert await checker.check(container, script(command), 1) == result


async def test_of_much_output_only_the_start_is_told(checker: Checker, container: str) -> None:
    result = await checker.check(container, script(f"echo {'x' * 20000}; exit 1"), WITHIN)
    assert len(result.message) < 11000


async def test_a_command_that_cannot_be_started_says_nothing_about_the_container(
    checker: Checker, container: str, fake_cri: FakeCri
) -> None:
    with pytest.raises(CheckError, match="not found"):
        await checker.check(container, ExecHook(("absent",)), WITHIN)
    assert fake_cri.calls["ExecSync"] == 3


async def test_an_error_is_tried_again(checker: Checker, container: str, fake_cri: FakeCri) -> None:
    fake_cri.fail("ExecSync", StatusCode.UNAVAILABLE, times=2)
    assert await checker.check(container, script("exit 0"), WITHIN) == PASSED


async def test_a_failure_is_not_tried_again(checker: Checker, container: str, fake_cri: FakeCri) -> None:
    assert not (await checker.check(container, script("exit 1"), WITHIN)).passed
    assert fake_cri.calls["ExecSync"] == 1


async def test_a_command_that_outlives_its_end_has_failed(
    checker: Checker, container: str, fake_cri: FakeCri, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a child of the command holds its output open: the runtime lives, and does not answer for this one."""
    monkeypatch.setattr(probe_checks, "EXEC_MARGIN_SECONDS", -0.8)
    fake_cri.delay("ExecSync", 60)
    assert await checker.check(container, script("exit 0"), 1) == CheckResult(
        False, "the command was not done within 1 s"
    )


async def test_a_runtime_that_hangs_fails_no_probe(
    checker: Checker, container: str, fake_cri: FakeCri, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_checks, "EXEC_MARGIN_SECONDS", -0.8)
    monkeypatch.setattr(probe_checks, "RUNTIME_SECONDS", 0.1)
    fake_cri.pause()
    with pytest.raises(CheckError, match="no answer within"):
        await checker.check(container, script("exit 0"), 1)
    fake_cri.resume()


async def test_a_runtime_that_hung_for_a_while_fails_no_probe(
    checker: Checker, container: str, fake_cri: FakeCri, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is there again as soon as it is asked whether it lives."""
    monkeypatch.setattr(probe_checks, "EXEC_MARGIN_SECONDS", -0.8)
    fake_cri.pause()
    checking = asyncio.create_task(checker.check(container, script("exit 0"), 1))
    await asyncio.sleep(0.6)  # how long it hangs is what is tested
    fake_cri.resume()
    assert await checking == PASSED


async def test_commands_that_hang_do_not_hold_others_up(
    checker: Checker, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_checks, "SLOT_SECONDS", 0.1)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(2 * EXEC_SLOTS):
            group.create_task(checker.check(container, script("sleep 60"), 2))
        await asyncio.sleep(0)
        assert await checker.check(container, script("exit 0"), WITHIN) == PASSED
        assert time.monotonic() - began < 1.9


async def test_only_so_many_commands_start_at_once(
    checker: Checker, container: str, fake_cri: FakeCri, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_checks, "SLOT_SECONDS", 60.0)
    fake_cri.delay("ExecSync", 0.3)
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(checker.check(container, script("exit 0"), WITHIN)) for _ in range(EXEC_SLOTS + 3)]
        while fake_cri.calls["ExecSync"] < EXEC_SLOTS:
            await asyncio.sleep(0.01)
        assert fake_cri.calls["ExecSync"] == EXEC_SLOTS
    assert [task.result() for task in asked] == [PASSED] * (EXEC_SLOTS + 3)


# Requests.


@pytest.mark.parametrize(
    ("status", "passed"), [(200, True), (204, True), (399, True), (400, False), (404, False), (500, False)]
)
async def test_a_status_decides(checker: Checker, status: int, passed: bool) -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status)

    async with HttpServer(answer) as server:
        result = await checker.check("c", HttpHook("HTTP", HOST, server.port, "/z"), WITHIN)
    assert result.passed is passed
    if not passed:
        assert result.message == f"GET http://{HOST}:{server.port}/z: status {status}"


async def test_a_redirect_to_another_host_passes_with_a_warning(checker: Checker) -> None:
    async def send_away(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "http://192.0.2.1/"})

    async with HttpServer(send_away) as server:
        result = await checker.check("c", HttpHook("HTTP", HOST, server.port, "/"), WITHIN)
    assert result.passed
    assert "the redirect to http://192.0.2.1/ (status 302) was not followed" in result.message


async def test_the_agent_is_kube_probe(checker: Checker) -> None:
    async with HttpServer() as server:
        assert await checker.check("c", HttpHook("HTTP", HOST, server.port, "/"), WITHIN) == PASSED
        assert server.requests[0].headers["User-Agent"].startswith("kube-probe/")


async def test_nobody_answers(checker: Checker, unused_tcp_port: int) -> None:
    http = await checker.check("c", HttpHook("HTTP", HOST, unused_tcp_port, "/z"), WITHIN)
    assert http == CheckResult(False, f"GET /z at http://{HOST}:{unused_tcp_port}: Connection refused")
    tcp = await checker.check("c", TcpCheck(HOST, unused_tcp_port), WITHIN)
    assert tcp == CheckResult(False, f"connecting to {HOST}:{unused_tcp_port}: Connection refused")
    assert not (await checker.check("c", GrpcCheck(HOST, unused_tcp_port, ""), WITHIN)).passed


@pytest.mark.parametrize("host", [HOST, "::1", "localhost"])
async def test_a_connection_is_enough(checker: Checker, host: str) -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, host, 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await checker.check("c", TcpCheck(host, port), WITHIN) == PASSED


@pytest.mark.parametrize(
    "check",
    [
        HttpHook("HTTP", "", 80, "/"),
        HttpHook("HTTP", HOST, 0, "/"),
        TcpCheck("", 80),
        TcpCheck(HOST, 0),
        TcpCheck("x" * 300, 80),
        GrpcCheck("", 80, ""),
        GrpcCheck(HOST, 0, ""),
    ],
)
async def test_what_cannot_be_asked_says_nothing_about_the_container(checker: Checker, check: Check) -> None:
    with pytest.raises(CheckError):
        await checker.check("c", check, WITHIN)


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (health.HealthCheckResponse.SERVING, PASSED),
        (health.HealthCheckResponse.NOT_SERVING, CheckResult(False, "service db is NOT_SERVING")),
        (health.HealthCheckResponse.UNKNOWN, CheckResult(False, "service db is UNKNOWN")),
    ],
)
async def test_a_server_has_to_be_serving(
    checker: Checker, status: health.HealthCheckResponse.ServingStatus.ValueType, result: CheckResult
) -> None:
    async def check(_request: bytes, _context: object) -> bytes:
        return health.HealthCheckResponse(status=status).SerializeToString()

    server = aio.server()
    methods: dict[str, Any] = {"Check": unary_unary_rpc_method_handler(check)}
    server.add_generic_rpc_handlers((method_handlers_generic_handler("grpc.health.v1.Health", methods),))
    port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    assert await checker.check("c", GrpcCheck(HOST, port, "db"), WITHIN) == result
    await server.stop(None)


# A real runtime.


async def test_commands_in_a_real_container(containerd2: RealRuntime, tmp_path: Path) -> None:
    async with (
        CriClient(containerd2.endpoint) as cri,
        http_session() as session,
        Pods(cri, tmp_path, containerd2.cgroup_root) as pods,
    ):
        container = await pods.start(await pods.run())
        checker = Checker(cri, session)
        assert await checker.check(container, script("exit 0"), WITHIN) == PASSED
        failed = await checker.check(container, script("echo no; exit 2"), WITHIN)
        assert failed == CheckResult(False, "the command ended with exit code 2: no")
        late = await checker.check(container, script("exec sleep 60"), 1)
        assert late == CheckResult(False, "the command was not done within 1 s")
        with pytest.raises(CheckError, match="absent"):
            await checker.check(container, ExecHook(("absent",)), WITHIN)
