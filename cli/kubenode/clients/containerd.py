"""containerd's own store of image names, for what CRI cannot do: remove one name of several, pin an image."""

from __future__ import annotations

from google.protobuf import empty_pb2
from google.protobuf.message import Message

from kubenode.clients.rpc import Client, Connection, Query, Unary
from kubenode.clients.stubs import containerd_images_pb2 as pb

IMAGES = "containerd.services.images.v1.Images"
# Where CRI keeps its images.
NAMESPACE = "k8s.io"
PINNED, PINNED_VALUE = "io.cri-containerd.pinned", "pinned"


def within(_request: Message, request_timeout: float) -> float:
    return request_timeout


class ContainerdClient(Client):
    """containerd at the socket that serves CRI too. One event loop; `async with`, or `close()` at the end."""

    def __init__(self, endpoint: str, *, request_timeout: float = 120.0) -> None:
        metadata = (("containerd-namespace", NAMESPACE),)
        super().__init__(Connection(endpoint, request_timeout=request_timeout, metadata=metadata))

    def describe(self, request: Message) -> str:
        match request:
            case pb.DeleteImageRequest():
                return f"image {request.name}"
            case pb.UpdateImageRequest():
                return f"image {request.image.name}"
        return ""

    list_images = Query(IMAGES, "List", pb.ListImagesRequest, pb.ListImagesResponse, within)
    update_image = Unary(IMAGES, "Update", pb.UpdateImageRequest, pb.UpdateImageResponse, within)
    delete_image = Unary(IMAGES, "Delete", pb.DeleteImageRequest, empty_pb2.Empty, within)
