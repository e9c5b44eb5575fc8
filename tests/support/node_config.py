"""A node's configuration file, for commands that run without an agent."""

from __future__ import annotations

from pathlib import Path

import yaml


def write_config(folder: Path, endpoint: str, **kubelet: object) -> Path:
    """Paths below `folder`, pods on the runtime at `endpoint`; the file."""
    documents = [
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": endpoint,
            "podLogsDir": str(folder / "logs"),
            **kubelet,
        },
        {
            "apiVersion": "kubenode.io/v1alpha1",
            "kind": "KubenodeConfiguration",
            "nodeName": "testnode",
            "rootDirectory": str(folder / "root"),
            "runDirectory": str(folder / "run"),
        },
    ]
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    return path
