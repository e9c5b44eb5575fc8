"""The images of the fake runtime: CRI's ImageService, on data."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from grpc import StatusCode

from kubenode.clients.stubs import cri_pb2 as pb
from support.fake_server import FakeServer, Refused


def image(*names: str, size: int = 2_000_000, user: str = "", uid: int | None = None) -> pb.Image:
    """An image with these names, full ones such as "kubenode.test/busybox:1"; the first gives its id."""
    digest = hashlib.sha256(names[0].encode()).hexdigest()
    repository = names[0].rpartition(":")[0]
    return pb.Image(
        id=f"sha256:{digest}",
        repo_tags=names,
        repo_digests=[f"{repository}@sha256:{digest}"],
        size=size,
        username=user,
        uid=None if uid is None else pb.Int64Value(value=uid),
    )


class FakeImages(FakeServer):
    """Images by their ids, and a registry of what can be pulled, by full name."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, pb.DESCRIPTOR)
        self.images: dict[str, pb.Image] = {}
        self.registry: dict[str, pb.Image] = {}

    def add_image(self, added: pb.Image) -> pb.Image:
        self.images[added.id] = added
        return added

    def find_image(self, reference: str) -> pb.Image | None:
        """The image with this id, the beginning of one, a digest, or a name in any of its short forms."""
        name = full_name(reference)
        for found in self.images.values():
            if name in found.repo_tags or reference in found.repo_digests:
                return found
            if len(reference) >= 6 and found.id.removeprefix("sha256:").startswith(reference.removeprefix("sha256:")):
                return found
        return None

    async def list_images(self, request: pb.ListImagesRequest) -> pb.ListImagesResponse:
        # As containerd does: it pays no heed to the filter.
        return pb.ListImagesResponse(images=self.images.values())

    async def image_status(self, request: pb.ImageStatusRequest) -> pb.ImageStatusResponse:
        return pb.ImageStatusResponse(image=self.find_image(request.image.image))

    async def pull_image(self, request: pb.PullImageRequest) -> pb.PullImageResponse:
        name = full_name(request.image.image)
        if name not in self.registry:
            raise Refused(StatusCode.NOT_FOUND, f'failed to pull and unpack image "{name}": {name}: not found')
        pulled = self.add_image(self.registry[name])
        return pb.PullImageResponse(image_ref=pulled.id)

    async def remove_image(self, request: pb.RemoveImageRequest) -> pb.RemoveImageResponse:
        found = self.find_image(request.image.image)
        if found is not None:
            del self.images[found.id]
        return pb.RemoveImageResponse()

    async def image_fs_info(self, request: pb.ImageFsInfoRequest) -> pb.ImageFsInfoResponse:
        used = sum(image.size for image in self.images.values())
        usage = pb.FilesystemUsage(
            timestamp=time.time_ns(),
            fs_id=pb.FilesystemIdentifier(mountpoint=str(self.path.parent)),
            used_bytes=pb.UInt64Value(value=used),
            inodes_used=pb.UInt64Value(value=len(self.images)),
        )
        return pb.ImageFsInfoResponse(image_filesystems=[usage])


def full_name(reference: str) -> str:
    """busybox -> docker.io/library/busybox:latest."""
    first, slash, _ = reference.partition("/")
    if not slash:
        reference = f"docker.io/library/{reference}"
    elif not ("." in first or ":" in first or first == "localhost"):
        reference = f"docker.io/{reference}"
    return reference if ":" in reference.rpartition("/")[2] else f"{reference}:latest"
