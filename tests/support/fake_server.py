"""A gRPC server on a Unix socket that tests can make fail, hang and count; what it answers is a subclass's matter."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import grpc
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode, aio

Context = aio.ServicerContext[Message, Message]


class Refused(Exception):
    """What an RPC's method raises to answer with a status."""

    def __init__(self, code: StatusCode, detail: str) -> None:
        super().__init__(f"{code.name}: {detail}")
        self.code = code
        self.detail = detail


@dataclass
class _Fault:
    refusal: Refused
    times: int | None  # how often still; None: always


class FakeServer:
    """Serves the RPCs of a .proto for which the subclass has a method, named like it in snake case.

    A method takes the request and returns the response, or is an async generator where the RPC streams. All others
    answer UNIMPLEMENTED, as do those in `unimplemented`, at any time.

    calls: how often each RPC was asked for, by its name ("RunPodSandbox")
    requests: (name, request) of each, in order
    """

    def __init__(self, path: Path, api: FileDescriptor) -> None:
        self.path = path
        self.endpoint = f"unix://{path}"
        self.calls: Counter[str] = Counter()
        self.requests: list[tuple[str, Message]] = []
        self.unimplemented: set[str] = set()
        self._api = api
        self._faults: dict[str, _Fault] = {}
        self._delays: dict[str, float] = {}
        self._running = asyncio.Event()
        self._running.set()
        self._server: aio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens; what it holds is as it was."""
        self._server = aio.server()
        for service in self._api.services_by_name.values():
            handlers = {method.name: self._handler(method) for method in service.methods}
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
        self._server.add_insecure_port(f"unix:{quote(str(self.path))}")
        await self._server.start()

    async def stop(self) -> None:
        """Breaks all connections and removes the socket."""
        server, self._server = self._server, None
        if server is not None:
            await server.stop(None)
        self.path.unlink(missing_ok=True)

    def pause(self) -> None:
        """Answers nothing until `resume`: a hung runtime."""
        self._running.clear()

    def resume(self) -> None:
        self._running.set()

    def fail(self, rpc: str, code: StatusCode, detail: str = "injected", *, times: int | None = None) -> None:
        """Makes an RPC answer with a status, so many times or until `heal`."""
        self._faults[rpc] = _Fault(Refused(code, detail), times)

    def delay(self, rpc: str, seconds: float) -> None:
        """Makes an RPC wait before it does anything, until `heal`."""
        self._delays[rpc] = seconds

    def heal(self) -> None:
        """Takes back all that was said by `fail` and `delay`."""
        self._faults.clear()
        self._delays.clear()

    def _handler(self, method: MethodDescriptor) -> Any:
        kind = grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
        behaviour = self._stream(method.name) if method.server_streaming else self._unary(method.name)
        request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        return kind(behaviour, request.FromString, response.SerializeToString)

    def _unary(self, rpc: str) -> Callable[[Message, Context], Awaitable[Message]]:
        async def behaviour(request: Message, context: Context) -> Message:
            try:
                answer: Message = await (await self._enter(rpc, request))(request)
            except Refused as refused:
                await context.abort(refused.code, refused.detail)
            return answer

        return behaviour

    def _stream(self, rpc: str) -> Callable[[Message, Context], AsyncIterator[Message]]:
        async def behaviour(request: Message, context: Context) -> AsyncIterator[Message]:
            try:
                async for message in (await self._enter(rpc, request))(request):
                    yield message
            except Refused as refused:
                await context.abort(refused.code, refused.detail)

        return behaviour

    async def _enter(self, rpc: str, request: Message) -> Callable[[Message], Any]:
        self.calls[rpc] += 1
        self.requests.append((rpc, request))
        await self._running.wait()
        await asyncio.sleep(self._delays.get(rpc, 0))
        fault = self._faults.get(rpc)
        if fault is not None and fault.times != 0:
            fault.times = None if fault.times is None else fault.times - 1
            raise fault.refusal
        method: Callable[[Message], Any] | None = getattr(self, snake_case(rpc), None)
        if method is None or rpc in self.unimplemented:
            raise Refused(StatusCode.UNIMPLEMENTED, f"unknown method {rpc}")
        return method


def snake_case(rpc: str) -> str:
    """RunPodSandbox -> run_pod_sandbox."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", rpc).lower()
