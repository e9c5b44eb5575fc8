"""What is left of containers that are gone: attachments detached, addresses freed; never what may be in use."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from kubenode.clients.cni.chain import State
from kubenode.clients.cni.client import Cni
from kubenode.clients.cni.directory import load
from kubenode.clients.cni.garbage import Collected, Garbage
from kubenode.clients.errors import KubenodeError
from kubenode.model.cni_changes import Detach, FreeAddress, HeldAddress, Sandbox
from kubenode.observe import cni as observe
from kubenode.observe.cni_use import Used, namespaces_of, used
from kubenode.plan.cni_garbage import GarbagePlan, Living, left, plan_garbage
from kubenode.resources.cni_options import CniOptions, open_cni
from kubenode.resources.options import CriOptions, OptionError, open_runtime
from kubenode.resources.result import ResourceError, Result


class Valid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An attachment that stays."""

    container_id: str
    ifname: str = "eth0"


class Options(CniOptions, frozen=True, kw_only=True):
    """The options of CriOptions stand here once more: no class can have two bases with fields."""

    networks: tuple[str, ...] = ()
    valid_attachments: tuple[Valid, ...] = ()
    runtime: bool = True
    live_namespaces: bool = True
    grace: int = 300
    runtime_endpoint: str = ""
    image_endpoint: str = ""
    timeout: int = 120


@dataclass
class _Done:
    """What was carried out, and what went wrong."""

    detached: list[Detach] = field(default_factory=list)
    freed: list[FreeAddress] = field(default_factory=list)
    verdicts: list[dict[str, str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


async def run(options: Options, *, check: bool) -> Result:
    """Raises ResourceError, with what was done, and before anything is where it cannot be told who lives."""
    if options.grace < 0:
        raise OptionError(f"grace: {options.grace} must be 0 seconds or more.")
    cni = open_cni(options)
    directory = load(Path(options.conf_dir))
    # First what may be garbage, then who lives: what is attached in between counts as neither.
    uses = _chosen(await used(cni, directory.networks), options)
    now = time.time()
    networks = [use.plain(now) for use in uses]
    plan = plan_garbage(networks, await _living(options, uses))
    warnings = [str(error) for error in directory.errors]
    done = _foreseen(plan) if check else await _carry_out(cni, uses, plan)
    values = {
        "detached": [_attachment(one) for one in done.detached],
        "freed": [_address(one.held) for one in done.freed],
        "kept": plan.kept,
        "plugins": done.verdicts,
    }
    steps: list[Detach | FreeAddress] = [*done.detached, *done.freed]
    if done.problems:
        told = Result(values=values, steps=steps).returned()
        raise ResourceError(f"Not all could be cleaned up: {' '.join(done.problems)}", **told)
    before, after = (plan.before, left(networks, steps)) if steps else (None, None)
    return Result(values=values, steps=steps, before=before, after=after, warnings=warnings)


def _chosen(uses: list[Used], options: Options) -> list[Used]:
    there = {use.network.name for use in uses}
    for name in options.networks:
        if name not in there:
            raise OptionError(
                f"networks: there is no network {name!r} in {options.conf_dir}, and none in the cache. There are: "
                f"{', '.join(sorted(there)) or 'none'}."
            )
    return [use for use in uses if not options.networks or use.network.name in options.networks]


async def _living(options: Options, uses: list[Used]) -> Living:
    return Living(
        given=frozenset((one.container_id, one.ifname) for one in options.valid_attachments),
        sandboxes=await _sandboxes(options) if options.runtime else None,
        namespaces=namespaces_of(uses) if options.live_namespaces else None,
        grace=options.grace,
    )


async def _sandboxes(options: Options) -> tuple[Sandbox, ...]:
    reached = CriOptions(
        runtime_endpoint=options.runtime_endpoint, image_endpoint=options.image_endpoint, timeout=options.timeout
    )
    try:
        async with open_runtime(reached) as cri:
            return await observe.sandboxes(cri)
    except KubenodeError as error:
        raise ResourceError(
            f"Nothing was cleaned up, as it cannot be told which pods live: {error} "
            "Only where no container runtime uses these networks set runtime to false."
        ) from None


def _foreseen(plan: GarbagePlan) -> _Done:
    return _Done(
        detached=[one for one in plan.actions if isinstance(one, Detach)],
        freed=[one for one in plan.actions if isinstance(one, FreeAddress)],
    )


async def _carry_out(cni: Cni, uses: list[Used], plan: GarbagePlan) -> _Done:
    """Network by network. What has changed since it was looked at stays."""
    done = _Done()
    for use in uses:
        name = use.network.name
        detach = [one for one in plan.actions if isinstance(one, Detach) and one.attached.network == name]
        free = [one for one in plan.actions if isinstance(one, FreeAddress) and one.held.network == name]
        if not detach and not free and name not in plan.asked:
            continue
        garbage = _garbage(use, detach, free, asked=name in plan.asked)
        try:
            collected = await cni.collect(use.network, plan.valid[name], garbage)
        except KubenodeError as error:
            done.problems.append(str(error))
            continue
        _add(done, collected, detach, free, name)
    return done


def _garbage(use: Used, detach: Sequence[Detach], free: Sequence[FreeAddress], *, asked: bool) -> Garbage:
    keys, paths = {one.attached.key for one in detach}, {one.held.path for one in free}
    return Garbage(
        stale=tuple(one for one in use.cached if one.attachment.key in keys),
        leaked=tuple(one for one in use.held if str(one.path) in paths),
        verb=asked,
    )


def _add(done: _Done, got: Collected, detach: Sequence[Detach], free: Sequence[FreeAddress], network: str) -> None:
    keys, paths = {one.attachment.key for one in got.deleted}, {str(one.path) for one in got.freed}
    done.detached += [one for one in detach if one.attached.key in keys]
    done.freed += [one for one in free if one.held.path in paths]
    done.verdicts += [
        {"network": network, "plugin": one.plugin, "state": one.state.value, "error": str(one.error or "")}
        for one in got.verdicts
    ]
    done.problems += [str(one) for one in got.problems]
    done.problems += [str(one.error) for one in got.verdicts if one.state is State.FAILED]


def _attachment(one: Detach) -> dict[str, str]:
    what = one.attached
    return {"network": what.network, "container_id": what.container_id, "ifname": what.ifname, "netns": what.netns}


def _address(one: HeldAddress) -> dict[str, str]:
    return {
        "network": one.network,
        "address": one.address,
        "container_id": one.container_id,
        "ifname": one.ifname,
        "path": one.path,
    }
