"""A pod with all that pods can have, for real runtimes, and a look at what a node still has of any pod."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kubenode.clients.cgroupfs import hierarchies
from support.agent import FOREVER, AgentProcess, container, pod

MOUNT_NAMES = ("conf", "keys", "memory", "data")


def rich_pod(name: str, command: str = FOREVER, **app: Any) -> dict[str, Any]:
    """Init container, sidecar, hooks, probe, volumes of all kinds; `app` are more fields of its main container.

    `prepare` leaves a line in /data/prepared for each time it ran.
    """
    mounts = [{"name": mounted, "mountPath": f"/{mounted}"} for mounted in MOUNT_NAMES]
    part = {"name": "memory", "mountPath": "/part", "subPath": "a/b"}
    hook = {"exec": {"command": ["sh", "-c", "echo hook >> /data/hooks"]}}
    fields = {
        "volumeMounts": [*mounts, part],
        "lifecycle": {"postStart": hook, "preStop": hook},
        "readinessProbe": {"exec": {"command": ["cat", "/data/prepared"]}, "periodSeconds": 1, "failureThreshold": 1},
        **app,
    }
    return pod(
        name,
        initContainers=[
            container("prepare", "echo ran >> /data/prepared", volumeMounts=mounts),
            container("proxy", restartPolicy="Always", volumeMounts=mounts),
        ],
        containers=[container(command=command, **fields)],
        hostAliases=[{"ip": "192.0.2.7", "hostnames": ["other"]}],
        volumes=[
            {"name": "conf", "configMap": {"name": "conf"}},
            {"name": "keys", "secret": {"secretName": "keys"}},
            {"name": "memory", "emptyDir": {"medium": "Memory"}},
            {"name": "data", "emptyDir": {}},
        ],
    )


def config_map(name: str = "conf", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(name: str = "keys", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def volume(agent: AgentProcess, told: dict[str, Any], kind: str, name: str) -> Path:
    """Where the agent keeps a volume of the pod."""
    return agent.root / f"pods/{told.get('uid')}/volumes/kubernetes.io~{kind}/{name}"


def left_of_pods(agent: AgentProcess) -> list[str]:
    """What is left on the node outside the runtime: mounts, directories, logs, links, cgroups."""
    mounts = [place for place in agent.mounts() if place.startswith(f"{agent.root}/pods/")]
    places = [path for top in (agent.root / "pods", agent.logs, agent.links) for path in top.glob("*")]
    cgroups = [path for root in hierarchies() for path in root.glob(f"{agent.cgroup_root[1:]}/kubepods/**/pod*")]
    return [*mounts, *map(str, places), *map(str, cgroups)]
