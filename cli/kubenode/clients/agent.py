"""The client of a running agent's admin socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from kubenode.clients.errors import DeadlineExceeded, NotFound, PermissionDenied, RuntimeFailure, Unavailable

READ_SECONDS = 10.0


class AgentClient:
    """Answers are JSON, given on as it came."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def get(self, path: str) -> bytes:
        """Raises Unavailable when no agent runs, PermissionDenied, DeadlineExceeded, RuntimeFailure."""
        return await self._request("GET", path, READ_SECONDS)

    async def post(self, path: str, seconds: float) -> bytes:
        """As `get`, with a deadline in seconds."""
        return await self._request("POST", path, seconds)

    async def lines(self, path: str) -> AsyncIterator[bytes]:
        """The lines of an answer that goes on for as long as the agent does. Raises as `get`."""
        facts = {"endpoint": str(self._socket), "operation": f"GET {path}"}
        with _explained(facts, READ_SECONDS):
            async with (
                self._session(aiohttp.ClientTimeout(total=None, sock_connect=READ_SECONDS)) as session,
                session.get(f"http://agent{path}") as response,
            ):
                _check(response, facts)
                async for line in response.content:
                    yield line

    async def _request(self, method: str, path: str, seconds: float) -> bytes:
        facts = {"endpoint": str(self._socket), "operation": f"{method} {path}"}
        with _explained(facts, seconds):
            async with (
                self._session(aiohttp.ClientTimeout(total=seconds)) as session,
                session.request(method, f"http://agent{path}") as response,
            ):
                body = await response.read()
                _check(response, facts)
                return body

    def _session(self, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self._socket)), timeout=timeout)


def _check(response: aiohttp.ClientResponse, facts: dict[str, str]) -> None:
    detail = f"the agent answered {response.status} {response.reason}"
    if response.status == 404:
        raise NotFound(**facts, detail=detail)
    if response.status != 200:
        raise RuntimeFailure(**facts, detail=detail)


@contextmanager
def _explained(facts: dict[str, str], seconds: float) -> Iterator[None]:
    try:
        yield
    except TimeoutError:
        raise DeadlineExceeded(
            **facts, detail=f"no answer in {seconds:g} s", remedy="See its log: journalctl -u kubenode."
        ) from None
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, PermissionError):
            raise PermissionDenied(**facts, detail="not allowed", remedy="Run it as root.") from None
        raise Unavailable(**facts, detail="no agent listens", remedy="Start it: systemctl start kubenode.") from None
    except aiohttp.ClientError as error:
        raise Unavailable(**facts, detail=str(error), remedy="The agent may be restarting; try again.") from None
