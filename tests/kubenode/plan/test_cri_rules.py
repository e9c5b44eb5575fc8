"""What is refused before a runtime is asked, each by the option's path."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kubenode.model.cri_definitions import ContainerDefinition, PodDefinition
from kubenode.model.names import PodKey
from kubenode.plan.cri_rules import container_problems, key_problems, pod_problems

MOUNT = {"container_path": "/data", "host_path": "/srv"}


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ({}, []),
        ({"labels": {"app": "x"}, "config": {"labels": {"b": "c"}}}, []),
        ({"labels": {"io.kubernetes.pod.uid": "x"}}, ["labels: 'io.kubernetes.pod.uid'"]),
        ({"annotations": {"kubenode.io/definition": "x"}}, ["annotations: 'kubenode.io/definition'"]),
        ({"config": {"annotations": {"kubernetes.io/config.source": "x"}}}, ["config.annotations:"]),
        ({"ports": [{"container_port": 80, "host_port": 65536}]}, ["ports[0].host_port: 65536 is no port"]),
        ({"ports": [{"container_port": 80, "host_port": 80}] * 2}, ["ports: host port 80/TCP is taken 2 times"]),
        (
            {"ports": [{"container_port": 80, "host_port": 80}], "host_network": True},
            ["ports: a pod with host_network"],
        ),
        ({"hostname": "a.b"}, ["hostname: 'a.b' is no host name"]),
        ({"hostname": "a", "host_network": True}, ["hostname: a pod with host_network"]),
        ({"host_pid": True, "share_process_namespace": True}, ["share_process_namespace:"]),
        ({"log_directory": "logs"}, ["log_directory: 'logs' is no absolute path"]),
        ({"log_directory": "/a/../etc"}, ["log_directory:"]),
        ({"security": {"seccomp": {"type": "Localhost"}}}, ["security.seccomp.path: it belongs to the type Localhost"]),
        ({"security": {"seccomp": {"path": "/p"}}}, ["security.seccomp.path:"]),
        ({"security": {"run_as_group": 0}}, ["security.run_as_group:"]),
    ],
)
def test_pods(given: dict[str, Any], sentences: list[str]) -> None:
    problems = list(pod_problems(msgspec.convert(given, PodDefinition), given.get("config", {})))
    assert [one for one, begin in zip(problems, sentences, strict=True) if not one.startswith(begin)] == []


@pytest.mark.parametrize(
    ("given", "sentences"),
    [
        ({"mounts": [MOUNT], "resources": {"requests": {"cpu": 1}, "limits": {"hugepages-2Mi": "4Mi"}}}, []),
        ({"name": "a_b"}, ["name: 'a_b' cannot name"]),
        ({"name": "a" * 64}, ["name:"]),
        ({"env": {"A=B": "x"}}, ["env: 'A=B' cannot name"]),
        ({"mounts": [{"container_path": "data", "host_path": "/srv"}]}, ["mounts[0].container_path: 'data'"]),
        ({"mounts": [MOUNT, {"container_path": "/data"}]}, ["mounts[1].host_path: set either"]),
        ({"mounts": [{**MOUNT, "image": "a"}]}, ["mounts[0].host_path: set either"]),
        ({"mounts": [{**MOUNT, "image_sub_path": "a"}]}, ["mounts[0].image_sub_path:"]),
        ({"mounts": [{**MOUNT, "recursive_read_only": True, "propagation": "HostToContainer"}]},
         ["mounts[0].recursive_read_only:"]),
        ({"devices": [{"host_path": "/dev/fuse", "permissions": "rx"}]}, ["devices[0].permissions: 'rx'"]),
        ({"log_path": "/var/log/a"}, ["log_path:"]),
        ({"log_path": "../a"}, ["log_path:"]),
        ({"stop_grace_seconds": -1}, ["stop_grace_seconds:"]),
        ({"resources": {"requests": {"memory": "1Gi"}}}, ["resources.requests.memory: a runtime can only"]),
        ({"resources": {"limits": {"disk": 1}}}, ["resources.limits.disk:"]),
        ({"resources": {"limits": {"cpu": "1 core", "memory": 0}}},
         ["resources.limits.cpu: '1 core' is not", "resources.limits.memory: 0 is nothing"]),
        ({"resources": {"oom_score_adj": 1001}}, ["resources.oom_score_adj: 1001"]),
        ({"security": {"apparmor": {"type": "Localhost"}}}, ["security.apparmor.profile:"]),
        ({"labels": {"io.kubernetes.container.name": "x"}}, ["labels: 'io.kubernetes.container.name'"]),
    ],
)  # fmt: skip
def test_containers(given: dict[str, Any], sentences: list[str]) -> None:
    container = msgspec.convert({"name": "main", "image": "app", **given}, ContainerDefinition)
    problems = list(container_problems([container], [{}]))
    expected = [f"containers[0].{one}" for one in sentences]
    assert [one for one, begin in zip(problems, expected, strict=True) if not one.startswith(begin)] == []


def test_names_of_a_batch() -> None:
    twice = [ContainerDefinition(name="a"), ContainerDefinition(name="a")]
    assert list(container_problems(twice, [{}, {}])) == ["containers: 'a' stands there 2 times."]
    assert list(container_problems([], [])) == ["containers: the list is empty."]
    assert list(key_problems(PodKey("default", "web-1.shop"), "name")) == []
    assert [one.split(":")[0] for one in key_problems(PodKey("A", "B"), "pod")] == ["pod", "namespace"]
