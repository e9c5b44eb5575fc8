"""Everything that is told of one pod."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from kubenode.model.events import Event
from kubenode.model.status import PodStatus


class LinkState(StrEnum):
    """`failed` needs somebody to do something; `waiting` may go on by itself."""

    OK = "ok"
    FAILED = "failed"
    WAITING = "waiting"
    NOT_REACHED = "not reached"


class Link(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One step from the manifest to a pod that serves: the fact that was seen, and what to do about it."""

    name: str
    state: LinkState
    fact: str = ""
    remedy: str = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`well`: it runs and is ready, or has done its work. `headline` names the first thing that is not as it should."""

    pod: str
    well: bool
    headline: str
    links: tuple[Link, ...] = ()


class PodDetail(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`pod` is a v1.Pod with its status, free of any Secret's content; `error` says why nobody knows the events."""

    node: str
    pod: dict[str, Any]
    status: PodStatus
    explanation: Explanation
    events: tuple[Event, ...] = ()
    error: str = ""
