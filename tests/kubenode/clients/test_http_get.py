"""A GET as probes and hooks make it, against real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from kubenode.clients.errors import ClientError, DeadlineExceeded, InvalidArgument, RuntimeFailure, Unavailable
from kubenode.clients.http_get import MAX_BODY_BYTES, MAX_REDIRECTS, Answer, Request, http_get, http_session
from support.http_server import HOST, HttpServer, self_signed

WITHIN = 5.0  # seconds


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with http_session() as session:
        yield session


def request(port: int, path: str = "/", scheme: str = "HTTP", host: str = HOST, **headers: str) -> Request:
    return Request(scheme, host, port, path, tuple((name.replace("_", "-"), v) for name, v in headers.items()), "probe")


async def test_the_answer_is_told_whatever_its_status(session: aiohttp.ClientSession) -> None:
    async def refuse(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=503, text="busy")

    async with HttpServer(refuse) as server:
        assert await http_get(session, request(server.port), WITHIN) == Answer(503, b"busy")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/", "/"),
        ("/healthz", "/healthz"),
        ("healthz", "/healthz"),
        ("/z?verbose=1&x=a%20b", "/z?verbose=1&x=a%20b"),
        ("/a b", "/a%20b"),
        ("/a%2Fb", "/a%2Fb"),
    ],
)
async def test_the_path_may_have_a_query(session: aiohttp.ClientSession, path: str, asked: str) -> None:
    async with HttpServer() as server:
        await http_get(session, request(server.port, path), WITHIN)
        assert server.requests[0].raw_path == asked


async def test_the_headers_are_those_of_the_manifest(session: aiohttp.ClientSession) -> None:
    async with HttpServer() as server:
        await http_get(session, request(server.port, Host="web.test", X_Token="t", User_Agent="mine"), WITHIN)
        await http_get(session, request(server.port, Accept="", X_Token=""), WITHIN)
        first, second = (one.headers for one in server.requests)
    assert (first["Host"], first["X-Token"], first.getall("User-Agent")) == ("web.test", "t", ["mine"])
    assert first["Accept"] == "*/*"
    assert second["User-Agent"].startswith("probe/kubenode-")
    assert ("Accept" in second, second["X-Token"]) == (False, "")
    assert {first["Connection"], second["Connection"]} == {"close"}


async def test_a_header_may_be_given_twice(session: aiohttp.ClientSession) -> None:
    async with HttpServer() as server:
        twice = Request("HTTP", HOST, server.port, "/", (("A", "1"), ("A", "2")), "probe")
        await http_get(session, twice, WITHIN)
        assert server.requests[0].headers.getall("A") == ["1", "2"]


async def test_no_certificate_is_verified(session: aiohttp.ClientSession, tmp_path: Path) -> None:
    async with HttpServer(tls=self_signed(tmp_path)) as server:
        assert (await http_get(session, request(server.port, scheme="HTTPS"), WITHIN)).status == 200


async def test_an_ipv6_address_is_asked(session: aiohttp.ClientSession) -> None:
    async with HttpServer(host="::1") as server:
        assert (await http_get(session, request(server.port, host="::1"), WITHIN)).status == 200


async def test_redirects_on_the_same_host_are_followed(session: aiohttp.ClientSession) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/old":
            return web.Response(status=302, headers={"Location": "/new?a=b"})
        return web.Response(text=request.raw_path)

    async with HttpServer(answer) as server:
        answered = await http_get(session, request(server.port, "/old", Host="web.test", X="y"), WITHIN)
        assert answered == Answer(200, b"/new?a=b")
        assert [(one.headers["Host"], one.headers["X"]) for one in server.requests] == [("web.test", "y")] * 2


async def test_a_redirect_to_another_port_of_the_host_is_followed(session: aiohttp.ClientSession) -> None:
    async with HttpServer() as other:

        async def send_on(_request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=307, headers={"Location": f"http://{HOST}:{other.port}/x"})

        async with HttpServer(send_on) as server:
            answered = await http_get(session, request(server.port, Host="web.test"), WITHIN)
            assert answered.status == 200
            assert other.requests[0].headers["Host"] == f"{HOST}:{other.port}"


@pytest.mark.parametrize("place", ["http://192.0.2.1/x", "https://elsewhere.test/", "//elsewhere.test/x"])
async def test_a_redirect_to_another_host_is_the_answer(session: aiohttp.ClientSession, place: str) -> None:
    async def send_away(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=301, headers={"Location": place})

    async with HttpServer(send_away) as server:
        assert await http_get(session, request(server.port), WITHIN) == Answer(301, b"", place)


@pytest.mark.parametrize("status", [300, 302, 304])
async def test_a_redirect_to_nowhere_is_the_answer(session: aiohttp.ClientSession, status: int) -> None:
    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, body=b"")

    async with HttpServer(answer) as server:
        assert await http_get(session, request(server.port), WITHIN) == Answer(status, b"")


async def test_redirects_in_a_circle_end(session: aiohttp.ClientSession) -> None:
    async def again(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/"})

    async with HttpServer(again) as server:
        with pytest.raises(RuntimeFailure, match="redirected more than 10 times"):
            await http_get(session, request(server.port), WITHIN)
        assert len(server.requests) == MAX_REDIRECTS + 1


async def test_no_more_than_the_start_of_a_body_is_read(session: aiohttp.ClientSession) -> None:
    async def without_end(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    async with HttpServer(without_end) as server:
        assert await http_get(session, request(server.port), WITHIN) == Answer(200, b"x" * MAX_BODY_BYTES)


async def hang(_request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


async def hang_in_the_body(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await asyncio.sleep(60)
    return response


@pytest.mark.parametrize("answer", [hang, hang_in_the_body])
async def test_a_slow_answer_is_none(session: aiohttp.ClientSession, answer: object) -> None:
    async with HttpServer(answer) as server:  # type: ignore[arg-type]
        with pytest.raises(DeadlineExceeded, match=r"no answer within 0.2 s"):
            await http_get(session, request(server.port), 0.2)


async def test_nobody_listens(session: aiohttp.ClientSession) -> None:
    async with HttpServer() as server:
        port = server.port
    with pytest.raises(Unavailable, match=rf"^GET /z failed at http://127.0.0.1:{port}: Connection refused\.$"):
        await http_get(session, request(port, "/z"), WITHIN)


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_what_is_no_http_is_an_error(session: aiohttp.ClientSession, said: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(speak, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ClientError):
            await http_get(session, request(port), WITHIN)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (request(80, host=""), "has not got an address"),
        (request(0), "has not got a port of that name"),
    ],
)
async def test_what_cannot_be_asked(session: aiohttp.ClientSession, bad: Request, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        await http_get(session, bad, WITHIN)


async def test_a_header_that_would_be_two_is_not_sent(session: aiohttp.ClientSession) -> None:
    async with HttpServer() as server:
        with pytest.raises(InvalidArgument, match="header"):
            await http_get(session, request(server.port, X="a\r\nB: c"), WITHIN)
        assert server.requests == []


async def test_a_cancelled_request_leaves_no_connection(session: aiohttp.ClientSession) -> None:
    ended = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        task.cancel()
        assert await reader.read() == b""
        writer.close()
        ended.set()

    async with await asyncio.start_server(listen, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        task = asyncio.create_task(http_get(session, request(port), None))
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(WITHIN):
            await ended.wait()
