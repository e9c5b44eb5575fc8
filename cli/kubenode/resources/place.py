"""Where on this node sandboxes that tasks define belong: as the agent's configuration says, where there is one."""

from __future__ import annotations

import socket
from pathlib import Path

from kubenode.agent.config import DEFAULT_PATH, load
from kubenode.model.cri_objects import Place
from kubenode.model.settings import KubeletConfiguration, KubenodeConfiguration, Settings


def node_place() -> Place:
    """Raises ConfigurationError for a configuration that cannot be read."""
    settings = _settings()
    kubelet = settings.kubelet
    return Place(settings.node_name, kubelet.pod_logs_dir, kubelet.cgroup_root, kubelet.cgroup_driver == "systemd")


def log_links() -> Path:
    """The directory of links to all containers' logs. Raises ConfigurationError."""
    return Path(_settings().kubenode.container_logs_directory)


def _settings() -> Settings:
    if DEFAULT_PATH.exists():
        return load(DEFAULT_PATH)
    return Settings(
        kubelet=KubeletConfiguration(), kubenode=KubenodeConfiguration(), node_name=socket.gethostname().lower()
    )
