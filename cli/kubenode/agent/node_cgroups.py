"""Keeping the cgroups above the pods: what all pods, and those of a QoS class, may use together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable

import msgspec

from kubenode.apply.cgroups import set_cgroup
from kubenode.clients.errors import ClientError
from kubenode.model.actions import Result
from kubenode.model.facts import NodeFacts
from kubenode.model.pod import Pod
from kubenode.model.reports import Step
from kubenode.model.settings import Settings
from kubenode.model.specs import CgroupSpec
from kubenode.observe.cgroups import cgroup_fact
from kubenode.observe.node import node_facts
from kubenode.plan.cgroups import differs, node_cgroups

log = logging.getLogger(__name__)

# Others change cgroups too; the kubelet looks again as often.
LOOK_AGAIN_SECONDS = 60.0
RETRY_FIRST_SECONDS, RETRY_LONGEST_SECONDS = 1.0, 60.0

WHY = "what the node gives to its pods"

Facts = Callable[[Settings], NodeFacts]


def node_cgroup_changes(pods: Iterable[Pod], settings: Settings, facts: Facts = node_facts) -> tuple[CgroupSpec, ...]:
    """What would be written now, outermost first. It blocks. Raises OSError and ClientError."""
    wanted = node_cgroups(pods, settings, facts(settings))
    seen = [(spec, cgroup_fact(spec)) for spec in wanted]
    return tuple(spec for spec, there in seen if there is None or differs(spec, there))


async def sync_node_cgroups(pods: Iterable[Pod], settings: Settings, *, dry_run: bool) -> tuple[Step, ...]:
    """What is done now, or would be, and how it went."""
    try:
        changes = await asyncio.to_thread(node_cgroup_changes, tuple(pods), settings)
    except (ClientError, OSError) as error:
        return (Step(action="look at the node's cgroups", why=WHY, result=Result.FAILED, message=str(error)),)
    return tuple([await _step(spec, dry_run=dry_run) for spec in changes])


async def _step(spec: CgroupSpec, *, dry_run: bool) -> Step:
    planned = Step(action=f"set cgroup {spec.name}", why=WHY)
    if dry_run:
        return planned
    try:
        await asyncio.to_thread(set_cgroup, spec)
    except (ClientError, OSError) as error:
        return msgspec.structs.replace(planned, result=Result.FAILED, message=str(error))
    return msgspec.structs.replace(planned, result=Result.DONE)


async def keep_node_cgroups(
    settings: Settings, pods: Callable[[], Iterable[Pod]], changed: asyncio.Event, facts: Facts = node_facts
) -> None:
    """Until cancelled. `pods` gives those that the node runs, `changed` is set whenever they may be others.

    A problem is told once; it is tried again with back-off.
    """
    problem, retry = "", RETRY_FIRST_SECONDS
    while True:
        changed.clear()
        try:
            await asyncio.to_thread(_write_changes, tuple(pods()), settings, facts)
            problem, retry, pause = "", RETRY_FIRST_SECONDS, LOOK_AGAIN_SECONDS
        except (ClientError, OSError) as error:
            if str(error) != problem:
                log.warning("pods are not held to what the node gives them: %s", error)
            problem, pause = str(error), retry
            retry = min(2 * retry, RETRY_LONGEST_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await changed.wait()


def _write_changes(pods: tuple[Pod, ...], settings: Settings, facts: Facts) -> None:
    for spec in node_cgroup_changes(pods, settings, facts):
        set_cgroup(spec)
        log.debug("done: set cgroup %s", spec.name)
