"""The images that a node holds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.held_images import HeldImage
from kubenode.model.image_reference import parse
from kubenode.plan.held_images import find, is_id
from kubenode.resources.images import described, open_images
from kubenode.resources.options import CriOptions, OptionError
from kubenode.resources.result import Result

PATTERN = frozenset("*?[")
SIDE_BY_SIDE = 16


class Options(CriOptions, frozen=True, kw_only=True):
    name: tuple[str, ...] = ()
    pinned: bool | None = None
    in_use: bool | None = None
    tagged: bool | None = None
    config: bool = False


class _ImageSpec(msgspec.Struct):
    config: dict[str, Any] = {}


class _Info(msgspec.Struct):
    """containerd's own words about an image."""

    image_spec: _ImageSpec = msgspec.field(default_factory=_ImageSpec, name="imageSpec")


async def run(options: Options, *, check: bool) -> Result:
    """Raises KubenodeError."""
    _check(options.name)
    async with open_images(options) as node:
        held = [image for image in await node.images() if _fits(image, options)]
        held.sort(key=lambda image: (image.name, image.id))
        configs = await _configs(node.cri, held) if options.config else [{}] * len(held)
    return Result(
        values={
            "images": [
                {**described(image), **({"config": config} if options.config else {})}
                for image, config in zip(held, configs, strict=True)
            ],
            "bytes": sum(image.size for image in held),
        }
    )


def _check(wanted: Iterable[str]) -> None:
    """Raises OptionError."""
    for name in wanted:
        if PATTERN.isdisjoint(name) and not is_id(name):
            try:
                parse(name)
            except ValueError as error:
                raise OptionError(f"name: {error}") from None


def _fits(image: HeldImage, options: Options) -> bool:
    return (
        (not options.name or any(_called(image, name) for name in options.name))
        and options.pinned in (None, image.pinned)
        and options.in_use in (None, bool(image.used_by))
        and options.tagged in (None, bool(image.tags))
    )


def _called(image: HeldImage, name: str) -> bool:
    """By a name, completed; by an ID; or by a pattern for complete names."""
    if PATTERN.isdisjoint(name) or is_id(name):
        return find((image,), name) is not None
    return any(fnmatchcase(one, name) for one in image.names)


async def _configs(cri: CriClient, images: Iterable[HeldImage]) -> list[dict[str, Any]]:
    slots = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(image: HeldImage) -> dict[str, Any]:
        async with slots:
            request = pb.ImageStatusRequest(image=pb.ImageSpec(image=image.id), verbose=True)
            told = (await cri.image_status(request)).info.get("info", "")
        try:
            return msgspec.json.decode(told, type=_Info).image_spec.config
        except msgspec.DecodeError:
            return {}

    return list(await asyncio.gather(*(one(image) for image in images)))
