"""Static pods from a URL, against a real server."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from aiohttp import web

from kubenode.model.source import SourceSet
from kubenode.sources.http import HttpSource
from kubenode.sources.manifest import MAX_BYTES

WITHIN = 5.0  # seconds


def pod(name: str, image: str = "r.test/app:1") -> str:
    container = f"{{name: app, image: '{image}'}}"
    return f"{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{containers: [{container}]}}}}"


def pod_list(*items: str) -> str:
    return "apiVersion: v1\nkind: PodList\nitems:\n" + "".join(f"- {item}\n" for item in items)


class Server:
    """Answers with `status` and `body`; `headers` are those of the last request."""

    def __init__(self) -> None:
        self.status = 200
        self.body = b""
        self.headers: list[tuple[str, str]] = []
        self.url = ""
        self._runner = web.ServerRunner(web.Server(self._answer))

    def say(self, body: str | bytes, status: int = 200) -> None:
        self.body = body if isinstance(body, bytes) else body.encode()
        self.status = status

    async def start(self, port: int = 0) -> int:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/pods"
        return port

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        self.headers = list(request.headers.items())
        return web.Response(body=self.body, status=self.status)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    running = Server()
    await running.start()
    yield running
    await running.stop()


def _source(server: Server, **headers: list[str]) -> HttpSource:
    ticks = itertools.count(100)
    return HttpSource(server.url, headers, "node", lambda: float(next(ticks)))


def _states(found: SourceSet) -> list[tuple[str, str]]:
    return [(item.desired.key.name if item.desired else "", item.state.value) for item in found.items]


async def test_a_pod(server: Server) -> None:
    server.say(pod("web"))
    found = await _source(server).read()
    assert (found.answered, _states(found)) == (True, [("web-node", "valid")])
    assert str(found.items[0].origin) == server.url


async def test_a_list(server: Server) -> None:
    server.say(pod_list(pod("web"), pod("db")))
    assert _states(await _source(server).read()) == [("web-node", "valid"), ("db-node", "valid")]


async def test_a_pod_that_left_the_list_goes(server: Server) -> None:
    source = _source(server)
    server.say(pod_list(pod("web"), pod("db")))
    await source.read()
    server.say(pod_list(pod("db")))
    assert _states(await source.read()) == [("db-node", "valid")]
    assert [record.pod.metadata.name for record in source.records] == ["db"]


async def test_an_invalid_item_holds_what_the_list_no_longer_has(server: Server) -> None:
    """It may be the very pod that is missing."""
    source = _source(server)
    server.say(pod_list(pod("web"), pod("db")))
    await source.read()
    server.say(pod_list(pod("db", "r.test/app:2"), pod("web").replace("image", "imgae")))
    found = await source.read()
    assert _states(found) == [("db-node", "valid"), ("web-node", "held"), ("", "invalid")]
    assert (found.items[2].line, found.items[2].reason[:28]) == (5, "$.spec.containers[0].imgae: ")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ("", 200, "the file is empty"),
        ("no: [", 200, "not YAML: did not find expected node content"),
        ("{kind: PodList}", 200, "$.items: a list of pods is expected"),
        ("{kind: Service}", 200, "$.kind: the kind is 'Service'; only a Pod is run from here"),
        (pod("web"), 500, "answered with status 500"),
        (pod("web"), 404, "answered with status 404"),
        (b"x" * (MAX_BYTES + 1), 200, f"answered with more than {MAX_BYTES} bytes"),
    ],
    ids=["empty", "not YAML", "no items", "another kind", "500", "404", "huge"],
)
async def test_an_answer_that_says_nothing_keeps_the_last_good(
    server: Server, body: str | bytes, status: int, error: str
) -> None:
    source = _source(server)
    server.say(pod("web"))
    await source.read()
    server.say(body, status)
    found = await source.read()
    assert (found.answered, _states(found), found.error) == (False, [("web-node", "held")], f"{server.url}: {error}")
    server.say(pod("web"))
    assert _states(await source.read()) == [("web-node", "valid")]


async def test_a_server_that_is_down_keeps_the_last_good(server: Server) -> None:
    source = _source(server)
    server.say(pod("web"))
    await source.read()
    await server.stop()
    found = await source.read()
    assert (found.answered, _states(found)) == (False, [("web-node", "held")])
    assert found.error.startswith(f"{server.url} does not answer: ")


async def test_a_first_answer_that_fails_is_no_answer() -> None:
    found = await HttpSource("http://127.0.0.1:9/", {}, "node", lambda: 0.0).read()
    assert (found.answered, found.items) == (False, ())


@pytest.mark.parametrize(
    "url", ["", "nonsense", "http://", "http://127.0.0.1:99999/", "ftp://127.0.0.1/", "http://[::1"]
)
async def test_a_url_that_is_none_is_an_error_and_no_more(url: str) -> None:
    found = await HttpSource(url, {}, "node", lambda: 0.0).read()
    assert (found.answered, bool(found.error)) == (False, True)


async def test_headers_are_sent_each(server: Server) -> None:
    server.say(pod("web"))
    await _source(server, Metadata=["a", "b"], Token=["c"]).read()
    assert {("Metadata", "a"), ("Metadata", "b"), ("Token", "c")} <= set(server.headers)


async def test_after_a_restart_the_records_go_on_meaning(server: Server) -> None:
    source = _source(server)
    server.say(pod("web"))
    before = (await source.read()).items[0].desired
    server.say("", 500)
    after = await HttpSource(server.url, {}, "node", lambda: 9000.0, source.records).read()
    assert [(item.state.value, item.desired) for item in after.items] == [("held", before)]


async def test_the_records_of_another_url_are_not_its_own(server: Server) -> None:
    source = _source(server)
    server.say(pod("web"))
    await source.read()
    server.say("", 500)
    assert (await HttpSource(f"{server.url}2", {}, "node", lambda: 0.0, source.records).read()).items == ()


async def test_it_is_asked_each_period_and_when_told_to(server: Server) -> None:
    source, asked = _source(server), asyncio.Event()
    server.say(pod("web"))
    async with asyncio.timeout(WITHIN):
        async with aclosing(source.watch(30.0, asked)) as sets:
            assert _states(await anext(sets)) == [("web-node", "valid")]
            server.say(pod("db"))
            asked.set()
            assert _states(await anext(sets)) == [("db-node", "valid")]
        async with aclosing(source.watch(0.01, asyncio.Event())) as sets:
            await anext(sets)
            server.say(pod("web"))
            while _states(await anext(sets)) != [("web-node", "valid")]:
                continue
