"""What of a runtime may be garbage, and by which rules it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kubenode.model.held_images import HeldImage
from kubenode.model.names import PodKey


class Images(StrEnum):
    """NONE: no image. DANGLING: those without a tag. UNUSED: those that no container was made from."""

    NONE = "none"
    DANGLING = "dangling"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneRules:
    """older_than: seconds since a container ended, a sandbox was made, or an image came; namespaces and labels: of
    pods, none means all; keep_images: patterns of names; keep_per_container: how many ended runs of a container of a
    pod that an agent keeps stay."""

    containers: bool = False
    pods: bool = False
    images: Images = Images.NONE
    older_than: float = 0.0
    namespaces: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    keep_images: tuple[str, ...] = ()
    keep_per_container: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneContainer:
    """`ended_at`: seconds since the epoch, None while it may still run; `log_bytes`: of its log with all rotated parts.

    `image`: the ID or digest of the one that it was made from.
    """

    id: str
    name: str
    sandbox_id: str
    created_at: float
    ended_at: float | None = None
    log_path: str = ""
    log_bytes: int = 0
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneSandbox:
    """`kept`: an agent or a kubelet keeps the pod, and makes what is missing of it again."""

    id: str
    key: PodKey
    uid: str
    ready: bool
    created_at: float
    kept: bool
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that a runtime holds. image_times: seconds since the epoch at which an image came, by ID, where it is known;
    needed_images: names of those that the runtime itself needs."""

    sandboxes: tuple[PruneSandbox, ...]
    containers: tuple[PruneContainer, ...]
    images: tuple[HeldImage, ...]
    image_times: Mapping[str, float] = field(default_factory=dict)
    needed_images: frozenset[str] = frozenset()


class Kind(StrEnum):
    CONTAINER = "container"
    POD = "pod"
    IMAGE = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prune:
    """Remove one object. `size`: bytes that go with it; `log_path`: of a container, its log goes too."""

    kind: Kind
    id: str
    name: str
    why: str
    size: int = 0
    log_path: str = ""

    @property
    def verb(self) -> str:
        return f"remove {self.kind} {self.name} {self.id.removeprefix('sha256:')[:13]}"
