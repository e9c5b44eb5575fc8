"""Who runs static pods on this node, from which directory and under which settings: kubenode's agent or a kubelet."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from kubenode.agent.config import DEFAULT_PATH, load
from kubenode.agent.lock import upstream_kubelet
from kubenode.model.settings import KubeletConfiguration, KubenodeConfiguration, Settings
from kubenode.observe.kubelet import Kubelet, kubelet

DEFAULT_DIRECTORY = Path("/etc/kubernetes/manifests")
# What of a kubelet's configuration says how its pods are to be seen. All else is its own affair.
SHARED_FIELDS = ("evictionHard", "podLogsDir", "clusterDNS", "clusterDomain", "maxPods", "cgroupRoot", "cgroupDriver")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`kubelet`: the upstream one that runs here, if one does. `directory`: where static pods are read from."""

    settings: Settings
    directory: Path
    kubelet: Kubelet | None = None


def surroundings(config: str = "", runtime_endpoint: str = "") -> Surroundings:
    """This node. A kubelet that runs has the say; else the agent's configuration, else the kubelet's file.

    config: the agent's configuration file, which must be there then; by default the usual one, if that is there
    Raises ConfigurationError.
    """
    path = Path(config) if config else DEFAULT_PATH
    configured = load(path) if config or path.exists() else None
    pid = upstream_kubelet()
    found = kubelet(pid) if pid is not None or configured is None else None
    settings = configured or _settings_beside(found)
    if found:
        settings = _as_told(settings, found)
    if runtime_endpoint:
        changed = msgspec.structs.replace(settings.kubelet, container_runtime_endpoint=runtime_endpoint)
        settings = msgspec.structs.replace(settings, kubelet=changed)
    told = settings.kubelet.static_pod_path
    return Surroundings(settings, Path(told) if told else DEFAULT_DIRECTORY, found if pid is not None else None)


def _settings_beside(found: Kubelet | None) -> Settings:
    """Of a node that has no configuration of ours."""
    fields: dict[str, Any] = {}
    for name in SHARED_FIELDS:
        if found and name in found.fields:
            fields |= _fitting(name, found.fields[name])
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    name = found.node_name if found else os.uname().nodename.lower()
    return Settings(
        kubelet=msgspec.convert(fields, KubeletConfiguration),
        kubenode=KubenodeConfiguration(),
        node_name=name,
        memory_capacity=memory,
    )


def _fitting(name: str, value: object) -> dict[str, object]:
    """A kubelet's file may hold what only the kubelet takes."""
    try:
        msgspec.convert({name: value}, KubeletConfiguration)
    except msgspec.ValidationError:
        return {}
    return {name: value}


def _as_told(settings: Settings, found: Kubelet) -> Settings:
    ours = settings.kubelet
    changed = msgspec.structs.replace(
        ours,
        static_pod_path=found.static_pod_path or ours.static_pod_path,
        container_runtime_endpoint=found.runtime_endpoint or ours.container_runtime_endpoint,
        image_service_endpoint=found.image_endpoint or ours.image_service_endpoint,
    )
    root = msgspec.structs.replace(settings.kubenode, root_directory=found.root_directory)
    return msgspec.structs.replace(settings, kubelet=changed, kubenode=root, node_name=found.node_name)
