"""How a manifest becomes a static pod: its UID, name, namespace and annotations, as the kubelet makes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from kubenode.model import names
from kubenode.model.names import PodKey
from kubenode.model.objects import Objects
from kubenode.model.pod import Pod
from kubenode.model.requests import QosClass, fixed_spec, qos_class
from kubenode.model.specs import UserNamespace


class SourceKind(StrEnum):
    """Where a pod came from: the value of its annotation kubernetes.io/config.source."""

    FILE = "file"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Origin:
    """A source's name for one item: a file's path, or a URL (with `#N` for the Nth pod of a list)."""

    kind: SourceKind
    location: str

    def __str__(self) -> str:
        return self.location


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a valid pod may not run on this node: the kubelet's reason, and a sentence."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class DesiredPod:
    """A pod that should run here. `seen_at` is when the agent first saw it, in seconds since the epoch.

    `objects` are the ConfigMaps and Secrets that the pod refers to, as far as the node has them. `user_namespace` is
    what a pod with hostUsers: false runs as; None where the node cannot give it one. `recursive_read_only`: the pod
    asks for such mounts, and the runtime can make them.
    """

    pod: Pod
    origin: Origin
    seen_at: float
    objects: Objects = field(default_factory=dict, repr=False)
    refusal: Refusal | None = None
    user_namespace: UserNamespace | None = None
    recursive_read_only: bool = False

    @property
    def key(self) -> PodKey:
        return self.pod.key

    @property
    def uid(self) -> str:
        return self.pod.metadata.uid


def canonical(value: object) -> bytes:
    """The same bytes for the same meaning: sorted keys, defaults left out."""
    return msgspec.json.encode(value, order="sorted")


def static_pod(pod: Pod, origin: Origin, node_name: str) -> Pod:
    """The manifest as the node runs it: named after the node, with a UID that changes when its meaning does.

    The UID covers the pod, the node and the origin, so that a moved or edited manifest is a new pod; one that the
    manifest itself gives is kept. Layout and comments of the file do not matter.
    """
    metadata = pod.metadata
    uid = metadata.uid or _uid(pod, origin, node_name)
    annotations = {**metadata.annotations, names.CONFIG_SOURCE: origin.kind.value, names.CONFIG_HASH: uid}
    renamed = msgspec.structs.replace(
        metadata,
        name=static_pod_name(metadata.name, node_name),
        namespace=metadata.namespace or "default",
        uid=uid,
        annotations=annotations,
    )
    spec = msgspec.structs.replace(pod.spec, node_name=node_name)
    return msgspec.structs.replace(pod, metadata=renamed, spec=spec, status=None)


def static_pod_name(name: str, node_name: str) -> str:
    """The name a static pod has on its node: `<name>-<lowercase node name>`."""
    return f"{name}-{node_name.lower()}"


def _uid(pod: Pod, origin: Origin, node_name: str) -> str:
    """CPU and memory can change in place, as long as the pod's QoS class, and with it its cgroup, stays the same."""
    qos = qos_class(pod)
    meaning = msgspec.structs.replace(pod, status=None, spec=fixed_spec(pod.spec))
    text = canonical(meaning) + f"\nhost:{node_name}\n{origin.kind}:{origin.location}".encode()
    if qos is not QosClass.BEST_EFFORT:
        text += f"\nqos:{qos}".encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest()
