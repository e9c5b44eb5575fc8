"""From bytes to pods: strict types, the rules of static pods; an error names the line and the path."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from kubenode.model.names import PodKey
from kubenode.model.pod import Pod
from kubenode.model.validation import problems
from kubenode.sources.conversion import convert
from kubenode.sources.documents import (
    MAX_BYTES,
    Document,
    RefusedError,
    child_of,
    document,
    line_of,
    read_documents,
    read_nodes,
)

__all__ = ["MAX_BYTES", "Document", "RefusedError", "convert", "read_documents", "read_pod", "read_pods"]

LISTS = ("PodList", "List")


def read_pod(data: bytes) -> Pod:
    """The one pod that a file holds. Raises RefusedError."""
    return pod_of(_only(data))


def read_pods(data: bytes) -> Iterator[Pod | RefusedError]:
    """The pods of a Pod or a PodList, or for each that cannot run the reason. Raises RefusedError for the whole.

    Of two pods of one namespace and name the second is refused.
    """
    whole = _only(data)
    if not (isinstance(whole.value, dict) and whole.value.get("kind") in LISTS):
        yield pod_of(whole)
        return
    seen: dict[PodKey, int] = {}
    for index, item in enumerate(items(whole)):
        try:
            pod = pod_of(item._replace(path="$"))
            if (first := seen.setdefault(pod.key, index)) != index:
                raise item.refusal("$.metadata.name", second_of(pod.key, f"$.items[{first}]"))
            yield pod
        except RefusedError as refusal:
            yield refusal


def items(whole: Document) -> Iterator[Document]:
    """The parts of a list. Raises RefusedError where there is none."""
    node = child_of(whole.node, "items")
    if not isinstance(node, yaml.SequenceNode):
        raise RefusedError("a list of pods is expected", line_of(whole.node), "$.items")
    for index, (part, value) in enumerate(zip(node.value, whole.value["items"], strict=True)):
        yield Document(value, part, f"$.items[{index}]")


def pod_of(one: Document) -> Pod:
    """The document as a pod that can run here. Raises RefusedError."""
    check_kind(one)
    pod = convert(one, Pod)
    for problem in problems(pod):
        raise one.refusal(problem.path, problem.message)
    return pod


def check_kind(one: Document) -> None:
    """Raises RefusedError for anything but a Pod."""
    if not isinstance(one.value, dict):
        raise RefusedError("a Pod is expected, written as a mapping", line_of(one.node))
    kind = one.value.get("kind")
    if kind != "Pod":
        what = f"the kind is {kind!r}" if kind else "it has no kind"
        raise one.refusal("$.kind", f"{what}; only a Pod is run from here")


def _only(data: bytes) -> Document:
    nodes = read_nodes(data)
    if len(nodes) != 1:
        raise RefusedError(f"the file holds {len(nodes)} documents: give each pod a file of its own")
    return document(nodes[0])


def second_of(key: PodKey, first: str) -> str:
    """Why the second of two pods of one key is refused."""
    return f"{first} is pod {key} already: rename or remove one of the two"
