"""Specifications as messages of the CRI."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from kubenode.apply.requests import container_config, container_resources, sandbox_config
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.specs import ContainerSpec, Mount, Propagation, UserNamespace
from kubenode.model.validation.probes import SIGNALS
from kubenode.model.validation.rules import LARGEST_INT32 as LONGEST_GRACE
from kubenode.plan.specs import container_spec, sandbox_spec
from support.plans import NODE, desired_pod, settings


def _spec(spec: dict[str, Any]) -> ContainerSpec:
    desired = desired_pod(spec)
    return container_spec(desired.pod.spec.containers[0], 1, None, desired, settings(), NODE, ())


def _configs(spec: dict[str, Any]) -> tuple[pb.PodSandboxConfig, pb.ContainerConfig]:
    desired = desired_pod(spec)
    container = container_spec(desired.pod.spec.containers[0], 1, None, desired, settings(), NODE, ())
    return sandbox_config(sandbox_spec(desired, 2, settings(), NODE, 0.0)), container_config(container)


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


def test_dns_sysctls_and_groups() -> None:
    config = {"nameservers": ["192.0.2.9"], "searches": ["a.test"], "options": [{"name": "ndots", "value": "1"}]}
    context = {"sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "0"}], "supplementalGroupsPolicy": "Strict"}
    sandbox, container = _configs({"dnsPolicy": "None", "dnsConfig": config, "securityContext": context})
    assert sandbox.dns_config == pb.DNSConfig(servers=["192.0.2.9"], searches=["a.test"], options=["ndots:1"])
    assert dict(sandbox.linux.sysctls) == {"net.ipv4.tcp_syncookies": "0"}
    for security in (sandbox.linux.security_context, container.linux.security_context):
        assert security.supplemental_groups_policy == pb.SupplementalGroupsPolicy.Strict


def test_profiles_and_labels() -> None:
    options = {"user": "u", "role": "r", "type": "t", "level": "s0"}
    profile = {"type": "Localhost", "localhostProfile": "mine"}
    sandbox, container = _configs({"securityContext": {"seLinuxOptions": options, "appArmorProfile": profile}})
    for security in (sandbox.linux.security_context, container.linux.security_context):
        assert security.selinux_options == pb.SELinuxOption(user="u", role="r", type="t", level="s0")
    wanted = pb.SecurityProfile(profile_type=pb.SecurityProfile.Localhost, localhost_ref="mine")
    assert container.linux.security_context.apparmor == wanted


def test_users_of_its_own() -> None:
    users = UserNamespace(host_id=2**30, length=65536)
    mapping = pb.IDMapping(host_id=2**30, container_id=0, length=65536)
    desired = dataclasses.replace(desired_pod({"hostUsers": False}), user_namespace=users)
    spec = container_spec(desired.pod.spec.containers[0], 1, None, desired, settings(), NODE, ())
    spec = dataclasses.replace(spec, mounts=(*spec.mounts, Mount("/image", image="r.test/data:1")))
    wanted = pb.UserNamespace(mode=pb.POD, uids=[mapping], gids=[mapping])
    sandbox, container = sandbox_config(sandbox_spec(desired, 0, settings(), NODE, 0.0)), container_config(spec)
    for options in (sandbox.linux.security_context, container.linux.security_context):
        assert options.namespace_options.userns_options == wanted
    *files, image = container.mounts
    assert all(list(mount.uidMappings) == list(mount.gidMappings) == [mapping] for mount in files)
    assert not image.uidMappings


def test_the_hosts_users_are_asked_for_by_name() -> None:
    for config in _configs({}):
        assert config.linux.security_context.namespace_options.userns_options == pb.UserNamespace(mode=pb.NODE)


PROPAGATIONS = [
    (Propagation.NONE, pb.PROPAGATION_PRIVATE),
    (Propagation.HOST_TO_CONTAINER, pb.PROPAGATION_HOST_TO_CONTAINER),
    (Propagation.BIDIRECTIONAL, pb.PROPAGATION_BIDIRECTIONAL),
]


@pytest.mark.parametrize(("propagation", "expected"), PROPAGATIONS)
def test_mounts(propagation: Propagation, expected: pb.MountPropagation.ValueType) -> None:
    spec = _spec({})
    mount = Mount("/data", "/srv", read_only=True, recursive_read_only=True, propagation=propagation)
    image = Mount("/image", image="r.test/data:1", image_sub_path="a/b")
    found = container_config(dataclasses.replace(spec, mounts=(mount, image))).mounts
    assert found[0] == pb.Mount(
        container_path="/data", host_path="/srv", readonly=True, recursive_read_only=True, propagation=expected
    )
    assert found[1].image.image == "r.test/data:1"
    assert (found[1].image_sub_path, found[1].host_path) == ("a/b", "")


def test_huge_pages() -> None:
    resources = dataclasses.replace(_spec({}).resources, huge_pages=(("2MB", 2**21),))
    assert list(container_resources(resources).hugepage_limits) == [pb.HugepageLimit(page_size="2MB", limit=2**21)]


@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_every_stop_signal_that_a_manifest_may_name_has_its_own_number(name: str) -> None:
    found = container_config(dataclasses.replace(_spec({}), stop_signal=f"SIG{name}")).stop_signal
    assert pb.Signal.Name(found).startswith(f"SIGNAL_SIG{name[:5]}")


def test_without_a_stop_signal_it_is_the_images() -> None:
    assert container_config(_spec({})).stop_signal == pb.SIGNAL_RUNTIME_DEFAULT


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
