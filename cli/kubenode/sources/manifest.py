"""From bytes to pods: YAML or JSON, strict types, the rules of static pods; an error names the line and the path."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from kubenode.model.pod import NOT_RUN_YET, Container, Pod, PodSpec
from kubenode.model.validation import problems

MAX_BYTES = 10 * 1024 * 1024
# More nodes than any real pod has; a few aliases can stand for billions.
MAX_NODES = 200_000
# Deeper than any real pod is. The YAML library has no limit of its own: it would end the process.
MAX_DEPTH = 100

TOO_DEEP = f"values are nested more than {MAX_DEPTH} deep"

_AT = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


class RefusedError(Exception):
    """Why a manifest is not run. `line` counts from 1; 0 when the reason has no place in the text."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: no dates, no base-60 numbers, and a key stands once in its mapping."""

    _depth = 0

    def descend_resolver(self, current_node: yaml.Node | None, current_index: Any) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RefusedError(TOO_DEEP, _line(current_node) if current_node else 0)

    def ascend_resolver(self) -> None:
        self._depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise RefusedError(f"the key {key.value!r} stands twice", key.start_mark.line + 1)
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int")]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0b[01]+|0x[0-9a-fA-F]+|0[0-7]+|0|[1-9][0-9]*)$"), list("-+0123456789")
)


def read_pod(data: bytes) -> Pod:
    """The one pod that a file holds. Raises RefusedError."""
    node = _parse(data)
    return _pod(_plain(node), node)


def read_pods(data: bytes) -> Iterator[Pod | RefusedError]:
    """The pods of a Pod or a PodList, or for each that cannot run the reason. Raises RefusedError for the whole."""
    node = _parse(data)
    value = _plain(node)
    if not (isinstance(value, dict) and value.get("kind") in ("PodList", "List")):
        yield _pod(value, node)
        return
    items = _child(node, "items")
    if not isinstance(items, yaml.SequenceNode):
        raise RefusedError("$.items: a list of pods is expected", _line(node))
    for item, plain in zip(items.value, value["items"], strict=True):
        try:
            yield _pod(plain, item)
        except RefusedError as refusal:
            yield refusal


def _parse(data: bytes) -> yaml.Node:
    if len(data) > MAX_BYTES:
        raise RefusedError(f"the file has {len(data)} bytes; a manifest may have at most {MAX_BYTES}")
    if not data.strip():
        raise RefusedError("the file is empty")
    try:
        documents = list(yaml.compose_all(data, _Loader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise RefusedError(f"not YAML: {error.problem}", line) from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(f"not YAML: {error}") from None
    documents = [document for document in documents if not _is_null(document)]
    if len(documents) != 1:
        raise RefusedError(f"the file holds {len(documents)} documents: give each pod a file of its own")
    if _nodes(documents[0], {}) > MAX_NODES:
        raise RefusedError("the file's anchors stand for more than any pod holds")
    return documents[0]


def _is_null(node: yaml.Node | None) -> bool:
    return node is None or node.tag == "tag:yaml.org,2002:null"


def _nodes(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values the node stands for once aliases are written out; a cycle counts as too many."""
    if id(node) not in known:
        known[id(node)] = MAX_NODES + 1
        parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
        inner = parts if isinstance(node, yaml.CollectionNode) else []
        known[id(node)] = min(MAX_NODES + 1, 1 + sum(_nodes(part, known) for part in inner))
    return known[id(node)]


def _plain(node: yaml.Node) -> Any:
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise RefusedError(f"not YAML that a manifest may hold: {error.problem}", line) from None
    except (ValueError, RecursionError, TypeError) as error:
        raise RefusedError(f"not YAML that a manifest may hold: {error}") from None
    finally:
        loader.dispose()


def _pod(value: Any, node: yaml.Node) -> Pod:
    _check_kind(value, node)
    try:
        pod = msgspec.convert(value, Pod)
    except msgspec.ValidationError as error:
        raise _type_refusal(str(error), node) from None
    for problem in problems(pod):
        raise RefusedError(f"{problem.path}: {problem.message}", _place(node, problem.path))
    return pod


def _check_kind(value: Any, node: yaml.Node) -> None:
    if not isinstance(value, dict):
        raise RefusedError("a Pod is expected, written as a mapping", _line(node))
    kind = value.get("kind")
    if kind != "Pod":
        what = f"the kind is {kind!r}" if kind else "it has no kind"
        raise RefusedError(f"$.kind: {what}; only a Pod is run from here", _place(node, "$.kind"))


def _type_refusal(text: str, node: yaml.Node) -> RefusedError:
    match = _AT.fullmatch(text)
    what, path = (match["what"], match["path"] or "$") if match else (text, "$")
    unknown = _UNKNOWN.fullmatch(what)
    if unknown is None:
        return RefusedError(f"{path}: {what[:1].lower()}{what[1:].replace('`', '')}", _place(node, path))
    field = unknown["name"]
    where = f"{path}.{field}"
    if field in NOT_RUN_YET:
        return RefusedError(f"{where}: not supported by this version of kubenode", _place(node, where))
    return RefusedError(f"{where}: no such field{_suggestion(field)}", _place(node, where))


def _suggestion(field: str) -> str:
    known = {name.encode_name for struct in (Pod, PodSpec, Container) for name in msgspec.structs.fields(struct)}
    near = difflib.get_close_matches(field, known | NOT_RUN_YET, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _place(node: yaml.Node, path: str) -> int:
    """The line of the deepest part of the path that the text has."""
    line = _line(node)
    for name, index in _STEP.findall(path):
        child = _child(node, name) if name else _element(node, int(index))
        if child is None:
            break
        line = _key_line(node, name) if name else _line(child)
        node = child
    return line


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _child(node: yaml.Node, name: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def _key_line(node: yaml.Node, name: str) -> int:
    return next(_line(key) for key, _ in node.value if key.value == name)


def _element(node: yaml.Node, index: int) -> yaml.Node | None:
    return node.value[index] if isinstance(node, yaml.SequenceNode) and index < len(node.value) else None
