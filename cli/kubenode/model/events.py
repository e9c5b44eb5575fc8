"""Events: what happened to a pod, as `kubectl describe` would list it."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`type` is Normal or Warning. The same thing again raises `count` and moves `last_at`. Seconds since the epoch."""

    type: str
    reason: str
    message: str
    namespace: str = ""
    pod: str = ""
    uid: str = ""
    container: str = ""
    count: int = 1
    first_at: float
    last_at: float
