"""Security contexts of pods and containers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubenode.model.pod import PodSpec
from kubenode.model.security import AppArmorProfile, PodSecurityContext, SeccompProfile, SecurityContext, Sysctl
from kubenode.model.validation.rules import LARGEST_INT32, Problem, number, one_of, quoted, unique

PROFILE_TYPES = ("RuntimeDefault", "Unconfined", "Localhost")
MAX_PROFILE_NAME = 4095
MAX_SYSCTL = 253
IPC_SYSCTLS = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")

_SYSCTL = re.compile(r"[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*")


def container_security_problems(context: SecurityContext, spec: PodSpec, path: str) -> Iterator[Problem]:
    yield from _user(context.run_as_user, f"{path}.runAsUser")
    yield from _user(context.run_as_group, f"{path}.runAsGroup")
    yield from _profiles(context, path)
    if context.proc_mount:
        yield from one_of(f"{path}.procMount", context.proc_mount, ("Default", "Unmasked"))
    if context.proc_mount == "Unmasked" and spec.host_users:
        yield Problem(f"{path}.procMount", "Unmasked needs a user namespace: write hostUsers: false in the pod's spec")
    if context.allow_privilege_escalation is False:
        where = f"{path}.allowPrivilegeEscalation"
        if context.privileged:
            yield Problem(where, "a privileged container can always escalate: remove one")
        elif {"SYS_ADMIN", "CAP_SYS_ADMIN"} & set(context.capabilities.add):
            yield Problem(where, "a container with SYS_ADMIN can always escalate: remove one")


def pod_security_problems(spec: PodSpec, path: str) -> Iterator[Problem]:
    context = spec.security_context
    yield from _user(context.run_as_user, f"{path}.runAsUser")
    yield from _user(context.run_as_group, f"{path}.runAsGroup")
    yield from _user(context.fs_group, f"{path}.fsGroup")
    for index, group in enumerate(context.supplemental_groups):
        yield from _user(group, f"{path}.supplementalGroups[{index}]")
    for field, value, allowed in (
        ("supplementalGroupsPolicy", context.supplemental_groups_policy, ("Merge", "Strict")),
        ("fsGroupChangePolicy", context.fs_group_change_policy, ("Always", "OnRootMismatch")),
        ("seLinuxChangePolicy", context.se_linux_change_policy, ("Recursive", "MountOption")),
    ):
        if value:
            yield from one_of(f"{path}.{field}", value, allowed)
    yield from _profiles(context, path)
    yield from _sysctls(context.sysctls, spec, f"{path}.sysctls")


def host_user_problems(spec: PodSpec, path: str) -> Iterator[Problem]:
    if spec.host_users:
        return
    for field, there in (("hostNetwork", spec.host_network), ("hostPID", spec.host_pid), ("hostIPC", spec.host_ipc)):
        if there:
            yield Problem(f"{path}.{field}", "a pod with users of its own (hostUsers: false) cannot have it")


def _user(value: int | None, path: str) -> Iterator[Problem]:
    yield from number(path, value, 0, LARGEST_INT32, "is the range of users and groups")


def _profiles(context: SecurityContext | PodSecurityContext, path: str) -> Iterator[Problem]:
    if context.seccomp_profile:
        yield from _seccomp(context.seccomp_profile, f"{path}.seccompProfile")
    if context.app_armor_profile:
        yield from _app_armor(context.app_armor_profile, f"{path}.appArmorProfile")


def _seccomp(profile: SeccompProfile, path: str) -> Iterator[Problem]:
    yield from _kind(profile, path)
    local = profile.localhost_profile
    if profile.type == "Localhost" and (not local or local.startswith("/") or ".." in local.split("/")):
        yield Problem(f"{path}.localhostProfile", "write a path below the seccomp directory, without '..'")


def _app_armor(profile: AppArmorProfile, path: str) -> Iterator[Problem]:
    yield from _kind(profile, path)
    local = profile.localhost_profile
    if profile.type == "Localhost" and (not local or local != local.strip() or len(local) > MAX_PROFILE_NAME):
        yield Problem(f"{path}.localhostProfile", "write the name of a profile that is loaded on the node")


def _kind(profile: SeccompProfile | AppArmorProfile, path: str) -> Iterator[Problem]:
    yield from one_of(f"{path}.type", profile.type, PROFILE_TYPES)
    if profile.type != "Localhost" and profile.localhost_profile:
        yield Problem(f"{path}.localhostProfile", "it goes only with type: Localhost: remove one of the two")


def _sysctls(sysctls: list[Sysctl], spec: PodSpec, path: str) -> Iterator[Problem]:
    for index, sysctl in enumerate(sysctls):
        where = f"{path}[{index}].name"
        name = sysctl.name.replace("/", ".")
        if len(name) > MAX_SYSCTL or not _SYSCTL.fullmatch(sysctl.name):
            yield Problem(where, f"{quoted(sysctl.name)} is not a kernel parameter, as in net.core.somaxconn")
        if spec.host_network and name.startswith("net."):
            yield Problem(where, "with hostNetwork it would change the node: set it there")
        if spec.host_ipc and name.startswith(IPC_SYSCTLS):
            yield Problem(where, "with hostIPC it would change the node: set it there")
    named = ((f"{path}[{n}].name", sysctl.name.replace("/", ".")) for n, sysctl in enumerate(sysctls))
    yield from unique(named, "the kernel parameter")
