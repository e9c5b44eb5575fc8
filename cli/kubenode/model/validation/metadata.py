"""Names, labels and annotations."""

from __future__ import annotations

from collections.abc import Iterator

from kubenode.model.names import key_path
from kubenode.model.pod import Metadata
from kubenode.model.validation.rules import Problem, label, labels, qualified_name, subdomain

MAX_ANNOTATIONS = 256 * 1024  # bytes, keys and values together


def metadata_problems(metadata: Metadata, path: str = "$.metadata") -> Iterator[Problem]:
    """Of an object whose name is a DNS subdomain."""
    yield from subdomain(f"{path}.name", metadata.name)
    if metadata.namespace:
        yield from label(f"{path}.namespace", metadata.namespace)
    if metadata.uid:
        yield from label(f"{path}.uid", metadata.uid)
    yield from labels(f"{path}.labels", metadata.labels)
    where = f"{path}.annotations"
    for key in metadata.annotations:
        yield from qualified_name(key_path(where, key), key.lower())
    size = sum(len(key.encode()) + len(value.encode()) for key, value in metadata.annotations.items())
    if size > MAX_ANNOTATIONS:
        yield Problem(where, f"they have {size} bytes; keys and values together may have {MAX_ANNOTATIONS}")
