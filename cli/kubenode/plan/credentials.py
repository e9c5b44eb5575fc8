"""Which image pull secrets a registry gets to see, by Kubernetes' rules. No error and no log tells of their content."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from kubenode.model.image_reference import HUB, parse
from kubenode.model.objects import ObjectKey, Secret
from kubenode.model.specs import RegistryAuth
from kubenode.model.static_pod import DesiredPod

CONFIG_JSON, CONFIG = "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"
_HUB_AUTH = "index.docker.io"


def registry_auths(desired: DesiredPod, image: str) -> tuple[RegistryAuth, ...]:
    """Those of the pod's imagePullSecrets that fit the image, the most specific first. What is no secret is skipped."""
    return fitting_auths([auth for secret in _secrets(desired) for auth in secret_auths(secret)], image)


def fitting_auths(found: Sequence[RegistryAuth], image: str) -> tuple[RegistryAuth, ...]:
    """Those of the credentials that fit the image, the most specific first."""
    repository = _repository(image)
    fitting = [auth for auth in found if registry_matches(auth.registry, repository)]
    if not fitting and repository.startswith(f"{HUB}/"):
        fitting = [auth for auth in found if auth.registry == _HUB_AUTH]
    return tuple(dict.fromkeys(sorted(fitting, key=lambda auth: auth.registry, reverse=True)))


def unusable_pull_secrets(desired: DesiredPod) -> tuple[str, ...]:
    """A sentence for each pull secret that is missing or unreadable: the kubelet's FailedToRetrieveImagePullSecret."""
    return tuple(why for name in _names(desired) if (why := _why_unusable(name, desired)))


def registry_matches(pattern: str, repository: str) -> bool:
    """`pattern` is a host, its labels perhaps with wildcards, then a port and the beginning of a path if it has them.

    A wildcard stands within one label: *.example.org matches a.example.org, not a.b.example.org.
    """
    pattern_host, pattern_port, pattern_path = _parts(pattern)
    host, port, path = _parts(repository)
    labels, pattern_labels = host.split("."), pattern_host.split(".")
    return (
        pattern_port == port
        and path.startswith(pattern_path)
        and len(labels) == len(pattern_labels)
        and all(fnmatchcase(label, wanted) for label, wanted in zip(labels, pattern_labels, strict=True))
    )


def _parts(location: str) -> tuple[str, str, str]:
    place, slash, path = location.partition("/")
    host, colon, port = place.rpartition(":")
    return (host, port, slash + path) if colon and port.isdecimal() else (place, "", slash + path)


def _repository(image: str) -> str:
    """The image with its registry, without tag and digest. What is no name of an image no registry gets to see."""
    try:
        return parse(image).name
    except ValueError:
        return image


def _names(desired: DesiredPod) -> Iterator[str]:
    yield from dict.fromkeys(secret.name for secret in desired.pod.spec.image_pull_secrets if secret.name)


def _secret(name: str, desired: DesiredPod) -> Secret | None:
    found = desired.objects.get(ObjectKey("Secret", desired.pod.metadata.namespace or "default", name))
    return found if isinstance(found, Secret) else None


def _secrets(desired: DesiredPod) -> Iterator[Secret]:
    yield from filter(None, (_secret(name, desired) for name in _names(desired)))


def _why_unusable(name: str, desired: DesiredPod) -> str:
    secret = _secret(name, desired)
    if secret is None:
        return (
            f"image pull secret {name} is not on this node: put its manifest into the directory of this node's objects"
        )
    return secret_problem(secret)


def secret_problem(secret: Secret) -> str:
    """Why a Secret is no pull secret; empty for one that is."""
    name = secret.metadata.name
    if secret.type not in (CONFIG_JSON, CONFIG):
        return f"image pull secret {name} is of type {secret.type}: make it one of type {CONFIG_JSON}"
    if _registries(secret) is None:
        key = ".dockerconfigjson" if secret.type == CONFIG_JSON else ".dockercfg"
        return f"image pull secret {name}: its key {key} is not a registry configuration: write it as docker login does"
    return ""


def _registries(secret: Secret) -> Mapping[str, Any] | None:
    """Entries by registry; None where they cannot be read."""
    key = {CONFIG_JSON: ".dockerconfigjson", CONFIG: ".dockercfg"}.get(secret.type, "")
    try:
        content = json.loads(secret.values.get(key, b""))
        entries = content["auths"] if secret.type == CONFIG_JSON else content
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return entries if isinstance(entries, dict) else None


def secret_auths(secret: Secret) -> Iterator[RegistryAuth]:
    """The credentials in a pull secret; none where it is not one. Why it is not, `secret_problem` tells."""
    for location, entry in (_registries(secret) or {}).items():
        if isinstance(entry, dict) and (registry := _registry(location)):
            username, password = _login(entry)
            yield RegistryAuth(
                registry=registry,
                username=username,
                password=password,
                identity_token=_text(entry, "identitytoken"),
            )


def _login(entry: Mapping[str, Any]) -> tuple[str, str]:
    """`auth` is name and password in one; where it is there and readable it counts over the two."""
    try:
        joined = base64.b64decode(_text(entry, "auth")).decode()
    except (binascii.Error, ValueError):
        joined = ""
    name, colon, password = joined.partition(":")
    return (name, password.rstrip("\0")) if colon else (_text(entry, "username"), _text(entry, "password"))


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key, "")
    return value if isinstance(value, str) else ""


def _registry(location: str) -> str:
    """Host and path of what docker login writes: https://index.docker.io/v1/ is index.docker.io. Empty for nonsense."""
    try:
        parsed = urlsplit(location if location.startswith(("https://", "http://")) else f"https://{location}")
    except ValueError:
        return ""
    path = parsed.path
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return parsed.netloc.rpartition("@")[2] + (path if path != "/" else "")
