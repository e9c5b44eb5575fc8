"""From bytes to plain values: YAML or JSON as Kubernetes reads it, bounded in size and depth, with line numbers.

No error quotes a value: it may be a Secret's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

MAX_BYTES = 10 * 1024 * 1024
# More nodes than any real pod has; a few aliases can stand for billions.
MAX_NODES = 200_000
# Deeper than any real pod is. The YAML library has no limit of its own: it would end the process.
MAX_DEPTH = 100

MAX_REASON = 400  # characters

TOO_DEEP = f"values are nested more than {MAX_DEPTH} deep"
_LIBRARY_TOO_DEEP = "exceeded maximum nesting depth"
TOO_MANY = "the file holds, or its anchors stand for, more than any pod holds"
TAG = "tag:yaml.org,2002:"
# What JSON can say too; Kubernetes' own types know nothing else.
SCALAR_TAGS = frozenset(f"{TAG}{kind}" for kind in ("null", "bool", "int", "float", "str"))
STRING_TAG = f"{TAG}str"
MAP_TAG, SEQUENCE_TAG = f"{TAG}map", f"{TAG}seq"
MERGE_TAG = f"{TAG}merge"
# A text that begins with "!" and has no quotes is read as a tag, so other tags are not repeated.
KNOWN_TAGS = frozenset(f"{TAG}{kind}" for kind in ("set", "omap", "pairs", "binary", "map", "seq", "timestamp"))
# Maps of text, where Kubernetes reads nothing as an empty text; everywhere else nothing means that the field is absent.
TEXT_MAPS = frozenset(("labels", "annotations", "nodeSelector", "matchLabels", "data", "stringData", "binaryData"))

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")


class RefusedError(Exception):
    """Why a manifest is not run. `line` counts from 1; 0 when the reason has no place in the text.

    `path` is the JSON path, empty for the whole file; `reason` begins with it.
    """

    def __init__(self, message: str, line: int = 0, path: str = "") -> None:
        # On one line and short, whatever the manifest holds.
        self.message = _short(message)
        self.reason = _short(f"{path}: {message}") if path else self.message
        self.line = line
        self.path = path[:MAX_REASON]
        super().__init__(self.reason)


class Document(NamedTuple):
    """One document of a file, or a part of one. `value` has no nulls; `path` is where it stands in the document."""

    value: Any
    node: yaml.Node
    path: str = "$"

    def refusal(self, path: str, message: str) -> RefusedError:
        """An error about the value at `path`, which counts from this document or part: `$.spec`."""
        return RefusedError(message, place(self.node, path), self.path + path[1:])


def read_documents(data: bytes) -> Iterator[Document]:
    """The documents of a file, empty ones left out, with nulls taken for absent fields. Raises RefusedError."""
    for node in read_nodes(data):
        yield document(node)


def read_nodes(data: bytes) -> list[yaml.Node]:
    """The documents of a file before their values are made, empty ones left out. Raises RefusedError."""
    if len(data) > MAX_BYTES:
        raise RefusedError(f"the file has {len(data)} bytes; a manifest may have at most {MAX_BYTES}")
    if not data.strip():
        raise RefusedError("the file is empty")
    try:
        nodes = list(yaml.compose_all(data, _Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        # The library has a limit of its own, above ours, from 6.0.4 on.
        what = TOO_DEEP if error.problem == _LIBRARY_TOO_DEEP else f"not YAML: {error.problem}"
        raise RefusedError(what, mark.line + 1 if mark else 0) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        what = getattr(error, "reason", "") or "it cannot be read"
        raise RefusedError(f"not YAML: {what}") from None
    return [node for node in nodes if node.tag != f"{TAG}null"]


def document(node: yaml.Node) -> Document:
    """The values of a document. Raises RefusedError."""
    _weigh(node, {})
    return Document(_without_nulls(_plain(node)), node)


def place(node: yaml.Node, path: str) -> int:
    """The line of the deepest part of the path that the text has."""
    line = line_of(node)
    for name, index, quoted in _STEP.findall(path):
        key = name or quoted
        child = element(node, int(index)) if index else child_of(node, key)
        if child is None:
            break
        line = line_of(child) if index else _key_line(node, key)
        node = child
    return line


def line_of(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def child_of(node: yaml.Node, name: str) -> yaml.Node | None:
    """The value of a mapping's key, if the text has it."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for key, value in pairs if key.value == name), None)


def element(node: yaml.Node, index: int) -> yaml.Node | None:
    """An element of a list, if the text has it."""
    return node.value[index] if isinstance(node, yaml.SequenceNode) and index < len(node.value) else None


def _key_line(node: yaml.Node, name: str) -> int:
    return next(line_of(key) for key, _ in node.value if key.value == name)


def _short(text: str) -> str:
    return " ".join(text[:MAX_REASON].split())


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: no dates, no base-60 numbers, and a key stands once in its mapping."""

    _depth = 0
    _count = 0

    def descend_resolver(self, current_node: yaml.Node | None, _index: Any) -> None:
        """Called as the composer enters a node, before the node is there."""
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH:
            raise RefusedError(TOO_DEEP, line_of(current_node) if current_node else 0)
        if self._count > MAX_NODES:
            raise RefusedError(TOO_MANY)

    def ascend_resolver(self) -> None:
        self._depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != MERGE_TAG:
                raise RefusedError(f"the key {key.value!r} stands twice", key.start_mark.line + 1)
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


# Dates and a lone "=" are text; numbers get a rule of their own.
NOT_AS_IN_YAML_1_1 = tuple(f"{TAG}{kind}" for kind in ("timestamp", "value", "int"))
_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] not in NOT_AS_IN_YAML_1_1]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    f"{TAG}int", re.compile(r"[-+]?(?:0b[01]+|0x[0-9a-fA-F]+|0[0-7]+|0|[1-9][0-9]*)$"), list("-+0123456789")
)


def _weigh(node: yaml.Node, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """How many values the node stands for, and how deep they are, once aliases are written out.

    Raises RefusedError for what is too large, has no end, or is nothing that JSON could say.
    """
    if (weight := known.get(id(node))) is not None:
        return weight
    _check_node(node)
    values, depth = 1, 1
    if not isinstance(node, yaml.ScalarNode):
        known[id(node)] = MAX_NODES, MAX_DEPTH  # until it is known: an alias inside itself has no end
        for part in _parts(node):
            more, deep = _weigh(part, known)
            values, depth = values + more, max(depth, deep + 1)
        if values > MAX_NODES:
            raise RefusedError(TOO_MANY, line_of(node))
        if depth > MAX_DEPTH:
            raise RefusedError(TOO_DEEP, line_of(node))
        known[id(node)] = values, depth
    return values, depth


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _check_node(node: yaml.Node) -> None:
    if isinstance(node, yaml.ScalarNode):
        known = node.tag in SCALAR_TAGS or node.tag == MERGE_TAG
    else:
        known = node.tag == (MAP_TAG if isinstance(node, yaml.MappingNode) else SEQUENCE_TAG)
    if not known:
        raise RefusedError(_bad_tag(node.tag), line_of(node))
    for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        if not isinstance(key, yaml.ScalarNode) or key.tag not in (STRING_TAG, MERGE_TAG):
            raise RefusedError("a key that is not text: write it in quotes", line_of(key))


def _bad_tag(tag: str) -> str:
    if tag in KNOWN_TAGS:
        return f"a value of type {tag!r} has no place in a manifest"
    return "a value with a tag has no place in a manifest: write a text that begins with '!' in quotes"


def _plain(node: yaml.Node) -> Any:
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise RefusedError(f"not YAML that a manifest may hold: {error.problem}", line) from None
    except (ValueError, LookupError, AttributeError):
        # The library's own, for a tag that does not suit its value: `!!int x`.
        reason = "not YAML that a manifest may hold: a value is not of the type its tag says"
        raise RefusedError(reason, line_of(node)) from None
    finally:
        loader.dispose()


def _without_nulls(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        nothing = {key: "" for key, inner in value.items() if inner is None} if name in TEXT_MAPS else {}
        return {key: _without_nulls(inner, key) for key, inner in value.items() if inner is not None} | nothing
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value
