"""Specifications as messages of the CRI."""

from __future__ import annotations

from typing import Any

import pytest

from kubenode.apply.requests import container_config, sandbox_config
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.validation import LONGEST_GRACE
from kubenode.plan.specs import container_spec, sandbox_spec
from support.plans import desired_pod, settings


def _configs(spec: dict[str, Any]) -> tuple[pb.PodSandboxConfig, pb.ContainerConfig]:
    desired = desired_pod(spec)
    container = container_spec(desired.pod.spec.containers[0], 1, None, desired.pod, settings())
    return sandbox_config(sandbox_spec(desired, 2, settings())), container_config(container)


def test_a_plain_pod() -> None:
    sandbox, container = _configs({})
    assert sandbox.metadata == pb.PodSandboxMetadata(name="web-node", uid="u1", namespace="default", attempt=2)
    assert sandbox.linux.cgroup_parent == "/kubepods/besteffort/podu1"
    assert container.metadata == pb.ContainerMetadata(name="app", attempt=1)
    assert container.image.image == container.image.user_specified_image == "r.test/app:1"
    assert container.linux.resources == pb.LinuxContainerResources(cpu_shares=2, oom_score_adj=1000)
    security = container.linux.security_context
    assert (security.HasField("run_as_user"), security.namespace_options.pid) == (False, pb.CONTAINER)


def test_user_0_is_said_and_not_left_out() -> None:
    sandbox, container = _configs({"securityContext": {"runAsUser": 0, "runAsGroup": 0}})
    for security in (sandbox.linux.security_context, container.linux.security_context):
        assert (security.HasField("run_as_user"), security.HasField("run_as_group")) == (True, True)


@pytest.mark.parametrize(("protocol", "expected"), [("TCP", pb.TCP), ("UDP", pb.UDP), ("SCTP", pb.SCTP)])
def test_ports(protocol: str, expected: pb.Protocol.ValueType) -> None:
    port = {"containerPort": 80, "hostPort": 8080, "hostIP": "::1", "protocol": protocol}
    sandbox, _ = _configs({"containers": [{"name": "app", "ports": [port]}]})
    wanted = pb.PortMapping(protocol=expected, container_port=80, host_port=8080, host_ip="::1")
    assert list(sandbox.port_mappings) == [wanted]


def test_security_and_environment() -> None:
    context = {
        "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    fields = {"name": "app", "securityContext": context, "env": [{"name": "A", "value": "é"}], "stdin": True}
    _, container = _configs({"containers": [fields]})
    security = container.linux.security_context
    assert (list(security.capabilities.add_capabilities), list(security.capabilities.drop_capabilities)) == (
        ["NET_ADMIN"],
        ["ALL"],
    )
    assert (security.readonly_rootfs, security.no_new_privs) == (True, True)
    assert security.seccomp.profile_type == pb.SecurityProfile.RuntimeDefault
    assert (container.envs[0].value, container.stdin) == ("é".encode(), True)


def test_the_largest_values_that_a_manifest_may_hold_can_be_asked_for() -> None:
    """What validation lets through must fit the messages, or one manifest would end the agent."""
    limits = {"cpu": "92233720368547", "memory": 2**63 - 1}
    container = {"name": "app", "resources": {"limits": limits}, "securityContext": {"runAsUser": 2**31 - 1}}
    port = {"containerPort": 65535, "hostPort": 65535}
    _, config = _configs(
        {
            "containers": [container | {"ports": [port]}],
            "terminationGracePeriodSeconds": LONGEST_GRACE,
            "securityContext": {"supplementalGroups": [2**31 - 1]},
        }
    )
    assert config.linux.resources.memory_limit_in_bytes == 2**63 - 1
    assert config.linux.resources.cpu_quota == 9_223_372_036_854_700_000
    assert pb.StopContainerRequest(timeout=LONGEST_GRACE).timeout == LONGEST_GRACE
