"""The client of a runtime's streaming server, against servers that do well and badly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import DeadlineExceeded, RuntimeFailure, Unavailable
from kubenode.clients.streaming import V4, V5, Streams, TerminalSize, exec_stream
from kubenode.clients.stubs import cri_pb2 as pb
from support.streaming_server import Script, StreamingServer

SUCCESS = b'\x03{"metadata":{},"status":"Success"}'


def failure(code: object) -> bytes:
    causes = [{"reason": "ExitCode", "message": str(code)}]
    status = {"status": "Failure", "reason": "NonZeroExitCode", "message": "x", "details": {"causes": causes}}
    return b"\x03" + json.dumps(status).encode()


class Runtime(CriClient):
    """A runtime of which only Exec is asked; it gives this URL."""

    def __init__(self, url: str) -> None:
        super().__init__("unix:///no.sock")
        self.url = url
        self.asked: list[pb.ExecRequest] = []

    @property
    def exec(self) -> Any:  # type: ignore[override]
        async def answer(request: pb.ExecRequest, *, timeout: float) -> pb.ExecResponse:
            self.asked.append(request)
            return pb.ExecResponse(url=self.url)

        return answer


@dataclass
class Said:
    out: bytes = b""
    err: bytes = b""

    async def stdout(self, data: bytes) -> None:
        self.out += data

    async def stderr(self, data: bytes) -> None:
        self.err += data


async def given(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def run(
    script: Script, *, protocols: Sequence[str] = (V5, V4), stdin: AsyncIterator[bytes] | None = None, tty: bool = False
) -> tuple[int, Said]:
    said = Said()
    async with StreamingServer(script, protocols) as server, Runtime(server.url) as cri:
        streams = Streams(said.stdout, said.stderr, stdin)
        return await exec_stream(cri, "abc", ["true"], streams, tty=tty), said


def plays(*frames: bytes) -> Script:
    async def script(socket: web.WebSocketResponse) -> None:
        for frame in frames:
            await socket.send_bytes(frame)

    return script


@pytest.mark.parametrize("protocols", [[V5], [V4]])
async def test_output_errors_and_the_exit_code(protocols: list[str]) -> None:
    code, said = await run(plays(b"\x01", b"\x01out", b"\x02err", b"\x01put", failure(7)), protocols=protocols)
    assert (code, said.out, said.err) == (7, b"output", b"err")


async def test_success_is_zero() -> None:
    assert (await run(plays(SUCCESS)))[0] == 0


async def test_standard_input_is_sent_and_closed() -> None:
    got: list[bytes] = []

    async def script(socket: web.WebSocketResponse) -> None:
        async for message in socket:
            got.append(message.data)
            if message.data[0] == 0xFF:
                break
        await socket.send_bytes(SUCCESS)

    assert (await run(script, stdin=given(b"one", b"two"), protocols=[V5]))[0] == 0
    assert got == [b"\x00one", b"\x00two", b"\xff\x00"]


async def test_a_terminals_size_is_sent() -> None:
    got: list[bytes] = []

    async def script(socket: web.WebSocketResponse) -> None:
        message = await socket.receive()
        got.append(message.data)
        await socket.send_bytes(SUCCESS)

    async def sizes() -> AsyncIterator[TerminalSize]:
        yield TerminalSize(120, 40)
        await asyncio.Event().wait()

    said = Said()
    async with StreamingServer(script, [V4]) as server, Runtime(server.url) as cri:
        streams = Streams(said.stdout, said.stderr, given(), sizes())
        assert await exec_stream(cri, "abc", ["sh"], streams, tty=True) == 0
    assert (got[0][0], json.loads(got[0][1:])) == (4, {"Width": 120, "Height": 40})
    (asked,) = cri.asked
    assert (asked.tty, asked.stdin, asked.stdout, asked.stderr) == (True, True, True, False)


async def test_a_command_that_ends_before_it_took_its_input() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 32768

    async with asyncio.timeout(20):
        assert (await run(plays(b"\x01done", failure(2)), stdin=endless()))[0] == 2


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([b"\x01out"], "ended without the command's exit code"),
        ([], "ended without the command's exit code"),
        ([b"\x03nonsense"], "is not understood: nonsense"),
        ([b"\x03[]"], "is not understood"),
        ([failure("soon")], "is not understood"),
        ([b'\x03{"status":"Failure","reason":"NonZeroExitCode"}'], "NonZeroExitCode"),
        ([b'\x03{"status":"Failure","message":"no such program","reason":"InternalError"}'], "no such program"),
    ],
)
async def test_no_exit_code_is_an_error_that_says_why(frames: list[bytes], said: str) -> None:
    with pytest.raises(RuntimeFailure, match=said):
        await run(plays(*frames))


async def test_frames_that_mean_nothing_are_left_out() -> None:
    async def script(socket: web.WebSocketResponse) -> None:
        await socket.send_str("text")
        for frame in (b"", b"\x09what", b"\x00to me?", b"\x01out", SUCCESS):
            await socket.send_bytes(frame)

    code, said = await run(script)
    assert (code, said.out) == (0, b"out")


async def test_a_status_counts_also_when_the_server_does_not_hang_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubenode.clients.streaming.CLOSING_SECONDS", 0.1)

    async def script(socket: web.WebSocketResponse) -> None:
        await socket.send_bytes(failure(9))
        while (await socket.receive()).type is not WSMsgType.CLOSE:
            pass

    assert (await run(script))[0] == 9


async def test_what_a_reader_of_the_output_raises_is_raised() -> None:
    async def broken(data: bytes) -> None:
        raise BrokenPipeError

    async with StreamingServer(plays(b"\x01out", SUCCESS), [V4]) as server, Runtime(server.url) as cri:
        with pytest.raises(BrokenPipeError):
            await exec_stream(cri, "abc", ["yes"], Streams(broken, broken))


async def test_a_server_that_is_not_there_or_no_server_is_one_sentence() -> None:
    async with Runtime("http://127.0.0.1:1/exec/x") as cri:
        said = Said()
        with pytest.raises(Unavailable, match="loopback"):
            await exec_stream(cri, "abc", ["true"], Streams(said.stdout, said.stderr))
    async with Runtime("nonsense") as cri:
        with pytest.raises(Unavailable):
            await exec_stream(cri, "abc", ["true"], Streams(said.stdout, said.stderr))


@asynccontextmanager
async def served(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """The address of a server on loopback; left when all that it served is done."""
    async with asyncio.TaskGroup() as group:

        async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve(reader, writer)
            writer.close()
            await writer.wait_closed()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            group.create_task(one(reader, writer))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        async with server:
            yield f"http://{host}:{port}/exec/x"


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize("stdin", [lambda: None, lambda: given(b"x")])
async def test_a_server_that_hangs_has_a_deadline(stdin: Callable[[], AsyncIterator[bytes] | None]) -> None:
    async with served(silent) as url, Runtime(url) as cri:
        said = Said()
        with pytest.raises(DeadlineExceeded, match=r"no answer in 0\.2 s"):
            await exec_stream(cri, "abc", ["true"], Streams(said.stdout, said.stderr, stdin()), setup_seconds=0.2)


class OldServer:
    """Refuses websockets that can half-close, and then answers an upgrade to SPDY with these bytes."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.got = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"SPDY/3.1" not in head:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            while b"\x01\x00\x00\x00" not in self.got[-8:]:  # stdin's end
                self.got += await reader.read(65536)
            writer.write(self.answer)
        await writer.drain()


def data_frame(stream: int, data: bytes) -> bytes:
    return stream.to_bytes(4, "big") + len(data).to_bytes(4, "big") + data


REPLY = bytes.fromhex("80030002 00000006 00000005 0000")
GOAWAY = bytes.fromhex("80030007 00000008 00000000 00000000")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (REPLY + data_frame(5, b"out") + data_frame(7, b"err") + data_frame(1, failure(3)[1:]) + GOAWAY, 3),
        (data_frame(5, b"out") + data_frame(7, b"err") + data_frame(99, b"?") + data_frame(1, SUCCESS[1:]), 0),
    ],
)
async def test_an_old_runtime_is_told_the_end_of_input_by_spdy(answer: bytes, expected: int) -> None:
    old = OldServer(answer)
    said = Said()
    async with served(old.serve) as url, Runtime(url) as cri:
        streams = Streams(said.stdout, said.stderr, given(b"hello"))
        assert await exec_stream(cri, "abc", ["cat"], streams) == expected
    assert (said.out, said.err, len(cri.asked)) == (b"out", b"err", 2)
    assert data_frame(3, b"hello") in old.got


@pytest.mark.parametrize("answer", [b"", REPLY[:5], b"\xff" * 64, data_frame(5, b"out")[:-1]])
async def test_an_old_runtime_that_breaks_off_or_talks_nonsense(answer: bytes) -> None:
    old = OldServer(answer)
    said = Said()
    async with served(old.serve) as url, Runtime(url) as cri:
        with pytest.raises(RuntimeFailure, match="without the command's exit code"):
            await exec_stream(cri, "abc", ["cat"], Streams(said.stdout, said.stderr, given(b"hello")))
