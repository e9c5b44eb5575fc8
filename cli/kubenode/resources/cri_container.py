"""The module cri_container: containers of one sandbox that are created, run, are stopped or are not there."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kubenode.apply.cri_config import container_part, merge
from kubenode.apply.cri_objects import ObjectExecutor
from kubenode.apply.requests import container_config
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from kubenode.model.cri_definitions import ContainerDefinition
from kubenode.model.cri_info import ContainerInfo
from kubenode.model.cri_objects import CriAction, CriPlan, MakeContainer, Owner, Room
from kubenode.model.names import PodKey
from kubenode.observe import cri_info
from kubenode.observe.cri_objects import ObjectObserver, namespaces_of, owner
from kubenode.plan.cri_containers import (
    ContainerState,
    Found,
    PullPolicy,
    WantedContainer,
    images_of,
    plan_container,
)
from kubenode.plan.cri_rules import container_problems, key_problems
from kubenode.resources.options import CriOptions, OptionError, open_runtime
from kubenode.resources.place import log_links
from kubenode.resources.result import ResourceError, Result

MACHINE_ID = Path("/etc/machine-id")
SALT_DIGITS = 16


class Options(CriOptions, frozen=True, kw_only=True):
    """One of `pod` and `pod_id` is set."""

    pod: str = ""
    namespace: str = "default"
    pod_id: str = ""
    containers: list[ContainerDefinition]
    state: ContainerState = "started"
    pull_policy: PullPolicy = "IfNotPresent"
    force: bool = False


@dataclass(frozen=True, slots=True)
class Shelter:
    """The sandbox, and what it was made with; both None where there is none yet. `warning`: what a preview assumes."""

    room: Room
    sandbox: pb.PodSandbox | None = None
    config: pb.PodSandboxConfig | None = None
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """How one container fared."""

    plan: CriPlan
    done: Sequence[CriAction]
    failure: str = ""


async def run(options: Options, *, check: bool) -> Result:
    wanted = _wanted(options)
    async with open_runtime(options) as cri:
        observer = ObjectObserver(cri)
        shelter = await _shelter(observer, cri, options, check=check)
        plans = await _plans(observer, shelter, wanted)
        turns = await _carry_out(cri, shelter, plans, options.state, check=check)
        values: list[ContainerInfo] = []
        failures = [turn.failure for turn in turns if turn.failure]
        # The runtime may be what failed.
        with contextlib.suppress(ClientError) if failures else contextlib.nullcontext():
            values = await _containers(cri, shelter, [one.name for one in options.containers])
    result = _result(options, turns, values, shelter, check=check)
    if failures:
        raise ResourceError(" ".join(failures), **result.returned())
    return result


def _wanted(options: Options) -> list[WantedContainer]:
    """Raises OptionError, ConfigError."""
    if bool(options.pod) == bool(options.pod_id):
        raise OptionError("pod: set either this or pod_id.")
    configs = [container_part(one, index) for index, one in enumerate(options.containers)]
    problems = [*container_problems(options.containers, configs)]
    if options.pod:
        problems = [*key_problems(PodKey(options.namespace, options.pod), "pod"), *problems]
    for problem in problems:
        raise OptionError(problem)
    return [
        WantedContainer(options.state, one, config, _salt(options, one.name), options.pull_policy, options.force)
        for one, config in zip(options.containers, configs, strict=True)
    ]


def _salt(options: Options, name: str) -> str:
    """Of its own for each container of each node, and the same in a preview as in what follows."""
    machine = MACHINE_ID.read_text().strip() if MACHINE_ID.exists() else ""
    pod = options.pod_id or f"{options.namespace}/{options.pod}"
    text = "\0".join((machine, socket.gethostname(), pod, name))
    return hashlib.sha256(text.encode()).hexdigest()[:SALT_DIGITS]


async def _shelter(observer: ObjectObserver, cri: CriClient, options: Options, *, check: bool) -> Shelter:
    """Raises ResourceError where there is no sandbox that would do."""
    key = PodKey(options.namespace, options.pod)
    listed = [*await _by_id(cri, options.pod_id)] if options.pod_id else await observer.sandboxes(key)
    ready = [one for one in listed if one.state == pb.SANDBOX_READY]
    if not ready and options.state in ("created", "started"):
        return _none_yet(options, dead=bool(listed), check=check)
    sandbox = next(iter(ready or listed), None)
    if sandbox is None:
        return Shelter(Room(key))
    key = PodKey(sandbox.metadata.namespace, sandbox.metadata.name)
    if owner(sandbox.annotations) is Owner.AGENT:
        raise ResourceError(
            f"Pod {key} comes from a manifest, which kubenode's agent or a kubelet runs, so its containers are not "
            "changed. Change the manifest instead, e.g. with kubenode.node.static_pod."
        )
    config = await observer.sandbox_config(sandbox)
    own = sandbox.annotations.get(names.LOG_DIRECTORY, "")
    room = Room(
        key,
        sandbox.id,
        sandbox.metadata.uid,
        config.log_directory,
        bool(own) and own == config.log_directory,
        namespaces_of(config),
    )
    return Shelter(room, sandbox, config)


async def _by_id(cri: CriClient, begins: str) -> list[pb.PodSandbox]:
    """Raises ResourceError for a beginning of several ids."""
    found = [one for one in (await cri.list_pod_sandbox()).items if one.id.startswith(begins)]
    if len(found) > 1:
        raise ResourceError(f"pod_id: {begins!r} is how the ids of {len(found)} sandboxes begin. Give more of it.")
    return found


def _none_yet(options: Options, *, dead: bool, check: bool) -> Shelter:
    """In a preview the play may be about to make it."""
    name = f"with the id {options.pod_id}" if options.pod_id else f"{options.namespace}/{options.pod}"
    problem = f"Pod {name} does not run any more" if dead else f"There is no pod {name}"
    remedy = "kubenode.node.cri_pod makes it anew" if dead else "kubenode.node.cri_pod makes one"
    if not check or options.pod_id:
        raise ResourceError(f"{problem}. {remedy}.")
    warning = f"{problem}: it is told what its containers would be if it were made first."
    return Shelter(Room(PodKey(options.namespace, options.pod)), warning=warning)


async def _plans(observer: ObjectObserver, shelter: Shelter, wanted: Sequence[WantedContainer]) -> list[CriPlan]:
    """A plan for each. Raises ClientError, and ConfigError for parts of a configuration that do not fit."""
    labels = {one.definition.name for one in wanted}
    references = [image for one in wanted for image in images_of(one.definition)]
    there = wanted[0].state in ("created", "started")
    seen, images = await asyncio.gather(
        observer.containers(shelter.room.id, labels) if shelter.room.id else _nothing(),
        observer.images(references if there else ()),
    )
    plans = []
    for one in wanted:
        mine = [container for container in seen if container.observed.name == one.definition.name]
        plan = plan_container(one, Found(shelter.room, mine, images))
        for action in plan.actions:
            if isinstance(action, MakeContainer):
                merge(container_config(action.spec), action.config)
        plans.append(plan)
    return plans


async def _nothing() -> tuple[()]:
    return ()


async def _carry_out(
    cri: CriClient, shelter: Shelter, plans: Sequence[CriPlan], state: ContainerState, *, check: bool
) -> list[Turn]:
    """In the order of the task, as one container may need another; stops and removals all at once."""
    if check:
        return [Turn(plan, plan.actions, plan.problem) for plan in plans]
    if state in ("stopped", "absent"):
        return list(await asyncio.gather(*(_one(cri, shelter, plan) for plan in plans)))
    return [await _one(cri, shelter, plan) for plan in plans]


async def _one(cri: CriClient, shelter: Shelter, plan: CriPlan) -> Turn:
    if plan.problem:
        return Turn(plan, (), plan.problem)
    executor = ObjectExecutor(cri, log_links(), shelter.room.key, shelter.room.id, shelter.config)
    try:
        await executor.carry_out(plan.actions)
    except (ClientError, OSError) as error:
        return Turn(plan, executor.done, str(error))
    return Turn(plan, executor.done)


async def _containers(cri: CriClient, shelter: Shelter, wanted: Sequence[str]) -> list[ContainerInfo]:
    """What is there now of those that the task names, in its order."""
    if not shelter.room.id:
        return []
    filters = cri_info.Filters(names=wanted, sandbox_id=shelter.room.id)
    newest = {one.name: one for one in await cri_info.containers(cri, filters, verbose=False)}
    return [newest[name] for name in wanted if name in newest]


def _result(
    options: Options, turns: Sequence[Turn], values: Sequence[ContainerInfo], shelter: Shelter, *, check: bool
) -> Result:
    definitions = [one.name for one in options.containers]
    before = {name: turn.plan.before for name, turn in zip(definitions, turns, strict=True) if turn.plan.before}
    after = {name: turn.plan.after for name, turn in zip(definitions, turns, strict=True) if turn.plan.after}
    warnings = [shelter.warning] if shelter.warning else []
    if options.state == "started" and not check:
        failed = {name for name, turn in zip(definitions, turns, strict=True) if turn.failure}
        warnings += [_ended(one) for one in values if one.state == "exited" and one.name not in failed]
    return Result(
        values={"containers": list(values)},
        steps=[step for turn in turns for step in turn.done],
        before=before,
        after=after,
        warnings=warnings,
    )


def _ended(container: ContainerInfo) -> str:
    log = f" Its log: {container.log_path}." if container.log_path else ""
    return f"Container {container.name} has started and exited with code {container.exit_code} already.{log}"
