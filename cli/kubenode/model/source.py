"""What the sources say: one item a file, URL entry or object, each with its state, and the merged whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kubenode.model.names import PodKey
from kubenode.model.objects import LocalObject, ObjectKey, Objects
from kubenode.model.static_pod import DesiredPod, Origin


class ItemState(StrEnum):
    """`held`: invalid now, and its last good version goes on: the pod runs, the object is used."""

    VALID = "valid"
    INVALID = "invalid"
    HELD = "held"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Item:
    """One manifest and what became of it. `line` counts from 1; 0 where the reason has no place in the text."""

    origin: Origin
    state: ItemState
    desired: DesiredPod | None = None
    reason: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class SourceSet:
    """All that one source yields at once. `answered` is False until it could be read; `error` says why it cannot."""

    items: tuple[Item, ...] = ()
    answered: bool = True
    error: str = ""


@dataclass(frozen=True, slots=True)
class ObjectItem:
    """One ConfigMap or Secret of a file; `key` None for a file that cannot be understood and was not before.

    `value` is what to use, None where nothing is. `seen_at`: since when the file has an object of this key,
    `changed_at`: since when the object is as it is; in seconds since the epoch.
    """

    location: str
    state: ItemState
    key: ObjectKey | None = None
    value: LocalObject | None = field(default=None, repr=False)
    seen_at: float = 0.0
    changed_at: float = 0.0
    reason: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class ObjectSet:
    """All local objects at once. `answered` and `error` as in a SourceSet."""

    items: tuple[ObjectItem, ...] = ()
    answered: bool = True
    error: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The desired pods of all sources. Until `complete`, pods may start but none may be removed.

    A pod that refers to objects which are not known yet, because nobody could read them, is not among them yet.
    """

    pods: Mapping[PodKey, DesiredPod] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    complete: bool = False
    errors: tuple[str, ...] = ()
    objects: Objects = field(default_factory=dict, repr=False)
    object_items: tuple[ObjectItem, ...] = ()
