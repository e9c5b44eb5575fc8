"""At which hosts an image's registry is asked, by containerd's own configuration: <directory>/<registry>/hosts.toml.

The rules are those of containerd's documentation of hosts.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubenode.clients.errors import InvalidArgument
from kubenode.model.image_reference import ImageReference

DEFAULT_DIRECTORY = Path("/etc/containerd/certs.d")
FALLBACK = "_default"
RESOLVE = "resolve"
API = "/v2"


@dataclass(frozen=True, slots=True)
class RegistryHost:
    """Where a registry's API is asked.

    base: with scheme and API's path, such as https://registry.example/v2
    ca: files of certificates to trust, too; client: files of a certificate and its key, the key's may be empty
    mirror: it serves the images of another registry, whose name is told to it
    """

    base: str
    ca: tuple[str, ...] = ()
    client: tuple[str, str] | None = None
    skip_verify: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    mirror: bool = False


def registry_hosts(image: ImageReference, directory: Path = DEFAULT_DIRECTORY) -> tuple[RegistryHost, ...]:
    """The hosts that can tell an image's digest, in the order in which they are asked.

    Raises InvalidArgument for a hosts.toml that cannot be used, and OSError.
    """
    folder = _folder(image.domain, directory)
    itself = RegistryHost(f"{_scheme(image.domain)}://{image.registry_host}{API}")
    if folder is None:
        return (itself,)
    file = folder / "hosts.toml"
    if not file.is_file():
        # Docker's layout: certificates beside each other, each file named for what is in it.
        return (replace(itself, ca=tuple(str(path) for path in sorted(folder.glob("*.crt")))),)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        return tuple(_read(document, itself, folder))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise InvalidArgument(
            endpoint=str(file),
            operation="Reading the hosts of a registry",
            subject=image.domain,
            detail=f"it cannot be used: {error}",
            remedy="Correct the file.",
        ) from None


def _folder(domain: str, directory: Path) -> Path | None:
    host, colon, port = domain.rpartition(":")
    names = (domain, f"{host}_{port}_" if colon else domain, FALLBACK)
    return next((directory / name for name in names if (directory / name).is_dir()), None)


def _scheme(domain: str) -> str:
    """As containerd has it: plain HTTP for this machine itself, unless it is asked at HTTPS's own port."""
    host, port = urlsplit(f"//{domain}").hostname or "", urlsplit(f"//{domain}").port
    return "http" if _is_loopback(host) and port != 443 else "https"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(document: Mapping[str, Any], itself: RegistryHost, folder: Path) -> Iterator[RegistryHost]:
    for url, settings in document.get("host", {}).items():
        if RESOLVE in settings.get("capabilities", [RESOLVE]):
            yield _host(url, settings, folder, mirror=True)
    if RESOLVE in document.get("capabilities", [RESOLVE]):
        server = document.get("server") or itself.base.removesuffix(API)
        yield _host(server, document, folder, mirror=False)


def _host(url: str, settings: Mapping[str, Any], folder: Path, *, mirror: bool) -> RegistryHost:
    address = url if "://" in url else f"{_scheme(url)}://{url}"
    base = address.rstrip("/")
    if not settings.get("override_path") and not base.endswith(API):
        base += API
    headers = settings.get("header", {})
    return RegistryHost(
        base=base,
        ca=tuple(str(folder / path) for path in _texts(settings.get("ca"))),
        client=_client(settings.get("client"), folder),
        skip_verify=bool(settings.get("skip_verify")),
        headers=tuple((name, value) for name, values in headers.items() for value in _texts(values)),
        mirror=mirror,
    )


def _texts(value: Any) -> list[str]:
    """A text, or a list of them."""
    return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []


def _client(value: Any, folder: Path) -> tuple[str, str] | None:
    """The first of the pairs; a text alone is a file with both."""
    first = value[0] if isinstance(value, list) and value else value
    pair = first if isinstance(first, list) else [first] if first else []
    if not pair:
        return None
    return str(folder / pair[0]), str(folder / pair[1]) if len(pair) > 1 else ""
