"""Images as a node holds them, and what can be done to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from kubenode.model.specs import RegistryAuth


@dataclass(frozen=True, slots=True)
class HeldImage:
    """One image with all its names.

    tags: complete names with a tag; digests: complete names with the digest that the registry has
    size: bytes, as the runtime tells them
    user: that of its configuration, by number or name; empty: root
    used_by: containers made from it, of any state, as namespace/pod/container
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    size: int = 0
    pinned: bool = False
    user: str = ""
    used_by: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.tags, *self.digests)

    @property
    def name(self) -> str:
        """The one to speak of it by."""
        return next(iter(self.names), self.id)


@dataclass(frozen=True, slots=True)
class FetchImage:
    reference: str
    why: str
    auths: tuple[RegistryAuth, ...] = field(default=(), repr=False)

    @property
    def verb(self) -> str:
        return f"pull image {self.reference}"


@dataclass(frozen=True, slots=True)
class RemoveImage:
    """The image with all its names."""

    image: HeldImage
    why: str

    @property
    def verb(self) -> str:
        return f"remove image {self.image.name}"


@dataclass(frozen=True, slots=True)
class RemoveName:
    """One name of an image that keeps others."""

    name: str
    why: str

    @property
    def verb(self) -> str:
        return f"remove the name {self.name}"


@dataclass(frozen=True, slots=True)
class PinImage:
    """What is pinned is not collected as garbage. `names`: of the image; none for one pulled in the same plan."""

    reference: str
    pinned: bool
    why: str
    names: tuple[str, ...] = ()

    @property
    def verb(self) -> str:
        return f"{'pin' if self.pinned else 'unpin'} image {self.reference}"


ImageAction = FetchImage | RemoveImage | RemoveName | PinImage


@dataclass(frozen=True, slots=True)
class WantedImage:
    """`policy`: Always, IfNotPresent or Never. `pinned` None: as it is."""

    reference: str
    policy: str
    pinned: bool | None = None
    auths: tuple[RegistryAuth, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Remote:
    """What the registry says of a tag: the digest that it has now, or why it cannot be told."""

    digest: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """For one name: the image that is here under it, what is to be done, or the problem that forbids it."""

    name: str
    held: HeldImage | None = None
    actions: tuple[ImageAction, ...] = ()
    problem: str = ""
