"""From bytes to pods: YAML or JSON, strict types, the rules of static pods; an error names the line and the path."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import yaml

from kubenode.model.pod import NOT_RUN, Container, Pod, PodSpec
from kubenode.model.validation import problems

MAX_BYTES = 10 * 1024 * 1024
# More nodes than any real pod has; a few aliases can stand for billions.
MAX_NODES = 200_000
# Deeper than any real pod is. The YAML library has no limit of its own: it would end the process.
MAX_DEPTH = 100

MAX_REASON = 400  # characters

TOO_DEEP = f"values are nested more than {MAX_DEPTH} deep"
TOO_MANY = "the file holds, or its anchors stand for, more than any pod holds"
# What JSON can say too; Kubernetes' own types know nothing else.
SCALAR_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str"))
STRING_TAG = "tag:yaml.org,2002:str"
MERGE_TAG = "tag:yaml.org,2002:merge"

_AT = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")


class RefusedError(Exception):
    """Why a manifest is not run. `line` counts from 1; 0 when the reason has no place in the text."""

    def __init__(self, reason: str, line: int = 0) -> None:
        # On one line and short, whatever the manifest holds.
        self.reason = " ".join(reason[:MAX_REASON].split())
        self.line = line
        super().__init__(self.reason)


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: no dates, no base-60 numbers, and a key stands once in its mapping."""

    _depth = 0
    _count = 0

    def descend_resolver(self, current_node: yaml.Node | None, _index: Any) -> None:
        """Called as the composer enters a node, before the node is there."""
        self._depth += 1
        self._count += 1
        if self._depth > MAX_DEPTH:
            raise RefusedError(TOO_DEEP, _line(current_node) if current_node else 0)
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
NOT_AS_IN_YAML_1_1 = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("timestamp", "value", "int"))
_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] not in NOT_AS_IN_YAML_1_1]
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
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RefusedError(f"not YAML: {error}") from None
    documents = [document for document in documents if not _is_null(document)]
    if len(documents) != 1:
        raise RefusedError(f"the file holds {len(documents)} documents: give each pod a file of its own")
    _weigh(documents[0], {})
    return documents[0]


def _is_null(node: yaml.Node | None) -> bool:
    return node is None or node.tag == "tag:yaml.org,2002:null"


class _Weight(NamedTuple):
    """How many values a node stands for, and how deep they are, once aliases are written out."""

    values: int
    depth: int


def _weigh(node: yaml.Node, known: dict[int, _Weight]) -> _Weight:
    """Raises RefusedError for what is too large, has no end, or is nothing that JSON could say."""
    if id(node) not in known:
        _check_node(node)
        known[id(node)] = _Weight(MAX_NODES, MAX_DEPTH)  # until it is known: an alias inside itself has no end
        inner = [_weigh(part, known) for part in _parts(node)]
        values, depth = 1 + sum(one.values for one in inner), 1 + max((one.depth for one in inner), default=0)
        if values > MAX_NODES:
            raise RefusedError(TOO_MANY, _line(node))
        if depth > MAX_DEPTH:
            raise RefusedError(TOO_DEEP, _line(node))
        known[id(node)] = _Weight(values, depth)
    return known[id(node)]


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _check_node(node: yaml.Node) -> None:
    if isinstance(node, yaml.ScalarNode):
        known = node.tag in SCALAR_TAGS or node.tag == MERGE_TAG
    else:
        known = node.tag == f"tag:yaml.org,2002:{'map' if isinstance(node, yaml.MappingNode) else 'seq'}"
    if not known:
        raise RefusedError(f"a value of type {node.tag!r} has no place in a manifest", _line(node))
    for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
        if not isinstance(key, yaml.ScalarNode) or key.tag not in (STRING_TAG, MERGE_TAG):
            raise RefusedError("a key that is not text: write it in quotes", _line(key))


def _plain(node: yaml.Node) -> Any:
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise RefusedError(f"not YAML that a manifest may hold: {error.problem}", line) from None
    except (ValueError, LookupError, AttributeError) as error:
        # The library's own, for a tag that does not suit its value: `!!int x`.
        raise RefusedError(f"not YAML that a manifest may hold: {error}", _line(node)) from None
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
    if field in NOT_RUN:
        return RefusedError(f"{where}: a static pod cannot have it: {NOT_RUN[field]}", _place(node, where))
    return RefusedError(f"{where}: no such field{_suggestion(field)}", _place(node, where))


def _suggestion(field: str) -> str:
    known = {name.encode_name for struct in (Pod, PodSpec, Container) for name in msgspec.structs.fields(struct)}
    near = difflib.get_close_matches(field, known | NOT_RUN.keys(), n=1)
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
