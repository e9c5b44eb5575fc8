"""What the runtime is asked for: from a manifest to the specifications of sandbox and containers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from kubenode.model import names
from kubenode.model.settings import KubeletConfiguration, Settings
from kubenode.model.specs import ContainerSpec, Mount, Namespace, PortMapping, SandboxSpec, Seccomp, SleepHook
from kubenode.plan.hooks import hook_from_text
from kubenode.plan.security import MASKED_PATHS, READONLY_PATHS
from kubenode.plan.specs import container_hash, container_spec, sandbox_spec
from support.plans import NODE, desired_pod, settings


def _sandbox(spec: dict[str, Any]) -> SandboxSpec:
    return sandbox_spec(desired_pod(spec), 3, settings(), NODE, 50.0)


def _container(fields: dict[str, Any] | None = None, node: Settings | None = None, **spec: Any) -> ContainerSpec:
    desired = desired_pod({"containers": [{"name": "app", **(fields or {})}], **spec})
    return container_spec(desired.pod.spec.containers[0], 2, 10.0, desired, node or settings(), NODE, ("10.0.0.9",))


def test_a_sandbox_is_called_as_the_kubelet_calls_it() -> None:
    found = _sandbox({})
    assert (found.name, found.namespace, found.uid, found.attempt) == ("web-node", "default", "u1", 3)
    assert found.log_directory == "/var/log/pods/default_web-node_u1"
    assert found.cgroup_parent == "/kubepods/besteffort/podu1"
    assert found.labels == {names.POD_NAME: "web-node", names.POD_NAMESPACE: "default", names.POD_UID: "u1"}
    assert found.annotations[names.CONFIG_SEEN] == "0.000"
    assert found.annotations[names.POD_STARTED] == "50.000"


def test_a_container_is_called_as_the_kubelet_calls_it() -> None:
    found = _container()
    assert (found.name, found.attempt, found.log_path) == ("app", 2, "app/2.log")
    assert found.labels[names.CONTAINER_NAME] == "app"
    assert found.labels[names.POD_UID] == "u1"
    assert found.annotations[names.RESTART_COUNT] == "2"
    assert found.annotations[names.RESTART_BACKOFF] == "10"
    assert found.annotations[names.GRACE_PERIOD] == "30"


NAMESPACES = [
    ({}, (Namespace.POD, Namespace.CONTAINER, Namespace.POD)),
    ({"hostNetwork": True}, (Namespace.NODE, Namespace.CONTAINER, Namespace.POD)),
    ({"hostPID": True}, (Namespace.POD, Namespace.NODE, Namespace.POD)),
    ({"hostIPC": True}, (Namespace.POD, Namespace.CONTAINER, Namespace.NODE)),
    ({"shareProcessNamespace": True}, (Namespace.POD, Namespace.POD, Namespace.POD)),
]


@pytest.mark.parametrize(("spec", "expected"), NAMESPACES)
def test_namespaces(spec: dict[str, Any], expected: tuple[Namespace, ...]) -> None:
    for found in (_sandbox(spec).namespaces, _container(None, None, **spec).namespaces):
        assert (found.network, found.pid, found.ipc) == expected


@pytest.mark.parametrize(
    ("spec", "hostname"),
    [({}, "web-node"), ({"hostname": "mine"}, "mine"), ({"hostNetwork": True, "hostname": "mine"}, "")],
)
def test_hostname(spec: dict[str, Any], hostname: str) -> None:
    assert _sandbox(spec).hostname == hostname


PORTS = [{"name": "app", "ports": [{"containerPort": 80, "hostPort": 8080, "hostIP": "10.0.0.1", "protocol": "UDP"}]}]


def test_ports_are_mapped_but_not_on_the_hosts_network() -> None:
    assert _sandbox({"containers": PORTS}).ports == (PortMapping("UDP", 80, 8080, "10.0.0.1"),)
    assert _sandbox({"containers": PORTS, "hostNetwork": True}).ports == ()


def test_one_privileged_container_makes_a_privileged_sandbox() -> None:
    containers = ["app", {"name": "side", "securityContext": {"privileged": True}}]
    assert (_sandbox({}).privileged, _sandbox({"containers": containers}).privileged) == (False, True)


HOSTS = Mount("/etc/hosts", "/var/lib/kubelet/pods/u1/etc-hosts")
TERMINATION_LOG = "/var/lib/kubelet/pods/u1/containers/app/2"


def test_a_container_has_the_pods_hosts_file_and_a_file_for_its_last_words() -> None:
    found = _container()
    assert found.mounts == (HOSTS, Mount("/dev/termination-log", TERMINATION_LOG))
    assert found.termination_log == TERMINATION_LOG
    fields = {"terminationMessagePath": "/tmp/said", "terminationMessagePolicy": "FallbackToLogsOnError"}
    found = _container(fields)
    assert found.mounts[-1] == Mount("/tmp/said", TERMINATION_LOG)
    assert found.annotations[names.TERMINATION_MESSAGE_PATH] == "/tmp/said"
    assert found.annotations[names.TERMINATION_MESSAGE_POLICY] == "FallbackToLogsOnError"


def test_what_the_container_or_the_node_brings_is_not_mounted_over() -> None:
    volumes = [{"name": "v", "emptyDir": {}}]
    mounts = [{"name": "v", "mountPath": path} for path in ("/etc/hosts", "/dev/termination-log")]
    found = _container({"volumeMounts": mounts}, volumes=volumes)
    assert {mount.host_path for mount in found.mounts} == {"/var/lib/kubelet/pods/u1/volumes/kubernetes.io~empty-dir/v"}
    assert found.termination_log == ""
    assert HOSTS.container_path not in {mount.container_path for mount in _container(hostNetwork=True).mounts}


def test_what_outlives_the_manifest_stands_on_the_container() -> None:
    desired = desired_pod({"containers": [{"name": "app", "lifecycle": {"preStop": {"sleep": {"seconds": 3}}}}]})
    found = container_spec(desired.pod.spec.containers[0], 0, None, desired, settings(), NODE, (), 2)
    assert found.annotations[names.STOP_ORDER] == "2"
    assert hook_from_text(found.annotations[names.PRE_STOP]) == SleepHook(3)
    assert not {names.STOP_ORDER, names.PRE_STOP} & _container().annotations.keys()


def test_commands_arguments_and_environment_are_expanded() -> None:
    found = _container(
        {
            "command": ["sh", "-c", "echo $(A) $$(A) $(NONE)"],
            "args": ["$(B)"],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "<$(A)>"}],
        }
    )
    assert found.command == ("sh", "-c", "echo 1 $(A) $(NONE)")
    assert (found.args, found.env) == (("<1>",), (("A", "1"), ("B", "<1>")))


def test_the_containers_security_counts_over_the_pods() -> None:
    context = {"runAsUser": 1, "runAsGroup": 2, "runAsNonRoot": True, "supplementalGroups": [7]}
    own = {"securityContext": {"runAsUser": 0, "runAsNonRoot": False}}
    inherited = _container(securityContext=context)
    assert (inherited.run_as_user, inherited.run_as_group, inherited.run_as_non_root) == (1, 2, True)
    changed = _container(own, securityContext=context)
    assert (changed.run_as_user, changed.run_as_group, changed.run_as_non_root) == (0, 2, False)
    assert inherited.supplemental_groups == changed.supplemental_groups == (7,)


@pytest.mark.parametrize(("allow", "no_new"), [(None, False), (True, False), (False, True)])
def test_escalation(allow: bool | None, no_new: bool) -> None:
    assert _container({"securityContext": {"allowPrivilegeEscalation": allow}}).no_new_privileges is no_new


def test_only_a_privileged_container_sees_all_of_proc() -> None:
    assert (_container().masked_paths, _container().readonly_paths) == (MASKED_PATHS, READONLY_PATHS)
    privileged = _container({"securityContext": {"privileged": True}})
    assert (privileged.masked_paths, privileged.readonly_paths) == ((), ())


LOCAL = {"type": "Localhost", "localhostProfile": "a/b.json"}
BY_DEFAULT = Settings(kubelet=KubeletConfiguration(seccomp_default=True), node_name="node")
SECCOMP = [
    (None, None, settings(), Seccomp("Unconfined")),
    (None, None, BY_DEFAULT, Seccomp("RuntimeDefault")),
    ({"type": "RuntimeDefault"}, None, settings(), Seccomp("RuntimeDefault")),
    ({"type": "RuntimeDefault"}, {"type": "Unconfined"}, BY_DEFAULT, Seccomp("Unconfined")),
    (None, LOCAL, settings(), Seccomp("Localhost", "/var/lib/kubelet/seccomp/a/b.json")),
]


@pytest.mark.parametrize(("pods", "own", "node", "expected"), SECCOMP)
def test_seccomp(pods: dict[str, str] | None, own: dict[str, str] | None, node: Settings, expected: Seccomp) -> None:
    fields = {"securityContext": {"seccompProfile": own}} if own else {}
    context = {"seccompProfile": pods} if pods else {}
    assert _container(fields, node, securityContext=context).seccomp == expected


def test_a_hash_follows_the_meaning() -> None:
    (one,) = desired_pod().pod.spec.containers
    (same,) = desired_pod({"containers": [{"name": "app", "stdin": False, "env": []}]}).pod.spec.containers
    assert container_hash(one) == container_hash(same)
    for change in ({"image": "other"}, {"command": ["a"]}, {"tty": True}):
        assert container_hash(msgspec.structs.replace(one, **change)) != container_hash(one)


def _hash(policy: list[dict[str, str]], **requests: str) -> str:
    fields = {"name": "app", "resources": {"requests": requests}, "resizePolicy": policy}
    return container_hash(desired_pod({"containers": [fields]}).pod.spec.containers[0])


RESTART = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
IN_PLACE = [{"resourceName": "memory", "restartPolicy": "NotRequired"}]


@pytest.mark.parametrize("policy", [[], IN_PLACE, RESTART])
def test_cpu_changes_in_place(policy: list[dict[str, str]]) -> None:
    assert _hash(policy, cpu="1") == _hash(policy, cpu="2") == _hash(policy)


@pytest.mark.parametrize(("policy", "same"), [([], True), (IN_PLACE, True), (RESTART, False)])
def test_a_resize_policy_decides_whether_more_memory_is_another_container(
    policy: list[dict[str, str]], same: bool
) -> None:
    assert (_hash(policy, memory="1Gi") == _hash(policy, memory="2Gi")) is same


def test_other_resources_need_another_container() -> None:
    assert _hash([]) != _hash([], **{"ephemeral-storage": "1Gi"})
