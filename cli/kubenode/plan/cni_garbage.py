"""What is left of containers that are gone: who is known to live, and what is nobody's any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubenode.model.cni_changes import Attached, Detach, FreeAddress, HeldAddress, Sandbox

# Runtimes name the first interface of a pod so; a sandbox may tell of others.
FIRST_INTERFACE = "eth0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """Whose attachments stay.

    given: (container id, interface) of those that the user names
    sandboxes: all of the container runtime, None where it was not asked
    namespaces: the paths of network namespaces that are there, None where these do not count
    grace: seconds for which an address stays whoever has it, as an ADD may be under way
    """

    given: frozenset[tuple[str, str]] = frozenset()
    sandboxes: tuple[Sandbox, ...] | None = None
    namespaces: frozenset[str] | None = None
    grace: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkUse:
    """What is there of one network. collectable: the network allows GC; verb: its plugins may know GC themselves."""

    name: str
    attached: tuple[Attached, ...] = ()
    held: tuple[HeldAddress, ...] = ()
    collectable: bool = True
    verb: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What stays, and why. address: empty for an attachment."""

    network: str
    container_id: str
    ifname: str
    address: str
    why: str


@dataclass(frozen=True, slots=True)
class GarbagePlan:
    """valid: of each network, whose attachments stay; asked: the networks whose plugins are asked for GC."""

    actions: tuple[Detach | FreeAddress, ...]
    kept: tuple[Kept, ...]
    valid: Mapping[str, frozenset[tuple[str, str]]]
    asked: frozenset[str]
    before: Mapping[str, Any]


def plan_garbage(networks: Sequence[NetworkUse], living: Living) -> GarbagePlan:
    actions: list[Detach | FreeAddress] = []
    kept: list[Kept] = []
    for network in networks:
        stale, stays = _attachments(network, living)
        leaked, held = _addresses(network, living, {one.key for one in network.attached})
        actions += [Detach(one, "its container is gone") for one in stale]
        actions += [FreeAddress(one, "no attachment has it") for one in leaked]
        kept += [*stays, *held]
    return GarbagePlan(
        tuple(actions),
        tuple(kept),
        {network.name: valid_of(network, living) for network in networks},
        frozenset(network.name for network in networks if network.verb and network.collectable),
        left(networks, ()),
    )


def valid_of(network: NetworkUse, living: Living) -> frozenset[tuple[str, str]]:
    """Container ids and interfaces of all that stays on this network, as its plugins are told for GC."""
    keys = {one.key for one in network.attached if _lives(one, living)}
    keys |= {(one.container_id, one.ifname) for one in network.held if one.ifname and _stays(one, living)}
    for sandbox in living.sandboxes or ():
        keys |= {(sandbox.id, ifname) for ifname in sandbox.interfaces or {FIRST_INTERFACE}}
    return frozenset(keys) | living.given


def _attachments(network: NetworkUse, living: Living) -> tuple[list[Attached], list[Kept]]:
    stale, kept = [], []
    for one in network.attached:
        why = _lives(one, living) if network.collectable else "the network forbids GC (disableGC)"
        if why:
            kept.append(Kept(network.name, one.container_id, one.ifname, "", why))
        else:
            stale.append(one)
    return stale, kept


def _addresses(
    network: NetworkUse, living: Living, cached: set[tuple[str, str]]
) -> tuple[list[HeldAddress], list[Kept]]:
    """An address of what is cached goes with its DEL, so it is neither leaked nor kept for itself."""
    leaked, kept = [], []
    for one in network.held:
        if (one.container_id, one.ifname) in cached or (not one.ifname and one.container_id in {c for c, _ in cached}):
            continue
        why = _stays(one, living) if network.collectable else "the network forbids GC (disableGC)"
        if why:
            kept.append(Kept(network.name, one.container_id, one.ifname, one.address, why))
        else:
            leaked.append(one)
    return leaked, kept


def _lives(one: Attached, living: Living) -> str:
    """Why an attachment stays; empty where nothing speaks for it."""
    if one.key in living.given:
        return "it is given as valid"
    sandbox = _sandbox(one.container_id, living)
    if sandbox:
        return f"the runtime has its sandbox {sandbox.name}"
    if living.namespaces is not None and one.netns in living.namespaces:
        return f"its network namespace {one.netns} is there"
    return ""


def _stays(one: HeldAddress, living: Living) -> str:
    user = next((box for box in living.sandboxes or () if one.address in box.addresses), None)
    if user:
        return f"sandbox {user.name} of the runtime has this address"
    owner = _has_owner(one, living)
    if owner:
        return owner
    return f"it was given out less than {living.grace:g} s ago" if one.age < living.grace else ""


def _has_owner(one: HeldAddress, living: Living) -> str:
    if (one.container_id, one.ifname) in living.given or (
        not one.ifname and one.container_id in {container_id for container_id, _ in living.given}
    ):
        return "its attachment is given as valid"
    sandbox = _sandbox(one.container_id, living)
    return f"the runtime has its sandbox {sandbox.name}" if sandbox else ""


def _sandbox(container_id: str, living: Living) -> Sandbox | None:
    return next((one for one in living.sandboxes or () if one.id == container_id), None)


def left(networks: Iterable[NetworkUse], actions: Iterable[Detach | FreeAddress]) -> dict[str, Any]:
    """Attachments and addresses by network, after the actions; what goes with a DEL goes as well."""
    actions = tuple(actions)
    gone = {(one.attached.network, *one.attached.key) for one in actions if isinstance(one, Detach)}
    paths = {one.held.path for one in actions if isinstance(one, FreeAddress)}
    return {
        network.name: {
            "attachments": [
                f"{one.container_id} {one.ifname}" for one in network.attached if (network.name, *one.key) not in gone
            ],
            "addresses": {
                one.address: f"{one.container_id} {one.ifname}".strip()
                for one in network.held
                if one.path not in paths and (network.name, one.container_id, one.ifname) not in gone
            },
        }
        for network in networks
    }
