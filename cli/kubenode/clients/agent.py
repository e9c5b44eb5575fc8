"""The client of a running agent's admin socket."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from kubenode.clients.errors import DeadlineExceeded, PermissionDenied, RuntimeFailure, Unavailable

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

    async def _request(self, method: str, path: str, seconds: float) -> bytes:
        facts = {"endpoint": str(self._socket), "operation": f"{method} {path}"}
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.UnixConnector(str(self._socket)), timeout=aiohttp.ClientTimeout(total=seconds)
                ) as session,
                session.request(method, f"http://agent{path}") as response,
            ):
                body = await response.read()
                if response.status != 200:
                    raise RuntimeFailure(**facts, detail=f"the agent answered {response.status} {response.reason}")
                return body
        except TimeoutError:
            raise DeadlineExceeded(
                **facts, detail=f"no answer in {seconds:g} s", remedy="See its log: journalctl -u kubenode."
            ) from None
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PermissionError):
                raise PermissionDenied(**facts, detail="not allowed", remedy="Run it as root.") from None
            raise Unavailable(
                **facts, detail="no agent listens", remedy="Start it: systemctl start kubenode."
            ) from None
        except aiohttp.ClientError as error:
            raise Unavailable(**facts, detail=str(error), remedy="The agent may be restarting; try again.") from None
