"""A registry asked for a digest: over plain HTTP, with logins and tokens, and what it says when it does not tell."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable

import pytest
from aiohttp import encode_basic_auth, web

from kubenode.clients.errors import NotFound, PermissionDenied, RuntimeFailure, Unavailable
from kubenode.model.image_reference import parse
from kubenode.model.specs import RegistryAuth
from kubenode.observe.registry import parse_challenge, remote_digest
from kubenode.observe.registry_hosts import RegistryHost
from support.http_server import HOST, Answer, HttpServer

DIGEST = "sha256:" + "a" * 64
IMAGE = parse("registry.example/team/web:1")
MANIFEST = "/v2/team/web/manifests/1"
LOGIN = RegistryAuth("", "user", "secret")
WRONG = RegistryAuth("", "user", "wrong")
TOKEN = RegistryAuth("", identity_token="refresh-me")


def told() -> web.Response:
    return web.Response(headers={"Docker-Content-Digest": DIGEST})


def host(server: HttpServer, *, mirror: bool = False) -> RegistryHost:
    return RegistryHost(f"http://{HOST}:{server.port}/v2", mirror=mirror)


async def open_to_all(request: web.BaseRequest) -> web.StreamResponse:
    return told() if request.path == MANIFEST else web.Response(status=404)


async def with_login(request: web.BaseRequest) -> web.StreamResponse:
    if request.headers.get("Authorization") == encode_basic_auth("user", "secret"):
        return told()
    return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="registry"'})


def with_tokens(port: Callable[[], int]) -> Answer:
    """A registry and its token server in one; tokens are given for the login, and for the refresh token."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/token":
            if request.method == "POST":
                form = await request.post()
                granted = form["grant_type"] == "refresh_token" and form["refresh_token"] == "refresh-me"
            else:
                granted = request.headers.get("Authorization") == encode_basic_auth("user", "secret")
                assert request.query["scope"] == "repository:team/web:pull"
                assert request.query["service"] == "registry.example"
            return web.json_response({"access_token": "pass"}) if granted else web.Response(status=401)
        if request.headers.get("Authorization") == "Bearer pass":
            return told()
        realm = (
            f'Bearer realm="http://{HOST}:{port()}/token",service="registry.example",scope="repository:team/web:pull"'
        )
        return web.Response(status=401, headers={"WWW-Authenticate": realm})

    return answer


async def test_a_registry_that_is_open_tells_the_digest() -> None:
    async with HttpServer(open_to_all) as server:
        assert await remote_digest(IMAGE, [host(server)]) == DIGEST
    (request,) = server.requests
    assert request.method == "HEAD"
    assert "application/vnd.oci.image.index.v1+json" in request.headers["Accept"]
    assert not request.query_string


async def test_a_mirror_is_told_whose_image_is_meant() -> None:
    async with HttpServer(open_to_all) as server:
        await remote_digest(IMAGE, [host(server, mirror=True)])
    assert server.requests[0].query["ns"] == "registry.example"


async def test_the_digest_is_computed_where_it_is_not_told() -> None:
    async def silent(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"manifest")

    async with HttpServer(silent) as server:
        assert await remote_digest(IMAGE, [host(server)]) == f"sha256:{hashlib.sha256(b'manifest').hexdigest()}"


@pytest.mark.parametrize(
    "auths", [[LOGIN], [WRONG, LOGIN], [RegistryAuth("", auth=base64.b64encode(b"user:secret").decode())]]
)
async def test_each_login_is_tried_in_turn(auths: list[RegistryAuth]) -> None:
    async with HttpServer(with_login) as server:
        assert await remote_digest(IMAGE, [host(server)], auths) == DIGEST


@pytest.mark.parametrize("auths", [[LOGIN], [TOKEN], [WRONG, TOKEN]])
async def test_a_token_server_is_asked_for_a_token(auths: list[RegistryAuth]) -> None:
    servers: list[HttpServer] = []
    async with HttpServer(with_tokens(lambda: servers[0].port)) as server:
        servers.append(server)
        assert await remote_digest(IMAGE, [host(server)], auths) == DIGEST


async def test_without_a_login_that_fits_the_registry_refuses() -> None:
    async with HttpServer(with_login) as server:
        with pytest.raises(PermissionDenied, match="Give credentials") as refused:
            await remote_digest(IMAGE, [host(server)], [WRONG])
    assert "wrong" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFound), (403, PermissionDenied), (500, RuntimeFailure), (429, RuntimeFailure)]
)
async def test_what_a_registry_refuses_is_told_apart(status: int, kind: type[Exception]) -> None:
    async def refuse(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status)

    async with HttpServer(refuse) as server:
        with pytest.raises(kind, match=r"registry\.example/team/web:1"):
            await remote_digest(IMAGE, [host(server)])


async def test_the_next_host_is_asked_when_one_does_not_tell() -> None:
    async def lacks(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=404)

    async with HttpServer(lacks) as mirror, HttpServer(open_to_all) as itself:
        assert await remote_digest(IMAGE, [host(mirror, mirror=True), host(itself)]) == DIGEST


async def test_a_host_that_is_not_there_or_hangs_is_unavailable() -> None:
    async def hang(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        return told()

    async with HttpServer(hang) as server:
        with pytest.raises(Unavailable, match="no answer within"):
            await remote_digest(IMAGE, [host(server)], seconds=0.1)
    with pytest.raises(Unavailable):
        await remote_digest(IMAGE, [host(server)])
    with pytest.raises(Unavailable, match="no host"):
        await remote_digest(IMAGE, [])


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Bearer realm="https://a/t",service="s"', ("bearer", {"realm": "https://a/t", "service": "s"})),
        (
            'Bearer realm="https://a/t", scope="repository:a,b:pull"',
            ("bearer", {"realm": "https://a/t", "scope": "repository:a,b:pull"}),
        ),
        ("Basic realm=registry", ("basic", {"realm": "registry"})),
        ("Negotiate", ("negotiate", {})),
        ("", ("", {})),
        ('Bearer realm="unclosed', ("bearer", {"realm": "unclosed"})),
        ("Bearer ,,,", ("bearer", {})),
    ],
)
def test_challenges_are_read(header: str, expected: tuple[str, dict[str, str]]) -> None:
    assert parse_challenge(header) == expected
