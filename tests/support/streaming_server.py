"""A streaming server on loopback, as a runtime has one behind CRI's Exec: each test says what it does.

async with StreamingServer(script, protocols=["v5.channel.k8s.io"]) as server:
    fake.exec_url = server.url
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self

from aiohttp import web

Script = Callable[[web.WebSocketResponse], Awaitable[None]]


class StreamingServer:
    """Takes one kind of connection: websockets of these protocols, each handed to the script."""

    def __init__(self, script: Script, protocols: Sequence[str]) -> None:
        self._script = script
        self._protocols = protocols
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/exec/token", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/exec/token"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        asked = [name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        if not set(asked) & set(self._protocols):
            return web.Response(status=403)
        socket = web.WebSocketResponse(protocols=self._protocols)
        await socket.prepare(request)
        await self._script(socket)
        return socket
