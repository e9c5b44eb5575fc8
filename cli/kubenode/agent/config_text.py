"""The text of a configuration file: its KubeletConfiguration is changed, and all else stays as it is written.

Only fields that change are written anew, so comments elsewhere stay. Where the text's layout does not allow that the
document is written anew as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kubenode.clients.errors import KubenodeError
from kubenode.model.settings import KUBELET_API_VERSION, KUBENODE_API_VERSION
from kubenode.sources.documents import RefusedError, document, read_nodes
from kubenode.sources.text import manifest_text

KUBELET, KUBENODE = "KubeletConfiguration", "KubenodeConfiguration"
HEAD = {"apiVersion": KUBELET_API_VERSION, "kind": KUBELET}
MARKER = "---"


class ConfigTextError(KubenodeError):
    """A file that is no configuration; says where and why."""


@dataclass(frozen=True, slots=True)
class Part:
    """A document of the file. `begin`, `end`: its lines, from 0, without the markers around it."""

    fields: dict[str, Any]
    node: yaml.MappingNode
    begin: int
    end: int

    @property
    def kind(self) -> str:
        return str(self.fields.get("kind", ""))


@dataclass(frozen=True, slots=True)
class ConfigText:
    """`parts`: all documents; `kubelet`: the KubeletConfiguration among them, None where there is none."""

    text: str
    parts: tuple[Part, ...] = ()

    @property
    def kubelet(self) -> Part | None:
        return next((part for part in self.parts if part.kind == KUBELET), None)

    @property
    def kubenodes(self) -> bool:
        """Whether what is kubenode's alone stands in it."""
        return any(part.kind == KUBENODE for part in self.parts)


def parse(path: Path, data: bytes) -> ConfigText:
    """Raises ConfigTextError."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ConfigTextError(f"{path} is not UTF-8 (byte {error.start}): write it so") from None
    if not text.strip():
        return ConfigText(text)
    try:
        parts = tuple(_part(node) for node in read_nodes(text.encode()))
    except RefusedError as error:
        where = f" line {error.line}" if error.line else ""
        raise ConfigTextError(f"{path}{where}: {error.reason}") from None
    for part in parts:
        version, kind = part.fields.get("apiVersion"), part.fields.get("kind")
        if (version, kind) not in ((KUBELET_API_VERSION, KUBELET), (KUBENODE_API_VERSION, KUBENODE)):
            raise ConfigTextError(
                f"{path} line {part.begin + 1}: a document of kind {kind!r}, version {version!r}: it should be a "
                f"{KUBELET} of {KUBELET_API_VERSION} or a {KUBENODE} of {KUBENODE_API_VERSION}"
            )
    if sum(part.kind == KUBELET for part in parts) > 1:
        raise ConfigTextError(f"{path} holds more than one {KUBELET}: leave one")
    return ConfigText(text, parts)


def changed(config: ConfigText, after: Mapping[str, Any]) -> str:
    """The text with these fields in its KubeletConfiguration."""
    part = config.kubelet
    if part is None:
        fresh = _dump({**HEAD, **after})
        return f"{fresh}{_marked(config.text)}" if config.parts else f"{config.text}{fresh}"
    lines = config.text.split("\n")
    for edited in (_edited(part, lines, after), _replaced(part, lines, after)):
        if edited is not None and _means(edited, config, after):
            return edited
    raise ConfigTextError("The file's layout cannot be changed without losing something: write it by hand.")


def removed(config: ConfigText) -> str:
    """The text without its KubeletConfiguration; empty where nothing is left."""
    others = [part for part in config.parts if part is not config.kubelet]
    if not others:
        return ""
    lines = config.text.split("\n")
    return f"\n{MARKER}\n".join("\n".join(_whole(part, lines)) for part in others).rstrip("\n") + "\n"


def _whole(part: Part, lines: list[str]) -> list[str]:
    """With the comments before it."""
    begin = part.begin
    while begin and not lines[begin - 1].startswith(MARKER):
        begin -= 1
    return lines[begin : part.end]


def _part(node: yaml.Node) -> Part:
    if not isinstance(node, yaml.MappingNode):
        raise RefusedError(f"a {KUBELET} is expected, written as a mapping", node.start_mark.line + 1)
    end = node.end_mark.line + (1 if node.end_mark.column else 0)
    return Part(document(node).value, node, node.start_mark.line, end)


def _marked(text: str) -> str:
    return text if text.lstrip().startswith(MARKER) else f"{MARKER}\n{text}"


def _edited(part: Part, lines: list[str], after: Mapping[str, Any]) -> str | None:
    """With only those top-level fields written anew that differ; None for a layout that does not allow it."""
    pairs = part.node.value
    if part.node.flow_style or any(key.start_mark.column for key, _ in pairs):
        return None
    begins = [key.start_mark.line for key, _ in pairs]
    last = part.begin
    result = list(lines)
    inserted: list[str] = []
    for name, value in after.items():
        if name not in part.fields:
            inserted += _dump({name: value}).splitlines()
    for (key, _), begin, limit in reversed(list(zip(pairs, begins, [*begins[1:], part.end], strict=True))):
        end = _content_end(lines, begin, limit)
        last = max(last, end)
        if end == last:
            result[end:end] = inserted
        if key.value not in after:
            del result[begin:end]
        elif after[key.value] != part.fields.get(key.value):
            result[begin:end] = _dump({key.value: after[key.value]}).splitlines()
    return "\n".join(result)


def _content_end(lines: list[str], begin: int, limit: int) -> int:
    """Without the blank lines and comments that stand before the next field, and are its own."""
    end = limit
    while end > begin + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return end


def _replaced(part: Part, lines: list[str], after: Mapping[str, Any]) -> str | None:
    begin, end = part.begin, _content_end(lines, part.begin, part.end)
    if lines[begin].startswith(MARKER):
        # What follows the marker on its own line goes with the rest.
        fresh = [MARKER, *_dump(after).splitlines()]
    elif lines[begin].lstrip().startswith("{") and begin == 0:
        fresh = json.dumps(after, indent=2).splitlines()
    else:
        fresh = _dump(after).splitlines()
    return "\n".join([*lines[:begin], *fresh, *lines[end:]])


def _means(text: str, before: ConfigText, after: Mapping[str, Any]) -> bool:
    """Whether the text says what it should, and all other documents what they said."""
    try:
        found = [_part(node) for node in read_nodes(text.encode())]
    except RefusedError:
        return False
    return [part.fields for part in found] == list(_expected(before, after))


def _expected(before: ConfigText, after: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for part in before.parts:
        yield after if part is before.kubelet else part.fields


def _dump(fields: Mapping[str, Any]) -> str:
    return manifest_text(dict(fields), in_order=True)
