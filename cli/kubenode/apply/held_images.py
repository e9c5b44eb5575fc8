"""Pulling, pinning and removing images by their names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from google.protobuf.field_mask_pb2 import FieldMask

from kubenode.apply.images import ImagePuller
from kubenode.clients.containerd import PINNED, PINNED_VALUE, ContainerdClient
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import DeadlineExceeded, NotFound, Unimplemented
from kubenode.clients.stubs import containerd_images_pb2 as containerd_pb
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.held_images import FetchImage, ImageAction, PinImage, RemoveImage, RemoveName
from kubenode.plan.held_images import complete

# CRI-O takes a name away where containerd removes the image with all of its names.
REMOVES_NAMES = "cri-o"
# CRI hears of a change of containerd's names by an event that nobody else is told of.
HEARD_WITHIN, LOOK_EVERY = 10.0, 0.05


class ImageStore:
    """A runtime's images. containerd: its own names, where it is one; runtime: the name by which it calls itself."""

    def __init__(self, cri: CriClient, containerd: ContainerdClient | None, runtime: str, parallel: int) -> None:
        self._cri = cri
        self._containerd = containerd
        self._runtime = runtime
        self._puller = ImagePuller(cri, parallel)

    async def do(self, action: ImageAction) -> None:
        """Carry one action out. Raises ClientError."""
        match action:
            case FetchImage():
                await self._puller.pull(action.reference, action.auths)
            case RemoveImage():
                await self._cri.remove_image(pb.RemoveImageRequest(image=pb.ImageSpec(image=action.image.id)))
            case RemoveName():
                await self._remove_name(action.name)
            case PinImage():
                await self._pin(action)

    async def _remove_name(self, name: str) -> None:
        if self._containerd is not None:
            try:
                await self._containerd.delete_image(containerd_pb.DeleteImageRequest(name=name, sync=True))
            except NotFound:
                return
            await self._until(lambda image: name not in (*image.repo_tags, *image.repo_digests), f"the name {name}")
        elif self._runtime == REMOVES_NAMES:
            await self._cri.remove_image(pb.RemoveImageRequest(image=pb.ImageSpec(image=name)))
        else:
            raise Unimplemented(
                endpoint=self._cri.endpoint,
                operation="Removing one name of an image",
                subject=name,
                detail=f"{self._runtime} can only remove the image with all of its names",
                remedy="Use all_tags to do that.",
            )

    async def _pin(self, action: PinImage) -> None:
        if self._containerd is None:
            raise Unimplemented(
                endpoint=self._cri.endpoint,
                operation="Pinning an image",
                subject=action.reference,
                detail=f"CRI cannot, and {self._runtime} has no other way that is known",
                remedy="Name the image in the runtime's own configuration, as pinned_images in CRI-O's.",
            )
        wanted = {complete(name) for name in action.names or (action.reference,)}
        listed = (await self._containerd.list_images()).images
        for image in listed:
            if complete(image.name) in wanted and (image.labels.get(PINNED) == PINNED_VALUE) is not action.pinned:
                await self._label(image, action.pinned)

    async def _label(self, image: containerd_pb.Image, pinned: bool) -> None:
        """The whole image is given back: containerd 2.1 panics at one without a target."""
        assert self._containerd is not None
        image.labels[PINNED] = PINNED_VALUE if pinned else ""
        await self._containerd.update_image(
            containerd_pb.UpdateImageRequest(image=image, update_mask=FieldMask(paths=[f"labels.{PINNED}"]))
        )

    async def _until(self, holds: Callable[[pb.Image], bool], what: str) -> None:
        deadline = time.monotonic() + HEARD_WITHIN
        while not all(holds(image) for image in (await self._cri.list_images()).images):
            if time.monotonic() > deadline:
                raise DeadlineExceeded(
                    endpoint=self._cri.endpoint,
                    operation="ListImages",
                    subject=what,
                    detail=f"it was removed, and CRI still lists it after {HEARD_WITHIN:g} s",
                )
            await asyncio.sleep(LOOK_EVERY)
