"""Lifecycle hooks, carried out on a fake runtime, a real one and a real server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from kubenode.apply.hooks import run_hook
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, DeadlineExceeded, InvalidArgument, RuntimeFailure, Unavailable
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.specs import ExecHook, HttpHook, SleepHook
from support.containerd import RealRuntime
from support.fake_cri import FakeCri
from support.http_server import HOST, HttpServer, self_signed
from support.pods import Pods

WITHIN = 5.0  # seconds


@pytest.fixture
async def cri(fake_cri: FakeCri) -> AsyncIterator[CriClient]:
    async with CriClient(fake_cri.endpoint) as cri:
        yield cri


@pytest.fixture
async def container(cri: CriClient, tmp_path: Path) -> AsyncIterator[str]:
    async with Pods(cri, tmp_path, "/kubepods") as pods:
        yield await pods.start(await pods.run())


def script(text: str) -> ExecHook:
    return ExecHook(("sh", "-c", text))


@pytest.mark.parametrize(("limit", "asked"), [(None, 0), (2.5, 3)])
async def test_a_command_runs_in_the_container(
    cri: CriClient, container: str, fake_cri: FakeCri, limit: float | None, asked: int
) -> None:
    await run_hook(cri, script("exit 0"), container, "", limit)
    request = fake_cri.requests[-1][1]
    assert isinstance(request, pb.ExecSyncRequest)
    assert (request.container_id, list(request.cmd), request.timeout) == (container, ["sh", "-c", "exit 0"], asked)


async def test_a_command_that_fails_says_how(cri: CriClient, container: str) -> None:
    with pytest.raises(RuntimeFailure) as caught:
        await run_hook(cri, script("echo no secret; exit 3"), container, "", WITHIN)
    assert f"the hook's command sh of container {container[:13]} failed" in str(caught.value)
    assert caught.value.detail == "it ended with exit code 3: no secret"


async def test_a_command_that_is_not_there(cri: CriClient, container: str) -> None:
    with pytest.raises(ClientError, match="not found"):
        await run_hook(cri, ExecHook(("absent",)), container, "", WITHIN)


@pytest.mark.parametrize("hook", [ExecHook(("sh", "-c", "sleep 60")), SleepHook(60)])
async def test_a_hook_ends_with_its_time(cri: CriClient, container: str, hook: ExecHook | SleepHook) -> None:
    with pytest.raises(DeadlineExceeded, match=r"not done within 0.2 s.*grace period"):
        await run_hook(cri, hook, container, "", 0.2)


async def test_a_sleep_takes_its_time(cri: CriClient) -> None:
    began = time.monotonic()
    await run_hook(cri, SleepHook(1), "c", "", None)
    assert time.monotonic() - began > 0.9


async def test_the_pod_is_asked_where_the_hook_names_no_host(cri: CriClient) -> None:
    async with HttpServer() as server:
        await run_hook(cri, HttpHook("HTTP", "", server.port, "/bye", (("A", "b"),)), "c", HOST, WITHIN)
        await run_hook(cri, HttpHook("HTTP", HOST, server.port, "/bye"), "c", "192.0.2.1", WITHIN)
        first = server.requests[0]
        assert (first.path, first.headers["A"], len(server.requests)) == ("/bye", "b", 2)
        assert first.headers["User-Agent"].startswith("kube-lifecycle/")


async def test_no_certificate_is_verified(cri: CriClient, tmp_path: Path) -> None:
    async with HttpServer(tls=self_signed(tmp_path)) as server:
        await run_hook(cri, HttpHook("HTTPS", HOST, server.port, "/"), "c", "", WITHIN)
        assert len(server.requests) == 1


async def test_any_answer_will_do(cri: CriClient) -> None:
    async def broken(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=500)

    async with HttpServer(broken) as server:
        await run_hook(cri, HttpHook("HTTP", HOST, server.port, "/"), "c", "", WITHIN)
        assert len(server.requests) == 1


async def test_a_server_that_hangs_is_not_waited_for(cri: CriClient) -> None:
    async def hang(_request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with HttpServer(hang) as server:
        with pytest.raises(DeadlineExceeded, match="GET /bye"):
            await run_hook(cri, HttpHook("HTTP", HOST, server.port, "/bye"), "c", "", 0.2)


async def test_nobody_answers(cri: CriClient, unused_tcp_port: int) -> None:
    with pytest.raises(Unavailable, match="Connection refused"):
        await run_hook(cri, HttpHook("HTTP", "", unused_tcp_port, "/"), "c", HOST, WITHIN)


@pytest.mark.parametrize("hook", [HttpHook("HTTP", "", 80, "/"), HttpHook("HTTP", HOST, 0, "/")])
async def test_nobody_to_ask(cri: CriClient, hook: HttpHook) -> None:
    with pytest.raises(InvalidArgument, match="the pod has not got"):
        await run_hook(cri, hook, "c", "", WITHIN)


async def test_hooks_in_a_real_container(containerd2: RealRuntime, tmp_path: Path) -> None:
    async with CriClient(containerd2.endpoint) as cri, Pods(cri, tmp_path, containerd2.cgroup_root) as pods:
        container = await pods.start(await pods.run())
        await run_hook(cri, script("exit 0"), container, "", WITHIN)
        with pytest.raises(RuntimeFailure, match="it ended with exit code 4: bye"):
            await run_hook(cri, script("echo bye; exit 4"), container, "", WITHIN)
        with pytest.raises(DeadlineExceeded):
            await run_hook(cri, script("exec sleep 60"), container, "", 1.0)
