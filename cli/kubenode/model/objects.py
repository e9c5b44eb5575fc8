"""ConfigMaps and Secrets of a standalone node. A Secret's values show in no representation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kubenode.model.pod import Metadata
from kubenode.model.schema import Object


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


LocalObject = ConfigMap | Secret
Objects = Mapping[ObjectKey, LocalObject]


def object_key(value: LocalObject) -> ObjectKey:
    return ObjectKey(value.kind, value.metadata.namespace or "default", value.metadata.name)
