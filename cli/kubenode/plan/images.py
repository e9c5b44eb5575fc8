"""Whether an image has to be pulled before a container can be made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubenode.model.image_reference import DEFAULT_TAG, parse
from kubenode.model.observed import ImageFact
from kubenode.model.pod import Container, PodSpec


@dataclass(frozen=True, slots=True)
class NeededImage:
    """`policy` is Always, IfNotPresent or Never."""

    reference: str
    policy: str


def needed_images(container: Container, spec: PodSpec) -> tuple[NeededImage, ...]:
    """The container's own image first, then those of the image volumes that it mounts."""
    volumes = {volume.name: volume.image for volume in spec.volumes if volume.image is not None}
    mounted = dict.fromkeys(mount.name for mount in container.volume_mounts if mount.name in volumes)
    sources = [volumes[name] for name in mounted]
    return (
        NeededImage(container.image, pull_policy(container.image, container.image_pull_policy)),
        *(NeededImage(source.reference, pull_policy(source.reference, source.pull_policy)) for source in sources),
    )


def pull_policy(image: str, policy: str) -> str:
    """The default of Kubernetes: Always for `:latest` or no tag, else IfNotPresent."""
    return policy or ("Always" if _tag(image) == DEFAULT_TAG else "IfNotPresent")


def _tag(image: str) -> str:
    """The tag that is written counts, also before a digest; what is no name of an image has none."""
    try:
        reference = parse(image)
    except ValueError:
        return ""
    return reference.tag or ("" if reference.digest else DEFAULT_TAG)


def pull_reason(image: NeededImage, images: Mapping[str, ImageFact | None]) -> str:
    """Why the image must be pulled now; empty when it need not be."""
    if image.policy == "Always":
        return "the pull policy is Always"
    if image.policy == "IfNotPresent" and _missing(image.reference, images):
        return "the image is not on the node"
    return ""


def never_pulled(image: NeededImage, images: Mapping[str, ImageFact | None]) -> bool:
    """Whether the image is missing and may not be pulled."""
    return image.policy == "Never" and _missing(image.reference, images)


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
