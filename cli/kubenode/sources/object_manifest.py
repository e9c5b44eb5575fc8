"""From a file's bytes to its ConfigMaps and Secrets. No error quotes a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubenode.model.objects import ConfigMap, LocalObject, Secret, object_problems
from kubenode.sources.conversion import convert
from kubenode.sources.documents import Document, RefusedError, child_of, element, line_of, read_documents

LISTS = ("List", "ConfigMapList", "SecretList")


def read_objects(data: bytes) -> Iterator[tuple[LocalObject, int]]:
    """Every object of the file with its line; lists are taken apart. Raises RefusedError for the file as a whole."""
    parts = [part for document in read_documents(data) for part in _parts(document)]
    if not parts:
        raise RefusedError("the file holds no ConfigMap and no Secret")
    for part in parts:
        yield _object(part), line_of(part.node)


def _parts(document: Document) -> Iterator[Document]:
    value = document.value
    if not isinstance(value, dict) or value.get("kind") not in LISTS:
        yield document
        return
    items = child_of(document.node, "items")
    if not isinstance(value.get("items", []), list):
        raise document.refusal("$.items", "a list of ConfigMaps and Secrets is expected")
    for index, item in enumerate(value.get("items", [])):
        node = element(items, index) if items is not None else None
        yield Document(item, node or document.node, f"{document.path}.items[{index}]")


def _object(part: Document) -> LocalObject:
    kind = part.value.get("kind") if isinstance(part.value, dict) else None
    if kind == "ConfigMap":
        return _checked(part, convert(joined(part, "binaryData"), ConfigMap))
    if kind == "Secret":
        return _checked(part, convert(joined(part, "data"), Secret))
    raise part.refusal("$.kind", "only ConfigMaps and Secrets are read from here")


def joined(part: Document, field: str) -> Document:
    """Base64 may be written on several lines, as Kubernetes reads it."""
    values = part.value.get(field)
    if not isinstance(values, dict):
        return part
    joined: dict[Any, Any] = {
        key: text.replace("\n", "").replace("\r", "") if isinstance(text, str) else text for key, text in values.items()
    }
    return part._replace(value={**part.value, field: joined})


def _checked(part: Document, value: LocalObject) -> LocalObject:
    for problem in object_problems(value):
        raise part.refusal(problem.path, problem.message)
    return value
