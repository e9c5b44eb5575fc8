"""One probe, asked once: a command in the container, a GET, a connection, or gRPC's health API."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError, DeadlineExceeded, InvalidArgument
from kubenode.clients.grpc_health import SERVING, grpc_health
from kubenode.clients.http_get import Request, http_get
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.specs import ExecHook, HttpHook
from kubenode.plan.probes import Check, GrpcCheck, TcpCheck

# As on the kubelet.
TRIES = 3
MAX_OUTPUT_BYTES = 10 << 10
# How much later than its time-out a command may be answered for, until the runtime itself is asked whether it lives.
EXEC_MARGIN_SECONDS = 5.0
RUNTIME_SECONDS = 5.0
# A runtime that says later than this that a command's time is over may have hung itself: it is asked once more.
PROMPT_SECONDS = 1.0
# Commands that start at once: each costs a node a process or two. One that takes longer than this has had its start.
EXEC_SLOTS = 8
SLOT_SECONDS = 1.0


class CheckError(Exception):
    """The probe could not be asked: that says nothing about the container."""


class _Late(CheckError):
    """The runtime did not end a command at its time-out: perhaps it is the runtime that hung."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`message` says how it failed; with a success it is a warning."""

    passed: bool
    message: str = ""


class Checker:
    def __init__(self, cri: CriClient, session: aiohttp.ClientSession) -> None:
        self._cri = cri
        self._session = session
        self._slots = asyncio.Semaphore(EXEC_SLOTS)

    async def check(self, container_id: str, check: Check, seconds: int) -> CheckResult:
        """The result within `seconds`; a time-out is a failure. Raises CheckError after three tries in vain."""
        late = False
        for _ in range(TRIES - 1):
            try:
                return await self._once(container_id, check, seconds)
            except _Late as error:
                if late:
                    return CheckResult(False, str(error))
                late = True
            except CheckError:
                await asyncio.sleep(0)
        return await self._once(container_id, check, seconds)

    async def _once(self, container_id: str, check: Check, seconds: int) -> CheckResult:
        match check:
            case ExecHook():
                return await self._exec(container_id, check.command, seconds)
            case HttpHook():
                return await self._http(check, seconds)
            case TcpCheck():
                return await _tcp(check, seconds)
            case GrpcCheck():
                return await _grpc(check, seconds)

    async def _http(self, check: HttpHook, seconds: int) -> CheckResult:
        request = Request(check.scheme, check.host, check.port, check.path, check.headers, agent="kube-probe")
        try:
            answer = await http_get(self._session, request, seconds)
        except InvalidArgument as error:
            raise CheckError(_short(error)) from None
        except ClientError as error:
            return CheckResult(False, _short(error))
        asked = f"GET {request.endpoint}{check.path}"
        if not 200 <= answer.status < 400:
            return CheckResult(False, f"{asked}: status {answer.status}")
        if answer.status >= 300:
            place = f" to {answer.redirected_to}" if answer.redirected_to else ""
            return CheckResult(True, f"{asked}: the redirect{place} (status {answer.status}) was not followed")
        return CheckResult(True)

    async def _exec(self, container_id: str, command: tuple[str, ...], seconds: int) -> CheckResult:
        request = pb.ExecSyncRequest(container_id=container_id, cmd=command, timeout=seconds)
        late, began = f"the command was not done within {seconds} s", time.monotonic()
        try:
            async with self._slot(), asyncio.timeout(seconds + EXEC_MARGIN_SECONDS):
                answer = await self._cri.exec_sync(request)
        except DeadlineExceeded:
            if time.monotonic() - began <= seconds + PROMPT_SECONDS:
                return CheckResult(False, late)
            await self._ask_runtime()
            raise _Late(late) from None
        except TimeoutError:
            await self._ask_runtime()
            raise _Late(late) from None
        except ClientError as error:
            raise CheckError(str(error)) from None
        if not answer.exit_code:
            return CheckResult(True)
        output = (answer.stdout + answer.stderr)[:MAX_OUTPUT_BYTES].decode(errors="replace").strip()
        ended = f"the command ended with exit code {answer.exit_code}"
        return CheckResult(False, f"{ended}: {output}" if output else ended)

    async def _ask_runtime(self) -> None:
        """A runtime that hangs must not cost the containers their lives."""
        try:
            await self._cri.version(timeout=RUNTIME_SECONDS)
        except ClientError as error:
            raise CheckError(str(error)) from None

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """Waits for a place among those that start, and leaves it after a second: who hangs keeps nobody waiting."""
        await self._slots.acquire()
        left = False

        def leave() -> None:
            nonlocal left
            if not left:
                left = True
                self._slots.release()

        leaving = asyncio.get_running_loop().call_later(SLOT_SECONDS, leave)
        try:
            yield
        finally:
            leaving.cancel()
            leave()


async def _tcp(check: TcpCheck, seconds: int) -> CheckResult:
    place = f"[{check.host}]:{check.port}" if ":" in check.host else f"{check.host}:{check.port}"
    if not check.host or not check.port:
        raise CheckError(f"connecting to {place}: the pod has not got {'such a port' if check.host else 'an address'}")
    try:
        async with asyncio.timeout(seconds):
            transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, check.host, check.port)
    except TimeoutError:
        return CheckResult(False, f"connecting to {place}: no answer within {seconds} s")
    except OSError as error:
        return CheckResult(
            False, f"connecting to {place}: {os.strerror(error.errno) if error.errno and error.errno > 0 else error}"
        )
    except ValueError as error:
        raise CheckError(f"connecting to {place}: {error}") from None
    transport.close()
    return CheckResult(True)


def _reason(error: OSError) -> str:
    """In the system's words; name lookups have negative numbers and words of their own."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)


async def _grpc(check: GrpcCheck, seconds: int) -> CheckResult:
    try:
        state = await grpc_health(check.host, check.port, check.service, seconds)
    except InvalidArgument as error:
        if check.host and check.port:
            return CheckResult(False, _short(error))
        raise CheckError(_short(error)) from None
    except ClientError as error:
        return CheckResult(False, _short(error))
    service = f"service {check.service}" if check.service else "the server"
    return CheckResult(True) if state == SERVING else CheckResult(False, f"{service} is {state}")


def _short(error: ClientError) -> str:
    return f"{error.operation} at {error.endpoint}: {error.detail}"
