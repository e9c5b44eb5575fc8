"""Servers of the agent: health and metrics on loopback, and the admin socket that only root may open."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import msgspec
from aiohttp import web

from kubenode.clients.disk import make_private_directory
from kubenode.model.describe import PodDetail
from kubenode.model.events import Event, EventsReport
from kubenode.model.names import PodKey
from kubenode.model.reports import AgentState, PodsReport, SyncReport

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class PodAnswers:
    """What is told of single pods and of events. `pod` gives None for a pod that is not there; `follow` never ends."""

    pod: Callable[[PodKey], PodDetail | None]
    events: Callable[[], EventsReport]
    follow: Callable[[], AsyncGenerator[Event, None]]


async def serve_health(host: str, port: int, unhealthy: Callable[[], str], metrics: Callable[[], bytes]) -> None:
    """/healthz and /metrics until cancelled. `unhealthy` says what is wrong, or nothing. Raises OSError."""

    async def healthz(_request: web.Request) -> web.Response:
        problem = unhealthy()
        return web.Response(status=500 if problem else 200, text=problem or "ok")

    async def scrape(_request: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/metrics", scrape)
    await _serve(app, lambda runner: web.TCPSite(runner, host, port))


async def serve_admin(
    path: Path,
    *,
    pods: Callable[[], PodsReport],
    sync: Callable[[bool], Awaitable[SyncReport]],
    state: Callable[[], AgentState],
    answers: PodAnswers,
) -> None:
    """The admin socket until cancelled. Raises OSError.

    GET /v1/pods, GET /v1/pods/<namespace>/<name>, GET /v1/events[?follow=true] (one event a line, the past first),
    GET /v1/state, POST /v1/sync[?dryRun=true].
    """

    async def get_pods(_request: web.Request) -> web.Response:
        return _json(pods())

    async def get_state(_request: web.Request) -> web.Response:
        return _json(state())

    async def post_sync(request: web.Request) -> web.Response:
        return _json(await sync(request.query.get("dryRun") == "true"))

    app = web.Application()
    app.router.add_get("/v1/pods", get_pods)
    app.router.add_get("/v1/state", get_state)
    app.router.add_post("/v1/sync", post_sync)
    _add_answers(app, answers)
    make_private_directory(path.parent)
    with _private_socket(path) as listener:
        await _serve(app, lambda runner: web.SockSite(runner, listener))


def _add_answers(app: web.Application, answers: PodAnswers) -> None:
    async def get_pod(request: web.Request) -> web.Response:
        detail = answers.pod(PodKey(request.match_info["namespace"], request.match_info["name"]))
        return _json(detail) if detail is not None else web.Response(status=404, text="no such pod")

    async def get_events(request: web.Request) -> web.StreamResponse:
        if request.query.get("follow") != "true":
            return _json(answers.events())
        return await _stream(request, answers.follow())

    app.router.add_get("/v1/pods/{namespace}/{name}", get_pod)
    app.router.add_get("/v1/events", get_events)


async def _stream(request: web.Request, events: AsyncGenerator[Event, None]) -> web.StreamResponse:
    """Until the reader leaves, or the server ends."""
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    try:
        async with aclosing(events) as each:
            async for event in each:
                await response.write(msgspec.json.encode(event) + b"\n")
    except ConnectionResetError:
        pass
    return response


def _private_socket(path: Path) -> socket.socket:
    """A listening socket that was never open to anybody but its owner. Raises OSError."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    return listener


async def _serve(app: web.Application, site: Callable[[web.AppRunner], web.BaseSite]) -> None:
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await site(runner).start()
        await asyncio.get_running_loop().create_future()
    finally:
        await runner.cleanup()


def _json(report: msgspec.Struct) -> web.Response:
    return web.Response(body=msgspec.json.encode(report), content_type="application/json")
