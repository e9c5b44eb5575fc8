"""Whether an image has to be pulled before a container can be made of it."""

from __future__ import annotations

from collections.abc import Mapping

from kubenode.model.observed import ImageFact
from kubenode.model.pod import Container


def pull_policy(container: Container) -> str:
    """The policy, with the default of Kubernetes: Always for `:latest` or no tag, else IfNotPresent."""
    if container.image_pull_policy:
        return container.image_pull_policy
    return "Always" if _tag(container.image) == "latest" else "IfNotPresent"


def _tag(image: str) -> str:
    if "@" in image:
        return ""
    _, _, tag = image.rpartition("/")[2].partition(":")
    return tag or "latest"


def pull_reason(container: Container, images: Mapping[str, ImageFact | None]) -> str:
    """Why the image must be pulled now; empty when it need not be."""
    policy = pull_policy(container)
    if policy == "Always":
        return "the pull policy is Always"
    if policy == "IfNotPresent" and _missing(container.image, images):
        return "the image is not on the node"
    return ""


def never_pulled(container: Container, images: Mapping[str, ImageFact | None]) -> bool:
    """Whether the container cannot start, since its image is missing and may not be pulled."""
    return pull_policy(container) == "Never" and _missing(container.image, images)


def _missing(image: str, images: Mapping[str, ImageFact | None]) -> bool:
    """An image that was not asked about is here: a container of it runs."""
    return image in images and images[image] is None


def non_root_violation(user: int | None, must: bool, image: ImageFact | None) -> str:
    """What speaks against runAsNonRoot; empty when nothing does. Without an image fact nothing can be said."""
    if not must or (user is None and image is None):
        return ""
    if user is None and image is not None:
        if image.username and not image.username.isdecimal():
            return f"the image's user {image.username!r} is a name, so it cannot be shown not to be root: set runAsUser"
        user = int(image.username or image.uid or 0)
    return "" if user else "runAsNonRoot is set and the container would run as root: set runAsUser"
