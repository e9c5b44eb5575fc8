"""`v1.SecurityContext` and `v1.PodSecurityContext`."""

from __future__ import annotations

import msgspec

from kubenode.model.schema import Object


class Capabilities(Object, frozen=True, kw_only=True):
    add: list[str] = []
    drop: list[str] = []


class SeccompProfile(Object, frozen=True, kw_only=True):
    type: str
    localhost_profile: str = ""


class AppArmorProfile(Object, frozen=True, kw_only=True):
    type: str
    localhost_profile: str = ""


class SELinuxOptions(Object, frozen=True, kw_only=True):
    user: str = ""
    role: str = ""
    type: str = ""
    level: str = ""


class Sysctl(Object, frozen=True, kw_only=True):
    name: str
    value: str


class SecurityContext(Object, frozen=True, kw_only=True):
    """A container's security context; unset fields fall back to the pod's."""

    privileged: bool = False
    allow_privilege_escalation: bool | None = None
    read_only_root_filesystem: bool = False
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    capabilities: Capabilities = Capabilities()
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: AppArmorProfile | None = None
    se_linux_options: SELinuxOptions | None = msgspec.field(name="seLinuxOptions", default=None)
    proc_mount: str = ""


class PodSecurityContext(Object, frozen=True, kw_only=True):
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    supplemental_groups: list[int] = []
    supplemental_groups_policy: str = ""
    fs_group: int | None = None
    fs_group_change_policy: str = ""
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: AppArmorProfile | None = None
    se_linux_options: SELinuxOptions | None = msgspec.field(name="seLinuxOptions", default=None)
    se_linux_change_policy: str = msgspec.field(name="seLinuxChangePolicy", default="")
    sysctls: list[Sysctl] = []
