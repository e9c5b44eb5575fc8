"""What the runtime is asked for, for a sandbox or a container that a task defines."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from kubenode.model import names
from kubenode.model.cri_definitions import (
    AppArmorOptions,
    ContainerDefinition,
    MountOptions,
    PodDefinition,
    ResourceOptions,
    SeccompOptions,
    SELinuxLabels,
    Text,
)
from kubenode.model.cri_objects import Place, Room
from kubenode.model.names import PodKey
from kubenode.model.requests import CPU, MEMORY, amounts
from kubenode.model.settings import DEFAULT_CPU_PERIOD_US
from kubenode.model.specs import (
    AppArmor,
    ContainerSpec,
    Device,
    Dns,
    LinuxResources,
    Mount,
    Namespace,
    Namespaces,
    PortMapping,
    Propagation,
    SandboxSpec,
    Seccomp,
    SELinux,
)
from kubenode.plan.cri_definitions import to_annotation
from kubenode.plan.resources import huge_page_limits, quota_of, shares_of
from kubenode.plan.security import MASKED_PATHS, READONLY_PATHS, capabilities

DEFAULT_GRACE_SECONDS = 30
CGROUP = "kubenode"


def stable_uid(key: PodKey, node_name: str) -> str:
    """The same for the same pod of the same node, ever."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{key.name}.{key.namespace}.{node_name}.kubenode.io"))


def sandbox_spec(
    key: PodKey, definition: PodDefinition, uid: str, attempt: int, place: Place, kept: Mapping[str, Any]
) -> SandboxSpec:
    """`kept`: the definition as its annotation holds it."""
    security = definition.security
    logs = definition.log_directory or f"{place.logs}/{key.namespace}_{key.name}_{uid}"
    cgroup = definition.cgroup_parent or _cgroup(uid, place)
    # What a pod has to itself is told by annotations, and goes with it.
    own = {
        names.LOG_DIRECTORY: "" if definition.log_directory else logs,
        names.CGROUP_PARENT: "" if definition.cgroup_parent else cgroup,
    }
    return SandboxSpec(
        name=key.name,
        namespace=key.namespace,
        uid=uid,
        attempt=attempt,
        hostname="" if definition.host_network else definition.hostname or key.name.partition(".")[0][:63],
        log_directory=logs,
        cgroup_parent=cgroup,
        namespaces=_namespaces(definition),
        labels={**_texts(definition.labels), **pod_labels(key, uid)},
        annotations={
            **_texts(definition.annotations),
            **{name: value for name, value in own.items() if value},
            names.DEFINITION: to_annotation(kept),
        },
        ports=tuple(PortMapping(p.protocol, p.container_port, p.host_port, p.host_ip) for p in definition.ports),
        privileged=security.privileged,
        run_as_user=security.run_as_user,
        run_as_group=security.run_as_group,
        supplemental_groups=tuple(security.supplemental_groups),
        seccomp=_seccomp(security.seccomp),
        selinux=_selinux(security.selinux),
        sysctls=_texts(definition.sysctls),
        dns=Dns(tuple(definition.dns.servers), tuple(definition.dns.searches), tuple(definition.dns.options)),
        runtime_handler=definition.runtime_handler,
    )


def container_spec(
    definition: ContainerDefinition, attempt: int, room: Room, kept: Mapping[str, Any], salt: str
) -> ContainerSpec:
    """`kept`: the definition as its annotation holds it, with digests made with `salt`."""
    security = definition.security
    grace = DEFAULT_GRACE_SECONDS if definition.stop_grace_seconds is None else definition.stop_grace_seconds
    return ContainerSpec(
        name=definition.name,
        attempt=attempt,
        image=definition.image,
        command=_words(definition.command),
        args=_words(definition.args),
        working_dir=definition.working_dir,
        env=tuple(_texts(definition.env).items()),
        labels={
            **_texts(definition.labels),
            **pod_labels(room.key, room.uid),
            names.CONTAINER_NAME: definition.name,
        },
        annotations={
            **_texts(definition.annotations),
            names.RESTART_COUNT: str(attempt),
            names.GRACE_PERIOD: str(grace),
            names.DEFINITION: to_annotation(kept, salt),
        },
        log_path=definition.log_path or default_log_path(definition.name, attempt),
        resources=linux_resources(definition.resources),
        namespaces=room.namespaces,
        privileged=security.privileged,
        run_as_user=security.run_as_user,
        run_as_group=security.run_as_group,
        supplemental_groups=tuple(security.supplemental_groups),
        read_only_root=security.read_only_root,
        no_new_privileges=security.no_new_privileges,
        add_capabilities=capabilities(security.capabilities.add),
        drop_capabilities=capabilities(security.capabilities.drop),
        seccomp=_seccomp(security.seccomp),
        apparmor=_apparmor(security.apparmor),
        selinux=_selinux(security.selinux),
        masked_paths=() if security.privileged else MASKED_PATHS,
        readonly_paths=() if security.privileged else READONLY_PATHS,
        mounts=tuple(_mount(mount) for mount in definition.mounts),
        devices=tuple(
            Device(one.container_path or one.host_path, one.host_path, one.permissions) for one in definition.devices
        ),
        stdin=definition.stdin,
        stdin_once=definition.stdin_once,
        tty=definition.tty,
    )


def at_attempt(spec: ContainerSpec, attempt: int) -> ContainerSpec:
    """The same container under another number, with which its log goes where that is named by default."""
    default = spec.log_path == default_log_path(spec.name, spec.attempt)
    return dataclasses.replace(
        spec,
        attempt=attempt,
        annotations={**spec.annotations, names.RESTART_COUNT: str(attempt)},
        log_path=default_log_path(spec.name, attempt) if default else spec.log_path,
    )


def linux_resources(resources: ResourceOptions) -> LinuxResources:
    """A request that is missing is the limit. 0 of a value leaves it to the runtime."""
    limits, requests = amounts(resources.limits), amounts(resources.requests)
    cpu = requests.get(CPU, limits.get(CPU, 0))
    quota = quota_of(limits.get(CPU, 0), DEFAULT_CPU_PERIOD_US)
    return LinuxResources(
        cpu_shares=shares_of(cpu) if cpu else 0,
        cpu_period=DEFAULT_CPU_PERIOD_US if quota else 0,
        cpu_quota=quota,
        memory_limit=limits.get(MEMORY, 0),
        oom_score_adj=resources.oom_score_adj,
        huge_pages=huge_page_limits(limits),
    )


def default_log_path(name: str, attempt: int) -> str:
    return f"{name}/{attempt}.log"


def pod_labels(key: PodKey, uid: str) -> dict[str, str]:
    return {names.POD_NAME: key.name, names.POD_NAMESPACE: key.namespace, names.POD_UID: uid}


def _cgroup(uid: str, place: Place) -> str:
    if place.systemd:
        return f"{CGROUP}-pod{uid.replace('-', '_')}.slice"
    return f"{place.cgroup.rstrip('/')}/{CGROUP}/pod{uid}"


def _namespaces(definition: PodDefinition) -> Namespaces:
    pid = Namespace.POD if definition.share_process_namespace else Namespace.CONTAINER
    return Namespaces(
        network=Namespace.NODE if definition.host_network else Namespace.POD,
        pid=Namespace.NODE if definition.host_pid else pid,
        ipc=Namespace.NODE if definition.host_ipc else Namespace.POD,
    )


def _mount(mount: MountOptions) -> Mount:
    return Mount(
        mount.container_path,
        mount.host_path,
        mount.read_only or mount.recursive_read_only,
        mount.recursive_read_only,
        Propagation(mount.propagation),
        mount.image,
        mount.image_sub_path,
    )


def _seccomp(seccomp: SeccompOptions) -> Seccomp:
    return Seccomp(seccomp.type, seccomp.path)


def _apparmor(apparmor: AppArmorOptions | None) -> AppArmor | None:
    return AppArmor(apparmor.type, apparmor.profile) if apparmor else None


def _selinux(labels: SELinuxLabels | None) -> SELinux | None:
    return SELinux(labels.user, labels.role, labels.type, labels.level) if labels else None


def _texts(values: Mapping[str, Text]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _words(values: Iterable[Text]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)
