"""The base of all manifest types, and types that many of them use."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar

import msgspec

# A quantity as manifests write it: "500m", "128Mi", 2 or 0.5. model/quantity.py reads it.
Quantity = str | int | float


class Object(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """A field not listed is an error with its path. Defaults are left out when encoded: hashes outlive new fields.

    An empty text where there is another default is that default, as in Kubernetes, whose API cannot tell the two apart;
    so is the 0 of a field in `zero_is_default`. A default that is written out is the same as none.
    """

    zero_is_default: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name, default, meant in _defaults(type(self)):
            value = getattr(self, name)
            # Of a default only the very object is left out when encoded.
            if value is not default and value in meant:
                msgspec.structs.force_setattr(self, name, default)


@cache
def _defaults(type_: type[Object]) -> tuple[tuple[str, Any, tuple[Any, ...]], ...]:
    return tuple(_fields(type_))


def _fields(type_: type[Object]) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Name, default, and the values that mean it, of each field whose default can be written in several ways."""
    for field in msgspec.structs.fields(type_):
        default = field.default
        if isinstance(default, str) and default:
            yield field.name, default, (default, "")
        elif field.name in type_.zero_is_default:
            yield field.name, default, (default, 0)
        elif isinstance(default, Object) or (isinstance(default, int) and default is not True and default):
            yield field.name, default, (default,)
