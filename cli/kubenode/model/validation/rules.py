"""What the rules of all parts have in common: a problem, and checks of names, choices, numbers and paths."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from functools import cache
from ipaddress import ip_address
from typing import NamedTuple

import msgspec

from kubenode.model import names
from kubenode.model.names import key_path
from kubenode.model.schema import Object

LARGEST_INT32 = 2**31 - 1
QUOTED = 64  # characters of a value that a message repeats

_NAME_PART = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")


class Problem(NamedTuple):
    """`path` as in `$.spec.containers[0].image`."""

    path: str
    message: str


class Names(NamedTuple):
    """What the parts of one pod may refer to, gathered once: a manifest may hold a hundred thousand parts."""

    volumes: frozenset[str]
    containers: frozenset[str]


def quoted(text: str) -> str:
    """The text as a message shows it, never longer than a line."""
    return repr(text) if len(text) <= QUOTED else f"{text[:QUOTED]!r}..."


def one_of(path: str, value: str, allowed: Iterable[str]) -> Iterator[Problem]:
    if value not in (choices := tuple(allowed)):
        yield Problem(path, f"{quoted(value)} is not one of {', '.join(choice for choice in choices if choice)}")


def is_label(text: str) -> bool:
    """A DNS label. The length first: matching megabytes would cost gigabytes."""
    return len(text) <= 63 and names.DNS_LABEL.fullmatch(text) is not None


def is_subdomain(text: str) -> bool:
    return len(text) <= 253 and names.DNS_SUBDOMAIN.fullmatch(text) is not None


def label(path: str, text: str) -> Iterator[Problem]:
    if not is_label(text):
        yield Problem(path, f"{quoted(text)} is not a name: lower-case letters, digits and '-', at most 63 characters")


def subdomain(path: str, text: str) -> Iterator[Problem]:
    if not is_subdomain(text):
        known = "lower-case letters, digits, '-' and '.', at most 253 characters"
        yield Problem(path, f"{quoted(text)} is not a name: {known}")


def qualified_name(path: str, text: str) -> Iterator[Problem]:
    """A key of labels, annotations and resources: `app` or `example.com/app`."""
    prefix, slash, name = text.rpartition("/")
    if (slash and not is_subdomain(prefix)) or len(name) > 63 or not _NAME_PART.fullmatch(name):
        rule = "at most 63 letters, digits, '-', '_' and '.', with an optional domain and '/' before it"
        yield Problem(path, f"{quoted(text)} is not a key: {rule}")


def labels(path: str, values: dict[str, str]) -> Iterator[Problem]:
    for key, value in values.items():
        where = key_path(path, key)
        yield from qualified_name(where, key)
        if len(value) > 63 or (value and not _NAME_PART.fullmatch(value)):
            rule = "at most 63 letters, digits, '-', '_' and '.', that begin and end with a letter or digit"
            yield Problem(where, f"{quoted(value)} is not the value of a label: {rule}")


def number(
    path: str, value: int | None, low: int, high: int = LARGEST_INT32, what: str = "seconds"
) -> Iterator[Problem]:
    if value is not None and not low <= value <= high:
        yield Problem(path, f"{value if abs(value) < 10**20 else 'the number'} is out of range: {low} to {high} {what}")


def mode(path: str, value: int | None) -> Iterator[Problem]:
    if value is not None and not 0 <= value <= 0o777:
        shown = f"{value} (octal {value:o})" if 0 <= value < 10**9 else "the number"
        yield Problem(path, f"{shown} is not a file mode: 0 to 0777; YAML reads 0644 as octal, JSON needs 420")


def address(path: str, text: str) -> Iterator[Problem]:
    try:
        ip_address(text)
    except ValueError:
        yield Problem(path, f"{quoted(text)} is not an IP address")


def no_nul(path: str, text: str) -> Iterator[Problem]:
    if "\0" in text:
        yield Problem(path, "it holds a NUL character, which no program can be given: remove it")


def descending(path: str, text: str) -> Iterator[Problem]:
    """A path that stays below where it starts."""
    if text.startswith("/") or ".." in text.split("/"):
        yield Problem(path, f"{quoted(text)} leads out of the volume: write a relative path without '..'")
    yield from no_nul(path, text)


def exactly_one(path: str, value: Object, fields: Iterable[str], *, none_too: bool = False) -> Iterator[Problem]:
    """Of fields that exclude each other. `none_too`: none of them is allowed as well."""
    names_of = _written_names(type(value))
    found = [names_of[name] for name in fields if getattr(value, name) is not None]
    if len(found) > 1:
        yield Problem(f"{path}.{found[1]}", f"it stands beside {found[0]}: keep one of the two")
    if not found and not none_too:
        yield Problem(path, f"one of {', '.join(names_of[name] for name in fields)} is needed")


@cache
def _written_names(type_: type[Object]) -> dict[str, str]:
    return {field.name: field.encode_name for field in msgspec.structs.fields(type_)}


def unique(found: Iterable[tuple[str, Hashable]], what: str) -> Iterator[Problem]:
    """Of path and value of each: those that were there before."""
    seen: dict[Hashable, str] = {}
    for path, value in found:
        first = seen.setdefault(value, path)
        if first != path:
            shown = quoted(value) if isinstance(value, str) else str(value)
            yield Problem(path, f"{what} {shown} is there already, at {first}: every one needs its own")
