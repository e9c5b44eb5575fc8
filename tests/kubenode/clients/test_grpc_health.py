"""gRPC's health API, asked of real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest
from grpc import StatusCode, aio

from kubenode.clients.errors import DeadlineExceeded, InvalidArgument, NotFound, Unavailable, Unimplemented
from kubenode.clients.grpc_health import grpc_health
from kubenode.clients.stubs import health_pb2 as pb
from kubenode.clients.stubs import health_pb2_grpc as stubs

HOST = "127.0.0.1"
WITHIN = 5.0  # seconds


class Health(stubs.HealthServicer):
    def __init__(self) -> None:
        self.agents: list[str] = []

    async def Check(  # noqa: N802 (the API's own name)
        self,
        request: pb.HealthCheckRequest,
        context: aio.ServicerContext[pb.HealthCheckRequest, Awaitable[pb.HealthCheckResponse]],
    ) -> pb.HealthCheckResponse:
        metadata = {str(key): str(value) for key, value in context.invocation_metadata() or ()}
        self.agents.append(metadata["user-agent"])
        match request.service:
            case "unknown":
                await context.abort(StatusCode.NOT_FOUND, "unknown service")
            case "slow":
                await asyncio.sleep(60)
            case "down":
                return pb.HealthCheckResponse(status=pb.HealthCheckResponse.NOT_SERVING)
        return pb.HealthCheckResponse(status=pb.HealthCheckResponse.SERVING)


@pytest.fixture
async def served() -> AsyncIterator[tuple[int, Health]]:
    server, health = aio.server(), Health()
    stubs.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    yield port, health
    await server.stop(None)


@pytest.mark.parametrize(("service", "state"), [("", "SERVING"), ("db", "SERVING"), ("down", "NOT_SERVING")])
async def test_what_the_server_says(served: tuple[int, Health], service: str, state: str) -> None:
    port, health = served
    assert await grpc_health(HOST, port, service, WITHIN) == state
    assert health.agents[0].startswith("kube-probe/kubenode-")


async def test_an_unknown_service(served: tuple[int, Health]) -> None:
    with pytest.raises(NotFound, match="unknown service"):
        await grpc_health(HOST, served[0], "unknown", WITHIN)


async def test_a_slow_server(served: tuple[int, Health]) -> None:
    with pytest.raises(DeadlineExceeded, match=r"no answer within 0.2 s"):
        await grpc_health(HOST, served[0], "slow", 0.2)


async def test_a_server_without_this_api() -> None:
    server = aio.server()
    port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    with pytest.raises(Unimplemented):
        await grpc_health(HOST, port, "", WITHIN)
    await server.stop(None)


async def test_nobody_listens(served: tuple[int, Health], unused_tcp_port: int) -> None:
    with pytest.raises(Unavailable):
        await grpc_health(HOST, unused_tcp_port, "", WITHIN)


@pytest.mark.parametrize(("host", "port"), [("", 80), (HOST, 0)])
async def test_nobody_to_ask(host: str, port: int) -> None:
    with pytest.raises(InvalidArgument):
        await grpc_health(host, port, "", WITHIN)
