"""As much of SPDY/3.1 as a runtime's streaming server needs: a few streams, opened at once, each with its data.

It is what runtimes spoke before websockets that can half-close. Servers of CRI do no flow control. Of the other side's
frames only data and the end of the connection matter. The frame layout is that of the SPDY protocol, draft 3.1.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import zlib
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

CONTROL = 0x8000
VERSION = 3
SYN_STREAM, PING, GOAWAY = 1, 6, 7
FIN = 1
LARGEST_HEAD = 16 << 10
LARGEST_CONTROL = 1 << 16
PIECE = 32 << 10


class NotSpdy(ConnectionError):
    """The server does not speak it, or has spoken nonsense."""


async def connect_spdy(url: str, protocol: str, streams: Mapping[int, str], *, stdin: int) -> SpdyChannels:
    """The connection with a stream for each channel, by its `streamtype`. Raises OSError, ValueError.

    url: http://HOST:PORT/PATH
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"{url} is no http:// address")
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80, limit=LARGEST_HEAD)
    try:
        writer.write(
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
            f"X-Stream-Protocol-Version: {protocol}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        await _upgraded(reader)
        channels = SpdyChannels(reader, writer, dict(zip(range(1, 2 * len(streams), 2), streams, strict=True)), stdin)
        await channels.open(streams)
    except BaseException:
        writer.close()
        raise
    return channels


async def _upgraded(reader: asyncio.StreamReader) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise NotSpdy("the answer to the upgrade is no HTTP") from None
    first = head.split(b"\r\n", 1)[0].decode(errors="replace")
    if first.split(" ")[1:2] != ["101"]:
        raise NotSpdy(f"the upgrade to SPDY was answered with {first}")


class SpdyChannels:
    """The channels of one connection, as `clients.streaming` wants them."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, streams: Mapping[int, int], stdin: int
    ) -> None:
        """streams: stream number to channel."""
        self._reader = reader
        self._writer = writer
        self._channels = dict(streams)
        self._streams = {channel: number for number, channel in streams.items()}
        self._stdin = stdin
        self._headers = zlib.compressobj()

    async def open(self, types: Mapping[int, str]) -> None:
        """The streams, in this order. A header block without SPDY's dictionary is one as well."""
        for channel, kind in types.items():
            name, value = b"streamtype", kind.encode()
            block = struct.pack(f">II{len(name)}sI{len(value)}s", 1, len(name), name, len(value), value)
            packed = self._headers.compress(block) + self._headers.flush(zlib.Z_SYNC_FLUSH)
            body = struct.pack(">IIBB", self._streams[channel], 0, 0, 0) + packed
            self._control(SYN_STREAM, body)
        await self._writer.drain()

    async def send(self, channel: int, data: bytes) -> None:
        number = self._streams[channel]
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            self._writer.write(struct.pack(">II", number, len(piece)) + piece)
            await self._writer.drain()

    async def close_stdin(self) -> None:
        self._writer.write(struct.pack(">II", self._streams[self._stdin], FIN << 24))
        await self._writer.drain()

    async def messages(self) -> AsyncIterator[tuple[int, bytes]]:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                first, second = struct.unpack(">II", await self._reader.readexactly(8))
                length = second & 0xFFFFFF
                if first >> 16 & CONTROL:
                    if await self._obey(first & 0xFFFF, length):
                        return
                    continue
                async for piece in self._pieces(length):
                    if first in self._channels:
                        yield self._channels[first], piece

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _pieces(self, length: int) -> AsyncIterator[bytes]:
        while length:
            piece = await self._reader.readexactly(min(length, PIECE // 2))
            length -= len(piece)
            yield piece

    async def _obey(self, kind: int, length: int) -> bool:
        """Whether the other side says farewell, or nonsense."""
        if length > LARGEST_CONTROL:
            return True
        body = b""
        async for piece in self._pieces(length):
            body += piece
        if kind == PING:
            self._control(PING, body)
        return kind == GOAWAY

    def _control(self, kind: int, body: bytes) -> None:
        self._writer.write(struct.pack(">HHI", CONTROL | VERSION, kind, len(body)) + body)
