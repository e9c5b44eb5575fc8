"""Garbage of a runtime, removed or only told of."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from kubenode.apply.prune import Pruner
from kubenode.clients.errors import ClientError
from kubenode.model.duration import parse_duration
from kubenode.model.prune import Images, Kind, Prune, PruneRules
from kubenode.observe.prune import inventory
from kubenode.plan.prune import prune
from kubenode.resources.images import open_images
from kubenode.resources.options import CriOptions, OptionError
from kubenode.resources.result import ResourceError, Result


class Options(CriOptions, frozen=True, kw_only=True):
    containers: bool = False
    pods: bool = False
    images: Images = Images.NONE
    older_than: str = "0s"
    namespaces: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    keep_images: tuple[str, ...] = ()
    keep_per_container: int = 1
    log_links: str = "/var/log/containers"


async def run(options: Options, *, check: bool) -> Result:
    """Raises KubenodeError; a ResourceError when something could not be removed, with what could."""
    rules = _rules(options)
    async with open_images(options) as node:
        there = await inventory(node.cri, node.containerd)
        plan = prune(there, rules, time.time())
        failed = {} if check else await _carry_out(Pruner(node.cri, Path(options.log_links)), plan)
    done = [one for one in plan if one.id not in failed]
    result = Result(
        values={
            "removed": [{"kind": one.kind, "name": one.name, "id": one.id, "size": one.size} for one in done],
            "bytes": sum(one.size for one in done),
        },
        steps=done,
        before=_told(done) if done else None,
        after={} if done else None,
    )
    if failed:
        raise ResourceError(" ".join(failed.values()), **result.returned())
    return result


def _rules(options: Options) -> PruneRules:
    """Raises OptionError."""
    if not (options.containers or options.pods or options.images is not Images.NONE):
        raise OptionError("Nothing is chosen to be removed: set containers, pods or images.")
    if options.keep_per_container < 0:
        raise OptionError("keep_per_container: a number from 0 on is needed")
    try:
        older_than = parse_duration(options.older_than)
    except ValueError as error:
        raise OptionError(f"older_than: {error}") from None
    return PruneRules(
        containers=options.containers,
        pods=options.pods,
        images=options.images,
        older_than=older_than,
        namespaces=frozenset(options.namespaces),
        labels=options.labels,
        keep_images=options.keep_images,
        keep_per_container=options.keep_per_container,
    )


async def _carry_out(pruner: Pruner, plan: Sequence[Prune]) -> dict[str, str]:
    """What failed, by ID. One after the other: nobody waits, and pods that run need the runtime and the disk."""
    failed: dict[str, str] = {}
    for action in plan:
        try:
            await pruner.do(action)
        except (ClientError, OSError) as error:
            failed[action.id] = str(error)
    return failed


def _told(done: Sequence[Prune]) -> dict[str, list[str]]:
    return {
        f"{kind}s": names
        for kind in Kind
        if (names := sorted(f"{one.name} {one.id.removeprefix('sha256:')[:13]}" for one in done if one.kind is kind))
    }
