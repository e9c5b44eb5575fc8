"""gRPC over a node's Unix sockets: a lazy connection, and typed calls as attributes of a client.

    class ThingClient(Client):
        get_thing = Unary("things.v1.Things", "GetThing", pb.GetThingRequest, pb.GetThingResponse, deadline)

    async with ThingClient(Connection("/run/things.sock")) as things:
        answer = await things.get_thing(pb.GetThingRequest(id="a"))

Calls raise `clients.errors` and nothing else; a cancelled task gets its asyncio.CancelledError untouched.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, Self, TypeVar, overload
from urllib.parse import quote

from google.protobuf.message import Message
from grpc import aio

from kubenode.clients.errors import ClientError, InvalidArgument, Unavailable, Unimplemented
from kubenode.clients.rpc_errors import translate

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)
OnCall = Callable[[str, float, ClientError | None], None]
Deadline = Callable[[Request, float], float | None]
"""(request, the connection's request_timeout) -> seconds that the call may take; None: for ever."""

LONGEST_SOCKET_PATH = 107
OPTIONS = (
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.max_send_message_length", 16 << 20),
    # A restarted peer is found again within a second instead of within two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # By default all channels of a process to one address share a connection, and its back-off.
    ("grpc.use_local_subchannel_pool", 1),
    # By default the escaped path of the socket, which some servers refuse.
    ("grpc.default_authority", "localhost"),
    ("grpc.enable_http_proxy", 0),
)


def socket_path(endpoint: str) -> str:
    """The path in unix:///run/x.sock or /run/x.sock. Raises InvalidArgument for anything else."""
    path = endpoint.removeprefix("unix://")
    problem = ""
    if not path.startswith("/"):
        problem = "this is no absolute path of a Unix socket, and nothing else is supported"
    elif len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        problem = f"the path is too long for a Unix socket, which may have {LONGEST_SOCKET_PATH} bytes"
    if problem:
        remedy = "Write it like unix:///run/containerd/containerd.sock."
        raise InvalidArgument(endpoint=repr(endpoint), operation="Connecting", detail=problem, remedy=remedy)
    return path


class Connection:
    """One Unix socket. Costs nothing until the first call opens it, in the event loop running then.

    on_call(name, seconds, error): hears of each call that was answered or failed; for a stream when it ended.
    request_timeout: seconds; what it means for each call is in the client's own table of deadlines.
    metadata: of every call.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        on_call: OnCall | None = None,
        request_timeout: float = 120.0,
        metadata: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.path = socket_path(endpoint)
        self.metadata = metadata
        self.endpoint = f"unix://{self.path}"
        self.on_call = on_call
        self.request_timeout = request_timeout
        self.unimplemented: set[str] = set()
        self._channel: aio.Channel | None = None

    @property
    def channel(self) -> aio.Channel:
        if self._channel is None:
            self._channel = aio.insecure_channel(f"unix:{quote(self.path)}", OPTIONS)
        return self._channel

    def note(self, name: str, seconds: float, failure: ClientError | None, *, remember: bool = False) -> None:
        """Takes down how a call went, and whether it need not be tried again."""
        if isinstance(failure, Unavailable):
            self.unimplemented.clear()
        elif isinstance(failure, Unimplemented) and remember:
            self.unimplemented.add(name)
        if self.on_call is not None:
            self.on_call(name, seconds, failure)

    async def close(self) -> None:
        """Closes the socket; calls under way are cancelled."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()


class Client:
    """Base of the clients: calls are attributes, made by `Unary`, `Query` and `Stream`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def connection(self, service: str) -> Connection:  # noqa: ARG002 (a client of two peers tells them apart)
        """Where the calls of this gRPC service go."""
        return self._connection

    def describe(self, request: Message) -> str:  # noqa: ARG002 (a client that knows its messages tells)
        """What a request is about, for errors; may be empty."""
        return ""

    def shown(self, error: aio.AioRpcError, request: Message) -> aio.AioRpcError:  # noqa: ARG002
        """What of an error may be seen: a client whose requests hold secrets takes them out of the answer."""
        return error

    def failure(
        self, error: aio.AioRpcError, *, endpoint: str, path: str, operation: str, subject: str, expired: float | None
    ) -> ClientError:
        """Our error for what gRPC raised: a client whose API gives the codes a meaning of its own has its own table."""
        return translate(error, endpoint=endpoint, path=path, operation=operation, subject=subject, expired=expired)

    async def close(self) -> None:
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Call(Generic[Request, Response]):
    """One RPC of one client.

    Called with `timeout` (seconds, instead of the deadline of the table) and `subject` (for errors, instead of what
    can be read from the request).
    """

    def __init__(self, rpc: _Rpc[Request, Response], client: Client) -> None:
        self.rpc = rpc
        self.client = client
        self.connection = client.connection(rpc.service)

    def _limit(self, request: Request, timeout: float | None) -> float | None:
        return self.rpc.deadline(request, self.connection.request_timeout) if timeout is None else timeout

    @contextmanager
    def _attempt(self, request: Request, limit: float | None, subject: str) -> Iterator[None]:
        """Around one try: refuses what is known to be missing, maps the error, tells `on_call`."""
        connection, name = self.connection, self.rpc.name
        subject = subject or self.client.describe(request)
        if name in connection.unimplemented:
            raise Unimplemented(
                endpoint=connection.endpoint, operation=name, subject=subject, detail="it said before that it cannot"
            )
        started = time.monotonic()
        try:
            yield
        except aio.AioRpcError as raised:
            seconds = time.monotonic() - started
            error = self.client.shown(raised, request)
            failure = self.client.failure(
                error,
                endpoint=connection.endpoint,
                path=connection.path,
                operation=name,
                subject=subject,
                expired=limit if limit is not None and seconds >= limit else None,
            )
            connection.note(name, seconds, failure, remember=self.rpc.optional)
            raise failure from error
        connection.note(name, time.monotonic() - started, None)


class UnaryCall(Call[Request, Response]):
    async def __call__(self, request: Request, *, timeout: float | None = None, subject: str = "") -> Response:
        limit = self._limit(request, timeout)
        with self._attempt(request, limit, subject):
            method = self.connection.channel.unary_unary(
                self.rpc.path, self.rpc.request.SerializeToString, self.rpc.response.FromString
            )
            return await method(request, timeout=limit, metadata=self.connection.metadata)


class QueryCall(UnaryCall[Request, Response]):
    async def __call__(
        self, request: Request | None = None, *, timeout: float | None = None, subject: str = ""
    ) -> Response:
        return await super().__call__(request or self.rpc.request(), timeout=timeout, subject=subject)


class StreamCall(Call[Request, Response]):
    async def __call__(
        self, request: Request | None = None, *, timeout: float | None = None, subject: str = ""
    ) -> AsyncGenerator[Response, None]:
        request = request or self.rpc.request()
        limit = self._limit(request, timeout)
        with self._attempt(request, limit, subject):
            method = self.connection.channel.unary_stream(
                self.rpc.path, self.rpc.request.SerializeToString, self.rpc.response.FromString
            )
            call = method(request, timeout=limit, metadata=self.connection.metadata)
            try:
                async for message in call:
                    yield message
            finally:
                call.cancel()


class _Rpc(Generic[Request, Response]):
    """What is known of an RPC before there is a client; on a client it becomes a call.

    optional: a peer may lack it. Then UNIMPLEMENTED is remembered until the connection breaks, as another version may
    follow. For all others UNIMPLEMENTED is about a detail of that one request.
    """

    def __init__(
        self,
        service: str,
        name: str,
        request: type[Request],
        response: type[Response],
        deadline: Deadline[Request],
        *,
        optional: bool = False,
    ) -> None:
        self.service = service
        self.name = name
        self.path = f"/{service}/{name}"
        self.request = request
        self.response = response
        self.deadline = deadline
        self.optional = optional


class Unary(_Rpc[Request, Response]):
    """`await client.call(request)`."""

    @overload
    def __get__(self, client: None, owner: type[Client]) -> Self: ...
    @overload
    def __get__(self, client: Client, owner: type[Client]) -> UnaryCall[Request, Response]: ...
    def __get__(self, client: Client | None, owner: type[Client]) -> Self | UnaryCall[Request, Response]:
        return self if client is None else UnaryCall(self, client)


class Query(_Rpc[Request, Response]):
    """`await client.call()`: a Unary whose empty request makes sense."""

    @overload
    def __get__(self, client: None, owner: type[Client]) -> Self: ...
    @overload
    def __get__(self, client: Client, owner: type[Client]) -> QueryCall[Request, Response]: ...
    def __get__(self, client: Client | None, owner: type[Client]) -> Self | QueryCall[Request, Response]:
        return self if client is None else QueryCall(self, client)


class Stream(_Rpc[Request, Response]):
    """`async for message in client.call()`. Close it (contextlib.aclosing) where it is left early."""

    @overload
    def __get__(self, client: None, owner: type[Client]) -> Self: ...
    @overload
    def __get__(self, client: Client, owner: type[Client]) -> StreamCall[Request, Response]: ...
    def __get__(self, client: Client | None, owner: type[Client]) -> Self | StreamCall[Request, Response]:
        return self if client is None else StreamCall(self, client)
