"""A registry asked for one thing: which digest a tag has now. What is pulled, the container runtime pulls.

OCI Distribution, "Pulling manifests", and the token authentication of the same registries.
"""

from __future__ import annotations

import hashlib
import ssl
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from kubenode import __version__
from kubenode.clients.errors import ClientError, NotFound, PermissionDenied, RuntimeFailure, Unavailable
from kubenode.model.image_reference import DEFAULT_TAG, ImageReference
from kubenode.model.specs import RegistryAuth
from kubenode.observe.registry_hosts import RegistryHost

SECONDS = 20.0
# All that a tag may stand for: an index first, as runtimes ask, so that the digest is the one they keep.
MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
DIGEST = "Docker-Content-Digest"
OPERATION = "Asking for the digest"
LARGEST_MANIFEST = 4 << 20
CLIENT_ID = "kubenode"


async def remote_digest(
    image: ImageReference,
    hosts: Sequence[RegistryHost],
    auths: Sequence[RegistryAuth] = (),
    *,
    seconds: float = SECONDS,
) -> str:
    """The digest, "sha256:…", that the image's tag has in its registry. The first host that tells it counts.

    Each of `auths` is tried, then none. Raises ClientError: the last host's, which is the registry itself.
    """
    failure: ClientError | None = None
    for host in hosts:
        for auth in (*auths, None):
            try:
                return await _ask(image, host, auth, seconds)
            except PermissionDenied as error:
                failure = error
            except ClientError as error:
                failure = error
                break
    raise failure or _error(Unavailable, image, "", "no host that can tell it is configured")


async def _ask(image: ImageReference, host: RegistryHost, auth: RegistryAuth | None, seconds: float) -> str:
    url = f"{host.base}/{image.path}/manifests/{image.tag or DEFAULT_TAG}"
    query = {"ns": image.domain} if host.mirror else {}
    headers = {"Accept": MANIFESTS, "User-Agent": f"kubenode/{__version__}", **dict(host.headers)}
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with aiohttp.ClientSession(
            timeout=timeout, headers=headers, connector=aiohttp.TCPConnector(ssl=_trust(host)), trust_env=True
        ) as session:
            return await _digest(session, url, query, image, auth)
    except TimeoutError:
        raise _error(Unavailable, image, url, f"no answer within {seconds:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise _error(Unavailable, image, url, str(error) or type(error).__name__) from None


async def _digest(
    session: aiohttp.ClientSession,
    url: str,
    query: Mapping[str, str],
    image: ImageReference,
    auth: RegistryAuth | None,
) -> str:
    headers: dict[str, str] = {}
    async with session.head(url, params=query, allow_redirects=True) as answer:
        status, digest = answer.status, answer.headers.get(DIGEST, "")
        challenge = answer.headers.get("WWW-Authenticate", "")
    if status == 401:
        headers = await _authorization(session, challenge, image, url, auth)
        async with session.head(url, params=query, headers=headers, allow_redirects=True) as answer:
            status, digest = answer.status, answer.headers.get(DIGEST, "")
    _check(status, image, url)
    return digest or await _computed(session, url, query, headers, image)


async def _computed(
    session: aiohttp.ClientSession,
    url: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    image: ImageReference,
) -> str:
    """Of a registry that does not tell digests: that of what it sends."""
    async with session.get(url, params=query, headers=headers) as answer:
        _check(answer.status, image, url)
        content = await answer.content.read(LARGEST_MANIFEST)
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _check(status: int, image: ImageReference, url: str) -> None:
    if status in (401, 403):
        raise _error(PermissionDenied, image, url, f"the registry refuses with HTTP {status}")
    if status == 404:
        raise _error(NotFound, image, url, "the registry has no such repository or tag")
    if status != 200:
        raise _error(RuntimeFailure, image, url, f"the registry answers HTTP {status}")


async def _authorization(
    session: aiohttp.ClientSession, challenge: str, image: ImageReference, url: str, auth: RegistryAuth | None
) -> dict[str, str]:
    """The header that answers a challenge. Raises PermissionDenied where there is nothing to answer with."""
    scheme, parameters = parse_challenge(challenge)
    if scheme == "basic" and auth is not None:
        return {"Authorization": aiohttp.encode_basic_auth(*login(auth))}
    if scheme == "bearer" and "realm" in parameters:
        return {"Authorization": f"Bearer {await _token(session, parameters, image, url, auth)}"}
    raise _error(PermissionDenied, image, url, "the registry wants credentials")


async def _token(
    session: aiohttp.ClientSession,
    parameters: Mapping[str, str],
    image: ImageReference,
    url: str,
    auth: RegistryAuth | None,
) -> str:
    realm = parameters["realm"]
    if urlsplit(realm).scheme != "https" and urlsplit(url).scheme == "https":
        raise _error(PermissionDenied, image, url, f"the registry wants credentials sent in clear, to {realm}")
    scope = parameters.get("scope") or f"repository:{image.path}:pull"
    asked = {"service": parameters.get("service", ""), "scope": scope}
    if auth is not None and auth.identity_token:
        form = {**asked, "grant_type": "refresh_token", "refresh_token": auth.identity_token, "client_id": CLIENT_ID}
        request = session.post(realm, data=form)
    else:
        headers = {"Authorization": aiohttp.encode_basic_auth(*login(auth))} if auth else {}
        request = session.get(realm, params=asked, headers=headers)
    async with request as answer:
        if answer.status != 200:
            raise _error(PermissionDenied, image, realm, f"the token server answers HTTP {answer.status}")
        body: dict[str, Any] = await answer.json(content_type=None)
    return str(body.get("token") or body.get("access_token") or "")


def parse_challenge(header: str) -> tuple[str, dict[str, str]]:
    """The scheme in lower case and the parameters of a WWW-Authenticate header; RFC 9110, 11.6.1."""
    scheme, _, rest = header.strip().partition(" ")
    parameters: dict[str, str] = {}
    while rest := rest.lstrip(" ,"):
        name, equals, rest = rest.partition("=")
        if not equals:
            break
        if rest.startswith('"'):
            value, _, rest = rest[1:].partition('"')
        else:
            value, _, rest = rest.partition(",")
        parameters[name.strip().lower()] = value.strip()
    return scheme.lower(), parameters


def login(auth: RegistryAuth) -> tuple[str, str]:
    """Name and password; `auth` is both in one, in base64."""
    if auth.username or not auth.auth:
        return auth.username, auth.password
    name, _, password = b64decode(auth.auth).decode().partition(":")
    return name, password


def _trust(host: RegistryHost) -> ssl.SSLContext:
    """Raises OSError for a certificate that cannot be read."""
    context = ssl.create_default_context()
    for file in host.ca:
        context.load_verify_locations(file)
    if host.client is not None:
        certificate, key = host.client
        context.load_cert_chain(certificate, key or None)
    if host.skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _error(kind: type[ClientError], image: ImageReference, url: str, detail: str) -> ClientError:
    remedies = {
        NotFound: "Check the name and the tag.",
        PermissionDenied: "Give credentials for this registry, or check them.",
        Unavailable: "Check the address, the network and the hosts.toml of this registry.",
        RuntimeFailure: "Try again; the registry's own log tells more.",
    }
    return kind(
        endpoint=url or image.domain,
        operation=OPERATION,
        subject=f"image {image.familiar}",
        detail=detail,
        remedy=remedies[kind],
    )
