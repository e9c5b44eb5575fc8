"""Events: what happened to a pod, as `kubectl describe` would list it."""

from __future__ import annotations

import msgspec

NORMAL, WARNING = "Normal", "Warning"


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`type` is Normal or Warning. The same thing again raises `count` and moves `last_at`. Seconds since the epoch.

    `source` is the manifest's file or URL, of an event about a manifest.
    """

    type: str
    reason: str
    message: str
    namespace: str = ""
    pod: str = ""
    uid: str = ""
    container: str = ""
    source: str = ""
    count: int = 1
    first_at: float
    last_at: float

    @property
    def identity(self) -> tuple[str, ...]:
        """Equal for the same thing happening again."""
        about = (self.namespace, self.pod, self.uid, self.container, self.source)
        return (*about, self.type, self.reason, self.message)


class EventsReport(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Oldest first."""

    node: str
    events: tuple[Event, ...] = ()
