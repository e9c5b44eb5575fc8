"""What a pod has on the node outside the runtime: directories, volumes, its cgroup; and the node it is told about."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

from kubenode.model.facts import NodeFacts
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedContainer, ObservedPod, State
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod
from kubenode.observe.cgroups import cgroup_fact, container_resources
from kubenode.observe.node import node_facts
from kubenode.observe.usage import DirectoryUsage
from kubenode.observe.volumes import PodDirectories, volume_facts
from kubenode.plan.cgroups import pod_cgroup
from kubenode.plan.volume_usage import limited_on_disk
from kubenode.plan.volumes import looked_at, volume_directory

# For so long the node counts as it was.
NODE_SECONDS = 1.0


class LocalObserver:
    """Its methods block: they read files."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._usage = DirectoryUsage()
        self._directories = PodDirectories(Path(settings.kubenode.root_directory) / "pods")
        self._node: tuple[float, NodeFacts] | None = None

    def keys(self) -> set[PodKey]:
        """Every pod that has a directory of ours; none where they cannot be read, which each pod's look tells."""
        try:
            return set(self._directories.all())
        except OSError:
            return set()

    def complete(self, pod: ObservedPod, desired: DesiredPod | None) -> ObservedPod:
        """The pod as the runtime holds it, with what is on the node. Raises OSError."""
        node = self._node_facts()
        directories = self._directories.of(pod.key, desired.uid if desired else "")
        found = dataclasses.replace(pod, directories=directories, node=node)
        if desired is None:
            return found
        specs = looked_at(desired, self._settings, node)
        own = self._settings.kubelet.cgroups_per_qos
        cgroup = cgroup_fact(pod_cgroup(desired.pod, self._settings)) if own else None
        containers = tuple(_measured(found, desired.uid))
        volumes = volume_facts(specs)
        for volume in limited_on_disk(desired.pod):
            used = self._usage.of(volume_directory(volume, desired.pod, self._settings))
            volumes[volume.name] = dataclasses.replace(volumes[volume.name], used=used)
        return dataclasses.replace(found, volumes=volumes, cgroup=cgroup, containers=containers)

    def _node_facts(self) -> NodeFacts:
        """When many pods are looked at together, the node is looked at once."""
        now = time.monotonic()
        if self._node is None or now - self._node[0] > NODE_SECONDS:
            self._node = now, node_facts(self._settings)
        return self._node[1]


def _measured(pod: ObservedPod, uid: str) -> Iterator[ObservedContainer]:
    """Running containers with what the kernel gives them, where the runtime puts them in the pod's own cgroup."""
    parents = {sandbox.id: sandbox.cgroup_parent for sandbox in pod.sandboxes}
    for one in pod.containers:
        if one.state is State.RUNNING and one.uid == uid:
            resources = container_resources(parents.get(one.sandbox_id, ""), one.id)
            yield dataclasses.replace(one, resources=resources or one.resources)
        else:
            yield one
