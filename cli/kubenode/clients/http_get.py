"""One HTTP GET as Kubernetes' probes and lifecycle hooks make it: no certificate is verified, nothing is kept alive.

A redirect is followed while it stays on the host that was asked; the answer that sends elsewhere is the last one.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp

from kubenode import __version__
from kubenode.clients.errors import DeadlineExceeded, InvalidArgument, RuntimeFailure, Unavailable

MAX_REDIRECTS = 10
MAX_BODY_BYTES = 10 << 10
FOLLOWED = frozenset((301, 302, 303, 307, 308))


@dataclass(frozen=True, slots=True)
class Request:
    """`scheme` is HTTP or HTTPS; `path` may have a query; `agent` starts the default User-Agent, e.g. "kube-probe"."""

    scheme: str
    host: str
    port: int
    path: str
    headers: tuple[tuple[str, str], ...]
    agent: str

    @property
    def endpoint(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme.lower()}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """`redirected_to`: where a redirect points that was not followed; `body` is cut at MAX_BODY_BYTES."""

    status: int
    body: bytes
    redirected_to: str = ""


def http_session() -> aiohttp.ClientSession:
    """For any number of requests at once. `async with`, in the loop that uses it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=False, force_close=True, limit=0, happy_eyeballs_delay=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
    )


async def http_get(session: aiohttp.ClientSession, request: Request, seconds: float | None) -> Answer:
    """The answer, whatever its status, within `seconds` for all of it (None: however long it takes).

    Raises InvalidArgument when there is nobody to ask or the request cannot be written, DeadlineExceeded, Unavailable
    when nobody answers, RuntimeFailure for an answer that is none.
    """
    facts = {"endpoint": request.endpoint, "operation": f"GET {request.path}", "remedy": ""}
    if not request.host or not request.port:
        lacking = "a port of that name" if request.host else "an address"
        raise InvalidArgument(**facts, detail=f"the pod has not got {lacking}")
    try:
        async with asyncio.timeout(seconds):
            return await _ask(session, request)
    except TimeoutError:
        limit = "" if seconds is None else f" within {seconds:g} s"
        raise DeadlineExceeded(**facts, detail=f"no answer{limit}") from None
    except aiohttp.ClientConnectorError as error:
        raise Unavailable(**facts, detail=_reason(error.os_error)) from None
    except aiohttp.ServerDisconnectedError:
        raise Unavailable(**facts, detail="it hung up without an answer") from None
    except (aiohttp.ClientError, OSError) as error:
        raise RuntimeFailure(**facts, detail=str(error) or type(error).__name__) from None
    except ValueError as error:
        raise InvalidArgument(**facts, detail=str(error)) from None


def _reason(error: OSError) -> str:
    """In the system's words. TLS has numbers of its own, name lookups negative ones."""
    if isinstance(error, ssl.SSLError) or not error.errno or error.errno < 0:
        return error.strerror or str(error)
    return os.strerror(error.errno)


async def _ask(session: aiohttp.ClientSession, request: Request) -> Answer:
    url = first = f"{request.endpoint}{'' if request.path.startswith('/') else '/'}{request.path}"
    headers, skip = _headers(request)
    for _ in range(MAX_REDIRECTS + 1):
        async with session.get(url, headers=headers, skip_auto_headers=skip, allow_redirects=False) as response:
            location = response.headers.get("Location", "") if response.status in FOLLOWED else ""
            url = urljoin(url, location)
            if not location or urlsplit(url).hostname != urlsplit(first).hostname:
                return Answer(response.status, await _body(response), location)
        if urlsplit(location).netloc:
            # The name that was asked for by hand does not belong to the other place.
            headers = [(name, value) for name, value in headers if name.lower() != "host"]
    raise aiohttp.ClientError(f"it redirected more than {MAX_REDIRECTS} times")


def _headers(request: Request) -> tuple[list[tuple[str, str]], frozenset[str]]:
    """Those to send, and the names of those that the library must not add. An empty Accept means to send none."""
    given = {name.lower(): value for name, value in request.headers}
    headers = [one for one in request.headers if one[0].lower() != "accept" or one[1]]
    if "user-agent" not in given:
        headers.append(("User-Agent", f"{request.agent}/kubenode-{__version__}"))
    return headers, frozenset(("Accept-Encoding", "User-Agent", *(("Accept",) if "accept" in given else ())))


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) >= MAX_BODY_BYTES:
            break
    return bytes(body[:MAX_BODY_BYTES])
