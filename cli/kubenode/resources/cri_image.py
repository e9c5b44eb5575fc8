"""Images that a node is to hold, or not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from kubenode.apply.held_images import ImageStore
from kubenode.clients.errors import ClientError
from kubenode.model.held_images import FetchImage, HeldImage, ImageAction, ImagePlan, Remote, WantedImage
from kubenode.model.image_reference import parse
from kubenode.observe.held_images import remotes
from kubenode.plan.credentials import fitting_auths
from kubenode.plan.held_images import (
    UNASKED,
    find,
    foreseen,
    is_asked,
    is_id,
    plan_absent,
    plan_present,
    state,
)
from kubenode.plan.images import pull_policy
from kubenode.resources.images import Node, described, open_images
from kubenode.resources.options import OptionError
from kubenode.resources.registry_options import PullOptions, all_auths
from kubenode.resources.result import ResourceError, Result


class Options(PullOptions, frozen=True, kw_only=True):
    name: tuple[str, ...]
    state: Literal["present", "absent"] = "present"
    pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    pinned: bool | None = None
    all_tags: bool = False
    force: bool = False
    max_parallel_pulls: int = 4


async def run(options: Options, *, check: bool) -> Result:
    """Raises KubenodeError; a ResourceError when some of the images failed, with the result of all."""
    names = _names(options)
    async with open_images(options) as node:
        images = await node.images()
        asked: Mapping[str, Remote] = {}
        if options.state == "absent":
            held = {name: find(images, name) for name in names}
            plans = [plan_absent(n, held[n], all_tags=options.all_tags, force=options.force) for n in names]
        else:
            wanted = _wanted(options, names)
            # A preview asks for what is missing, too: it tells what would come, and whether it can.
            asking = [one for one in wanted if _asks(one, find(images, one.reference), check=check)]
            asked = await remotes(asking, Path(options.hosts_directory))
            plans = [_plan(one, find(images, one.reference), asked) for one in wanted]
        failed = {plan.name: f"{plan.name}: {plan.problem}" for plan in plans if plan.problem}
        if check:
            after = {plan.name: foreseen(plan, asked.get(plan.name, UNASKED), options.pinned) for plan in plans}
            return _result(options, plans, images, {plan.name: plan.actions for plan in plans}, after, failed, asked)
        store = ImageStore(node.cri, node.containerd, node.runtime, options.max_parallel_pulls)
        failed |= await _carry_out(store, plans)
        return await _told(options, node, plans, failed, asked)


def _names(options: Options) -> list[str]:
    """Each name once. Raises OptionError."""
    if options.max_parallel_pulls < 1:
        raise OptionError("max_parallel_pulls: at least 1 is needed")
    for name in options.name:
        if options.state == "absent" and is_id(name):
            continue
        try:
            parse(name)
        except ValueError as error:
            raise OptionError(f"name: {error}") from None
    return list(dict.fromkeys(options.name))


def _wanted(options: Options, names: Iterable[str]) -> list[WantedImage]:
    general, by_registry = all_auths(options)
    return [
        WantedImage(
            name,
            pull_policy(name, options.pull_policy or ""),
            options.pinned,
            (*general, *fitting_auths(by_registry, name)),
        )
        for name in names
    ]


def _asks(wanted: WantedImage, held: HeldImage | None, *, check: bool) -> bool:
    missing = held is None and check and wanted.policy != "Never" and not parse(wanted.reference).digest
    return missing or is_asked(wanted, held)


def _plan(wanted: WantedImage, held: HeldImage | None, asked: Mapping[str, Remote]) -> ImagePlan:
    return plan_present(wanted, held, asked.get(wanted.reference, UNASKED))


async def _carry_out(store: ImageStore, plans: Sequence[ImagePlan]) -> dict[str, str]:
    """What failed, by name. The images side by side, as many pulls at once as are allowed."""

    async def one(plan: ImagePlan) -> str:
        try:
            for action in plan.actions:
                await store.do(action)
        except ClientError as error:
            return str(error)
        return ""

    said = await asyncio.gather(*(one(plan) for plan in plans))
    return {plan.name: text for plan, text in zip(plans, said, strict=True) if text}


async def _told(
    options: Options, node: Node, plans: Sequence[ImagePlan], failed: Mapping[str, str], asked: Mapping[str, Remote]
) -> Result:
    images = await node.images()
    after = {plan.name: state(find(images, plan.name), plan.name, options.pinned) for plan in plans}
    done: dict[str, tuple[ImageAction, ...]] = {}
    for plan in plans:
        same = state(plan.held, plan.name, options.pinned) == after[plan.name]
        # A pull that brought what was here before changed nothing.
        vain = plan.name in failed or (same and all(isinstance(action, FetchImage) for action in plan.actions))
        done[plan.name] = () if vain else plan.actions
    return _result(options, plans, images, done, after, failed, asked)


def _result(
    options: Options,
    plans: Sequence[ImagePlan],
    images: Iterable[HeldImage],
    done: Mapping[str, tuple[ImageAction, ...]],
    after: Mapping[str, object],
    failed: Mapping[str, str],
    asked: Mapping[str, Remote],
) -> Result:
    images = tuple(images)
    changes = [plan for plan in plans if done[plan.name]]
    result = Result(
        values={"images": [_image(plan.name, find(images, plan.name), asked) for plan in plans]},
        steps=[action for plan in changes for action in done[plan.name]],
        before={plan.name: state(plan.held, plan.name, options.pinned) for plan in changes} if changes else None,
        after={plan.name: after[plan.name] for plan in changes} if changes else None,
        warnings=[f"{name}: {one.problem}" for name, one in asked.items() if one.problem and name not in failed],
    )
    if failed:
        raise ResourceError(" ".join(failed.values()), **result.returned())
    return result


def _image(name: str, held: HeldImage | None, asked: Mapping[str, Remote]) -> dict[str, object]:
    problem = asked.get(name, UNASKED).problem
    told = {"registry_problem": problem} if problem else {}
    return {"name": name, "present": held is not None, **(described(held) if held else {}), **told}
