"""What the sources of pods say: one item a file or URL entry, each with its state, and the merged whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kubenode.model.names import PodKey
from kubenode.model.static_pod import DesiredPod, Origin


class ItemState(StrEnum):
    """`held`: invalid now, and the pod of its last good version goes on running."""

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
class Snapshot:
    """The desired pods of all sources. Until `complete`, pods may start but none may be removed."""

    pods: Mapping[PodKey, DesiredPod] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    complete: bool = False
    errors: tuple[str, ...] = ()
