"""Security contexts: what the runtime is told of users, groups, capabilities, profiles."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec
import pytest

from kubenode.model.specs import AppArmor, ContainerSpec, SELinux, UserNamespace
from kubenode.plan.problems import UnrunnableError
from kubenode.plan.security import APPARMOR_ANNOTATION, MASKED_PATHS, apparmor
from kubenode.plan.specs import container_spec, sandbox_spec
from support.plans import NODE, desired_pod, settings


def _container(own: dict[str, Any] | None = None, pods: dict[str, Any] | None = None) -> ContainerSpec:
    containers = [{"name": "app", "securityContext": own or {}}]
    desired = desired_pod({"containers": containers, "securityContext": pods or {}})
    return container_spec(desired.pod.spec.containers[0], 0, None, desired, settings(), NODE, ())


def test_the_group_of_the_volumes_is_one_of_the_users_groups() -> None:
    context = {"supplementalGroups": [7, 8], "fsGroup": 9, "supplementalGroupsPolicy": "Strict"}
    sandbox = sandbox_spec(desired_pod({"securityContext": context}), 0, settings(), NODE, 0.0)
    for found in (_container({}, context), sandbox):
        assert (found.supplemental_groups, found.supplemental_groups_policy) == ((7, 8, 9), "Strict")
    assert _container({}, {"supplementalGroups": [9], "fsGroup": 9}).supplemental_groups == (9,)
    assert _container().supplemental_groups_policy == "Merge"


def test_capabilities_are_named_as_the_runtime_names_them() -> None:
    found = _container({"capabilities": {"add": ["CAP_NET_ADMIN", "sys_time"], "drop": ["ALL"]}})
    assert (found.add_capabilities, found.drop_capabilities) == (("NET_ADMIN", "SYS_TIME"), ("ALL",))


@pytest.mark.parametrize(("mount", "masked"), [("", MASKED_PATHS), ("Default", MASKED_PATHS), ("Unmasked", ())])
def test_proc_mount(mount: str, masked: tuple[str, ...]) -> None:
    found = _container({"procMount": mount})
    assert found.masked_paths == masked
    assert bool(found.readonly_paths) is bool(masked)


def test_selinux_of_the_container_counts_whole() -> None:
    pods = {"seLinuxOptions": {"level": "s0:c1", "type": "t"}}
    assert _container({}, pods).selinux == SELinux(type="t", level="s0:c1")
    assert _container({"seLinuxOptions": {"level": "s0:c2"}}, pods).selinux == SELinux(level="s0:c2")
    assert _container().selinux is None


LOCAL = {"type": "Localhost", "localhostProfile": "mine"}
UNCONFINED = {"type": "Unconfined"}
PROFILES = [
    (None, None, None, None),
    (LOCAL, None, None, AppArmor("Localhost", "mine")),
    (LOCAL, "unconfined", UNCONFINED, AppArmor("Localhost", "mine")),
    (None, "localhost/old", UNCONFINED, AppArmor("Localhost", "old")),
    (None, "runtime/default", UNCONFINED, AppArmor("RuntimeDefault")),
    (None, "unconfined", None, AppArmor("Unconfined")),
    (None, None, LOCAL, AppArmor("Localhost", "mine")),
]


def _apparmor(own: Any, annotation: str | None, pods: Any) -> AppArmor | None:
    contexts = [{"appArmorProfile": profile} if profile else {} for profile in (own, pods)]
    pod = desired_pod(
        {"containers": [{"name": "app", "securityContext": contexts[0]}], "securityContext": contexts[1]}
    ).pod
    annotations = {} if annotation is None else {APPARMOR_ANNOTATION + "app": annotation}
    pod = msgspec.structs.replace(pod, metadata=msgspec.structs.replace(pod.metadata, annotations=annotations))
    return apparmor(pod.spec.containers[0], pod)


@pytest.mark.parametrize(("own", "annotation", "pods", "expected"), PROFILES)
def test_apparmor(own: Any, annotation: str | None, pods: Any, expected: AppArmor | None) -> None:
    assert _apparmor(own, annotation, pods) == expected


@pytest.mark.parametrize("annotation", ["", "localhost/", "mine", "runtime/other"])
def test_an_annotation_that_names_no_profile_is_never_passed_over(annotation: str) -> None:
    with pytest.raises(UnrunnableError, match="appArmorProfile"):
        _apparmor(None, annotation, None)


OWN_USERS = {"hostUsers": False}


def test_a_pod_never_runs_as_the_hosts_users_instead_of_its_own() -> None:
    desired = desired_pod(OWN_USERS)
    with pytest.raises(UnrunnableError, match="hostUsers: false") as caught:
        sandbox_spec(desired, 0, settings(), NODE, 0.0)
    assert caught.value.reason == "FailedCreatePodSandBox"
    with pytest.raises(UnrunnableError, match="hostUsers: false"):
        container_spec(desired.pod.spec.containers[0], 0, None, desired, settings(), NODE, ())


def test_sandbox_and_container_have_the_same_users() -> None:
    users = UserNamespace(host_id=2**30, length=65536)
    desired = dataclasses.replace(desired_pod(OWN_USERS), user_namespace=users)
    sandbox = sandbox_spec(desired, 0, settings(), NODE, 0.0)
    container = container_spec(desired.pod.spec.containers[0], 0, None, desired, settings(), NODE, ())
    assert sandbox.namespaces.user == container.namespaces.user == users
    assert sandbox_spec(desired_pod(), 0, settings(), NODE, 0.0).namespaces.user is None
