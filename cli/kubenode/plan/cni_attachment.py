"""One attachment: whether it is as it is wanted, and what makes it so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from kubenode.model.cni_changes import Attach, Attached, Detach


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The attachment's interface. expected: the result told of one, with this MAC ("" where it told none).

    found: the MAC of the interface of that name in the wanted namespace, None where there is none
    """

    expected: bool = False
    mac: str = ""
    found: str | None = None

    @property
    def right(self) -> bool:
        return not self.expected or (self.found is not None and self.mac.lower() in ("", self.found.lower()))

    @property
    def recognised(self) -> bool:
        """Whether it can be told from any other interface of that name, and is there."""
        return self.expected and bool(self.mac) and self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is there. cached: None where it is not attached; same_netns: the cached namespace is the wanted one.

    check_failure: what CHECK said; empty where it was content, or was not asked
    """

    cached: Attached | None = None
    same_netns: bool = True
    link: Link = Link()
    check_failure: str = ""


@dataclass(frozen=True, slots=True)
class AttachmentPlan:
    actions: tuple[Attach | Detach, ...]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def plan_present(wanted: Attached, seen: Seen) -> AttachmentPlan:
    """What differs is detached as it was attached, and attached anew."""
    if seen.cached is None:
        return AttachmentPlan((Attach(wanted, "it is not attached"),), None, _plain(wanted, "attached"))
    why, state = _drift(wanted, seen)
    if not why:
        return AttachmentPlan((), _plain(wanted, "attached"), _plain(wanted, "attached"))
    reason = "; ".join(why)
    actions = (Detach(seen.cached, reason), Attach(wanted, "it is not attached as it should be"))
    before = _plain(seen.cached, state)
    if seen.same_netns:
        before["netns"] = wanted.netns
    return AttachmentPlan(actions, before, _plain(wanted, "attached"))


def plan_absent(cached: Attached | None) -> AttachmentPlan:
    if cached is None:
        return AttachmentPlan((), None, None)
    state = "unfinished" if cached.unfinished else "attached"
    why = "an ADD of it was killed" if cached.unfinished else "it should not be attached"
    return AttachmentPlan((Detach(cached, why),), _plain(cached, state), None)


def differs(wanted: Attached, seen: Seen) -> bool:
    """Whether it has to be attached anew, whatever CHECK would say."""
    return bool(_drift(wanted, seen)[0])


def _drift(wanted: Attached, seen: Seen) -> tuple[list[str], str]:
    """Why it is not as it should be, and what it is now."""
    cached = seen.cached
    if cached is None or cached.unfinished:
        return ["an ADD of it was killed"], "unfinished"
    why = []
    if not seen.same_netns:
        why.append(f"its network namespace is {cached.netns or 'not known'}")
    why += [
        f"its {name} differ{'s' if name == 'config' else ''}"
        for name in ("args", "capability_args", "config")
        # Caches of libcni before 0.8 have no configuration.
        if getattr(cached, name) is not None and not _same(getattr(cached, name), getattr(wanted, name))
    ]
    state = "attached"
    if seen.same_netns and not seen.link.right:
        state = "interface missing" if seen.link.found is None else "another interface of this name"
        why.append(f"the namespace has {'no' if seen.link.found is None else 'another'} interface {wanted.ifname}")
    if seen.check_failure:
        state = "CHECK failed"
        why.append(seen.check_failure)
    return why, state


def _same(one: object, other: object) -> bool:
    return msgspec.json.encode(one, order="deterministic") == msgspec.json.encode(other, order="deterministic")


def _plain(attached: Attached, state: str) -> dict[str, Any]:
    return {
        "network": attached.network,
        "container_id": attached.container_id,
        "ifname": attached.ifname,
        "netns": attached.netns,
        "args": dict(attached.args),
        "capability_args": dict(attached.capability_args),
        "config": attached.config,
        "state": state,
    }
