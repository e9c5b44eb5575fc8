"""What events add to the evidence: who ended a container, and what a probe without a verdict has met so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from kubenode.model.describe import Link, LinkState
from kubenode.model.events import Event
from kubenode.model.status import ContainerStatus, PodStatus
from kubenode.plan.status import all_statuses

BAD = (LinkState.FAILED, LinkState.WAITING)


def witnessed(links: Iterable[Link], status: PodStatus, events: Sequence[Event]) -> tuple[Link, ...]:
    """The links, with what was seen of the same run of their container. `events`: the latest last."""
    statuses = {one.name: one for one in all_statuses(status)}
    mine = [event for event in events if event.uid == status.uid]
    return tuple(_with_what_was_seen(link, statuses, mine) for link in links)


def _with_what_was_seen(link: Link, statuses: dict[str, ContainerStatus], events: Sequence[Event]) -> Link:
    title, _, part = link.name.partition(": ")
    container = statuses.get(title.rpartition(" ")[2])
    if link.state not in BAD or container is None:
        return link
    seen = [event for event in events if event.container == container.name and event.last_at >= _began(container)]
    if part == "exit":
        seen_of = _last(seen, "Killing", f"Stopping container {container.name}: its ")
        return _adding(link, f"; it was stopped: its {seen_of}" if seen_of else "")
    if part.endswith(" probe") and link.state is LinkState.WAITING:
        seen_of = _last(seen, "Unhealthy", f"{part.capitalize()} ")
        return _adding(link, f"; so far it {seen_of}" if seen_of else "")
    return link


def _began(container: ContainerStatus) -> float:
    """When the run began that the link tells of: the one that ended last where none runs."""
    return container.last.started_at if container.state == "waiting" and container.last else container.started_at


def _last(events: Sequence[Event], reason: str, start: str) -> str:
    """The rest of the latest message that begins so."""
    messages = (event.message for event in reversed(events) if event.reason == reason)
    return next((message.removeprefix(start) for message in messages if message.startswith(start)), "")


def _adding(link: Link, text: str) -> Link:
    return msgspec.structs.replace(link, fact=link.fact + text)
