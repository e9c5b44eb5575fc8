"""How images are pulled: credentials out of a task's options, its pull secrets and a file of the node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from kubenode.model.objects import Secret
from kubenode.model.pod import Metadata
from kubenode.model.specs import RegistryAuth
from kubenode.plan.credentials import CONFIG_JSON, secret_auths, secret_problem
from kubenode.resources.options import CriOptions, OptionError, Options
from kubenode.sources.documents import RefusedError
from kubenode.sources.object_manifest import read_objects


class Credential(Options, frozen=True, kw_only=True):
    """`registry` empty: for every image of the task."""

    registry: str = ""
    username: str = ""
    password: str = ""
    auth: str = ""
    identity_token: str = ""


class PullOptions(CriOptions, frozen=True, kw_only=True):
    """Of what pulls images. `hosts_directory`: containerd's hosts.toml files."""

    credentials: tuple[Credential, ...] = ()
    pull_secrets: tuple[dict[str, Any], ...] = ()
    auth_file: str = ""
    hosts_directory: str = "/etc/containerd/certs.d"


def all_auths(options: PullOptions) -> tuple[tuple[RegistryAuth, ...], tuple[RegistryAuth, ...]]:
    """Credentials for every image, and those that go by the registry. Raises OptionError; no value is quoted."""
    own = [
        RegistryAuth(one.registry, one.username, one.password, one.auth, one.identity_token)
        for one in options.credentials
    ]
    general = tuple(auth for auth in own if not auth.registry)
    return general, (*(auth for auth in own if auth.registry), *_secrets(options), *_file(options.auth_file))


def _secrets(options: PullOptions) -> Iterator[RegistryAuth]:
    for index, manifest in enumerate(options.pull_secrets):
        yield from secret_auths(_secret(f"pull_secrets[{index}]", manifest))


def _secret(where: str, manifest: Mapping[str, Any]) -> Secret:
    try:
        objects = [value for value, _ in read_objects(msgspec.json.encode(manifest))]
    except RefusedError as error:
        raise OptionError(f"{where}: {error.reason}") from None
    if len(objects) != 1 or not isinstance(objects[0], Secret):
        raise OptionError(f"{where}: one Secret of type {CONFIG_JSON} is expected")
    if problem := secret_problem(objects[0]):
        raise OptionError(f"{where}: {problem}")
    return objects[0]


def _file(path: str) -> Iterator[RegistryAuth]:
    """A file as docker login writes it, ~/.docker/config.json."""
    if not path:
        return
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise OptionError(f"auth_file: {path} cannot be read: {error.strerror}") from None
    secret = Secret(
        api_version="v1",
        kind="Secret",
        metadata=Metadata(name=path),
        type=CONFIG_JSON,
        data={".dockerconfigjson": content},
    )
    if secret_problem(secret):
        raise OptionError(f"auth_file: {path} is not a registry configuration: write it as docker login does")
    yield from secret_auths(secret)
