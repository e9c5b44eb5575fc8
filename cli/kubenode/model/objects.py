"""ConfigMaps and Secrets of a standalone node. A Secret's values show in no representation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from kubenode.model.pod import Metadata
from kubenode.model.schema import Object
from kubenode.model.validation import Problem
from kubenode.model.validation.metadata import metadata_problems

# Kubernetes' own limits: of all values of an object together in bytes, of a key in characters.
MAX_VALUES = 2**20
LONGEST_KEY = 253
KEY = re.compile(r"(?!\.\.)(?!\.$)[-._a-zA-Z0-9]+")
# What Kubernetes demands of the types that it knows.
KEYS_OF_TYPE = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
}


class ObjectKey(NamedTuple):
    """`kind` is ConfigMap or Secret."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class ConfigMap(Object, frozen=True, kw_only=True):
    api_version: str
    kind: str
    metadata: Metadata
    data: dict[str, str] = {}
    binary_data: dict[str, bytes] = {}
    immutable: bool = False

    @property
    def values(self) -> Mapping[str, bytes]:
        """Every key with its content."""
        return {**{key: text.encode() for key, text in self.data.items()}, **self.binary_data}


class Secret(Object, frozen=True, kw_only=True):
    """`data` is base64 in a manifest, `string_data` is text; both hold what nobody else may see."""

    api_version: str
    kind: str
    metadata: Metadata
    data: dict[str, bytes] = {}
    string_data: dict[str, str] = {}
    type: str = "Opaque"
    immutable: bool = False

    @property
    def values(self) -> Mapping[str, bytes]:
        """Every key with its content; `stringData` wins over `data`."""
        return {**self.data, **{key: text.encode() for key, text in self.string_data.items()}}

    def __repr__(self) -> str:
        keys = ", ".join(sorted({*self.data, *self.string_data}))
        return f"Secret({self.metadata.namespace}/{self.metadata.name}: keys {keys})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The base class would give every field to rich."""
        return [("keys", sorted({*self.data, *self.string_data}))]


LocalObject = ConfigMap | Secret
Objects = Mapping[ObjectKey, LocalObject]


def object_key(value: LocalObject) -> ObjectKey:
    return ObjectKey(value.kind, value.metadata.namespace or "default", value.metadata.name)


def differs(before: LocalObject, after: LocalObject) -> bool:
    """Whether `after` says what an immutable `before` forbids; metadata may change."""
    kinds = (getattr(before, "type", ""), getattr(after, "type", ""))
    return before.immutable and (not after.immutable or before.values != after.values or kinds[0] != kinds[1])


def object_problems(value: LocalObject) -> Iterator[Problem]:
    """What forbids this object. No message holds a value."""
    if value.api_version != "v1":
        yield Problem("$.apiVersion", "ConfigMaps and Secrets have the version v1")
    yield from metadata_problems(value.metadata)
    yield from _keys(value)
    size = sum(map(len, value.values.values()))
    if size > MAX_VALUES:
        yield Problem("$", f"the values have {size} bytes together; at most {MAX_VALUES} are allowed")
    if isinstance(value, Secret):
        yield from _typed(value)


def _keys(value: LocalObject) -> Iterator[Problem]:
    second: Mapping[str, object] = value.binary_data if isinstance(value, ConfigMap) else value.string_data
    name = "binaryData" if isinstance(value, ConfigMap) else "stringData"
    for field, keys in (("data", value.data), (name, second)):
        if not all(KEY.fullmatch(key) and len(key) <= LONGEST_KEY for key in keys):
            rule = f"a key has at most {LONGEST_KEY} letters, digits, '-', '_' and '.', and does not begin with '..'"
            yield Problem(f"$.{field}", rule)
    if isinstance(value, ConfigMap) and value.data.keys() & value.binary_data.keys():
        yield Problem("$.binaryData", "a key stands in data and in binaryData")


def _typed(secret: Secret) -> Iterator[Problem]:
    keys = KEYS_OF_TYPE.get(secret.type, ())
    missing = [key for key in keys if key not in secret.values]
    if missing:
        yield Problem("$.data", f"a Secret of type {secret.type} needs the key {missing[0]}")
    elif secret.type.startswith("kubernetes.io/docker") and keys and not _is_json_object(secret.values[keys[0]]):
        yield Problem("$.data", f"the value of {keys[0]} is not a JSON object, encoded in base64")
    if secret.type == "kubernetes.io/basic-auth" and not secret.values.keys() & {"username", "password"}:
        yield Problem("$.data", f"a Secret of type {secret.type} needs the key username or password")


def _is_json_object(value: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(value), dict)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
