"""Commands in containers, with their streams: the client of a runtime's streaming server.

CRI's Exec gives a URL that can be used once. Behind it, a websocket carries channels, each message beginning with its
channel's number: 0 stdin, 1 stdout, 2 stderr, 3 the status at the end, 4 the terminal's size. Version 5 of this
protocol can close stdin, version 4 cannot; a runtime that lacks 5 gets SPDY where stdin has an end to be told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import aiohttp
import msgspec

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, DeadlineExceeded, RuntimeFailure, Unavailable
from kubenode.clients.spdy import SpdyChannels, connect_spdy
from kubenode.clients.stubs import cri_pb2 as pb

STDIN, STDOUT, STDERR, STATUS, RESIZE = range(5)
CLOSE = 0xFF
V4, V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"
SETUP_SECONDS = 10.0
# After its status a server has nothing more to say; how long it may take to hang up.
CLOSING_SECONDS = 5.0
HANG_UP_SECONDS = 1.0
LARGEST_MESSAGE = 4 << 20
LARGEST_STATUS = 64 << 10

Write = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TerminalSize:
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Streams:
    """Where a command's streams go to and come from.

    stdout, stderr: awaited for each piece of output; what comes next waits for them. With a terminal all is stdout.
    stdin: pieces for the command's input, the end of which it sees; None: it has no input
    sizes: the terminal's size, first and whenever it changes; None: it has no terminal that could have one
    """

    stdout: Write
    stderr: Write
    stdin: AsyncIterator[bytes] | None = None
    sizes: AsyncIterator[TerminalSize] | None = None


class Channels(Protocol):
    """One connection's channels, whatever carries them."""

    async def send(self, channel: int, data: bytes) -> None: ...
    async def close_stdin(self) -> None: ...
    def messages(self) -> AsyncIterator[tuple[int, bytes]]:
        """Channel and data, until the other side ends the connection. What is not understood is left out."""


class _Cause(msgspec.Struct):
    reason: str = ""
    message: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] = []


class _Status(msgspec.Struct):
    """What matters of a meta/v1 Status."""

    status: str = ""
    message: str = ""
    reason: str = ""
    details: _Details | None = None


async def exec_stream(
    cri: CriClient,
    container_id: str,
    argv: Sequence[str],
    streams: Streams,
    *,
    tty: bool = False,
    setup_seconds: float = SETUP_SECONDS,
) -> int:
    """Run a command in a running container; its exit code. Raises ClientError, and what the streams raise.

    tty: the command gets a terminal
    setup_seconds: until the command runs; after that it may take as long as it wants
    """
    subject = f"container {container_id[:13]}"
    request = pb.ExecRequest(
        container_id=container_id, cmd=argv, tty=tty, stdin=streams.stdin is not None, stdout=True, stderr=not tty
    )
    half_close = streams.stdin is not None and not tty
    async with _session(cri, request, subject, setup_seconds, half_close=half_close) as channels:
        status = await _converse(channels, streams)
    return _exit_code(status, cri.endpoint, subject)


@contextlib.asynccontextmanager
async def _session(
    cri: CriClient, request: pb.ExecRequest, subject: str, seconds: float, *, half_close: bool
) -> AsyncGenerator[Channels]:
    async with contextlib.AsyncExitStack() as stack:
        url = ""
        try:
            async with asyncio.timeout(seconds):
                url = (await cri.exec(request, timeout=seconds)).url
                try:
                    channels: Channels = await _websocket(stack, url, [V5] if half_close else [V5, V4])
                except aiohttp.WSServerHandshakeError as error:
                    if not half_close or error.status != 403:
                        raise
                    url = (await cri.exec(request, timeout=seconds)).url
                    channels = await _spdy(stack, url)
        except TimeoutError:
            raise DeadlineExceeded(
                endpoint=url or cri.endpoint, operation="Exec", subject=subject, detail=f"no answer in {seconds:g} s"
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unavailable(
                endpoint=url,
                operation="Exec",
                subject=subject,
                detail=str(error) or type(error).__name__,
                remedy="This is the runtime's streaming server, on its own loopback address: run this command in the "
                "same network namespace, and see the runtime's log.",
            ) from None
        yield channels


async def _websocket(stack: contextlib.AsyncExitStack, url: str, protocols: Sequence[str]) -> Channels:
    """Its certificate, if any, is made by the runtime for itself; the address is one that the runtime gave us."""
    timeout = aiohttp.ClientTimeout(total=None)
    session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
    socket = await session.ws_connect(
        url,
        protocols=protocols,
        max_msg_size=LARGEST_MESSAGE,
        ssl=False,
        timeout=aiohttp.ClientWSTimeout(ws_close=HANG_UP_SECONDS),
    )
    stack.push_async_callback(_hang_up, socket)
    return _WebSocketChannels(socket)


async def _hang_up(socket: aiohttp.ClientWebSocketResponse) -> None:
    """A server that no longer reads takes no farewell either."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HANG_UP_SECONDS):
            await socket.close()


async def _spdy(stack: contextlib.AsyncExitStack, url: str) -> Channels:
    streams = {STATUS: "error", STDIN: "stdin", STDOUT: "stdout", STDERR: "stderr"}
    channels: SpdyChannels = await connect_spdy(url, V4, streams, stdin=STDIN)
    stack.push_async_callback(channels.close)
    return channels


class _WebSocketChannels:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, channel: int, data: bytes) -> None:
        await self._socket.send_bytes(bytes([channel]) + data)

    async def close_stdin(self) -> None:
        if self._socket.protocol == V5:
            await self.send(CLOSE, bytes([STDIN]))

    async def messages(self) -> AsyncIterator[tuple[int, bytes]]:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.ERROR:
                return
            if message.type is aiohttp.WSMsgType.BINARY and message.data:
                yield message.data[0], message.data[1:]


async def _converse(channels: Channels, streams: Streams) -> bytes:
    """Both directions until the other side ends; the status."""
    try:
        async with asyncio.TaskGroup() as group:
            senders = []
            if streams.stdin is not None:
                senders.append(group.create_task(_send_stdin(channels, streams.stdin)))
            if streams.sizes is not None:
                senders.append(group.create_task(_send_sizes(channels, streams.sizes)))
            status = await _receive(channels, {STDOUT: streams.stdout, STDERR: streams.stderr})
            for sender in senders:
                sender.cancel()
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return status


async def _receive(channels: Channels, writes: dict[int, Write]) -> bytes:
    status = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None) as deadline:
            async for channel, data in channels.messages():
                if channel == STATUS and data and len(status) + len(data) <= LARGEST_STATUS:
                    status += data
                    deadline.reschedule(asyncio.get_running_loop().time() + CLOSING_SECONDS)
                elif channel in writes and data:
                    await writes[channel](data)
    return status


async def _send_stdin(channels: Channels, stdin: AsyncIterator[bytes]) -> None:
    """A command that has ended takes no more; that it has ended, its status says."""
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        async for data in stdin:
            await channels.send(STDIN, data)
        await channels.close_stdin()


async def _send_sizes(channels: Channels, sizes: AsyncIterator[TerminalSize]) -> None:
    with contextlib.suppress(ConnectionError, aiohttp.ClientError):
        async for size in sizes:
            await channels.send(RESIZE, msgspec.json.encode({"Width": size.columns, "Height": size.rows}))


def _exit_code(raw: bytes, endpoint: str, subject: str) -> int:
    def failure(detail: str, remedy: str | None = None) -> ClientError:
        return RuntimeFailure(endpoint=endpoint, operation="Exec", subject=subject, detail=detail, remedy=remedy)

    if not raw:
        raise failure("the connection ended without the command's exit code", "The container may have ended meanwhile.")
    try:
        status = msgspec.json.decode(raw, type=_Status)
        if status.status == "Success":
            return 0
        if status.reason == "NonZeroExitCode" and status.details:
            return next(int(cause.message) for cause in status.details.causes if cause.reason == "ExitCode")
    except (msgspec.DecodeError, ValueError, StopIteration):
        text = raw[:200].decode(errors="replace")
        raise failure(f"the runtime's status is not understood: {text}") from None
    raise failure(status.message or status.reason)
