"""From plain values to typed ones: every value that does not fit its type, with its path, and what was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from kubenode.model.names import key_path
from kubenode.model.pod import NOT_RUN
from kubenode.model.schema import Object
from kubenode.sources.documents import Document, RefusedError

T = TypeVar("T")

# Of one document; a thousand wrong fields have one cause.
MAX_REFUSALS = 100

_AT = re.compile(r"(?P<what>.*?)(?: - at `[^`]*`)?", re.DOTALL)


def convert(document: Document, type_: type[T]) -> T:
    """The document's value as the type. Raises RefusedError for the first value that does not fit, with line and path.

    The error quotes no value.
    """
    try:
        return msgspec.convert(document.value, type_)
    except msgspec.ValidationError as error:
        refusal = next(type_refusals(document, type_), None)
        raise refusal or document.refusal("$", _sentence(error)) from None


def type_refusals(document: Document, type_: Any) -> Iterator[RefusedError]:
    """Everything in the document that does not fit the type, in the order of the text; at most MAX_REFUSALS."""
    found = _misfits(document.value, type_, "$")
    for (path, message), _ in zip(found, range(MAX_REFUSALS), strict=False):
        yield document.refusal(path, message)


def _misfits(value: Any, type_: Any, path: str) -> Iterator[tuple[str, str]]:
    """Goes only into parts that do not fit: path and message of each misfit."""
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        inner = _inner(value, type_, path)
        if inner is None:
            yield path, _sentence(error)
        else:
            yield from inner


def _inner(value: Any, type_: Any, path: str) -> Iterator[tuple[str, str]] | None:
    """The misfits of a value's parts; None where the value as a whole is of the wrong type."""
    for option in get_args(type_) if get_origin(type_) not in (list, dict) and get_args(type_) else (type_,):
        if isinstance(option, type) and issubclass(option, Object) and isinstance(value, dict):
            return _fields(value, option, path)
        if get_origin(option) is list and isinstance(value, list):
            (part,) = get_args(option)
            return (misfit for n, one in enumerate(value) for misfit in _misfits(one, part, f"{path}[{n}]"))
        if get_origin(option) is dict and isinstance(value, dict):
            part = get_args(option)[1]
            return (misfit for key, one in value.items() for misfit in _misfits(one, part, key_path(path, key)))
    return None


def _fields(value: dict[str, Any], type_: type[Object], path: str) -> Iterator[tuple[str, str]]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(type_)}
    for name, part in value.items():
        if name in fields:
            yield from _misfits(part, fields[name].type, f"{path}.{name}")
        else:
            yield key_path(path, name), _unknown(name, fields.keys())
    for name, field in fields.items():
        if field.required and name not in value:
            yield path, f"object missing required field {name}"


def _unknown(name: str, known: Any) -> str:
    if name in NOT_RUN:
        return f"a static pod cannot have it: {NOT_RUN[name]}"
    near = difflib.get_close_matches(name[:64], {*known, *NOT_RUN}, n=1)
    return f"no such field{f'; did you mean {near[0]}?' if near else ''}"


def _sentence(error: msgspec.ValidationError) -> str:
    match = _AT.fullmatch(str(error))
    what = match["what"] if match else str(error)
    return f"{what[:1].lower()}{what[1:].replace('`', '')}"
