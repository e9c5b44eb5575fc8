"""Sandboxes and containers as the modules for single ones see and change them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kubenode.model.actions import (
    CleanUpPod,
    PullImage,
    RemoveContainer,
    RemoveSandbox,
    StartContainer,
    StopContainer,
    StopSandbox,
    UpdateContainer,
)
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedContainer, Sandbox
from kubenode.model.specs import ContainerSpec, Namespaces, SandboxSpec


class Owner(StrEnum):
    """Whose a sandbox or a container is.

    MODULE: made by a task of the collection; AGENT: by kubenode's agent or a kubelet, from a manifest; OTHER: by crictl
    or the like, and nobody knows how it was defined.
    """

    MODULE = "module"
    AGENT = "agent"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SeenContainer:
    """`definition` is what it was made from, None for one of other hands; `salt` that of the digests in it."""

    observed: ObservedContainer
    owner: Owner
    definition: Mapping[str, Any] | None = None
    salt: str = ""


@dataclass(frozen=True, slots=True)
class SeenSandbox:
    observed: Sandbox
    owner: Owner
    definition: Mapping[str, Any] | None = None
    containers: tuple[SeenContainer, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """What a node gives to sandboxes that say nothing else: the folder of all pods' logs, and a cgroup above theirs."""

    node_name: str
    logs: str
    cgroup: str
    systemd: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """The sandbox that containers are made in; `id` empty for one that is not there yet, in a preview.

    `own_logs`: its folder of logs goes with it, so a container's log goes with the container.
    """

    key: PodKey
    id: str = ""
    uid: str = ""
    log_directory: str = ""
    own_logs: bool = False
    namespaces: Namespaces = field(default_factory=Namespaces)


@dataclass(frozen=True, slots=True)
class MakeSandbox:
    """`config`: proto-JSON that is merged into what the specification comes to."""

    spec: SandboxSpec
    config: Mapping[str, Any]
    why: str

    @property
    def verb(self) -> str:
        return f"run sandbox {self.spec.namespace}/{self.spec.name}, attempt {self.spec.attempt}"


@dataclass(frozen=True, slots=True)
class MakeContainer:
    spec: ContainerSpec
    # Values of variables may stand here, too.
    config: Mapping[str, Any] = field(repr=False)
    why: str

    @property
    def container(self) -> str:
        return self.spec.name

    @property
    def verb(self) -> str:
        return f"create container {self.container} from {self.spec.image}"


CriAction = (
    MakeSandbox
    | PullImage
    | MakeContainer
    | StartContainer
    | UpdateContainer
    | StopContainer
    | StopSandbox
    | RemoveContainer
    | CleanUpPod
    | RemoveSandbox
)


@dataclass(frozen=True, slots=True)
class CriPlan:
    """What to do for one sandbox or container. before, after: its definition and state, None where it is not there.

    `problem`: why it cannot be, or may not be, done; then nothing is.
    """

    actions: tuple[CriAction, ...] = ()
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    problem: str = ""
