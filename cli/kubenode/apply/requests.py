"""Specifications of the plan as messages of the CRI."""

from __future__ import annotations

from kubenode.clients.stubs import cri_pb2 as pb
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
    UserNamespace,
)

_MODES = {Namespace.POD: pb.POD, Namespace.CONTAINER: pb.CONTAINER, Namespace.NODE: pb.NODE}
_PROPAGATIONS = {
    Propagation.NONE: pb.PROPAGATION_PRIVATE,
    Propagation.HOST_TO_CONTAINER: pb.PROPAGATION_HOST_TO_CONTAINER,
    Propagation.BIDIRECTIONAL: pb.PROPAGATION_BIDIRECTIONAL,
}


def sandbox_config(spec: SandboxSpec) -> pb.PodSandboxConfig:
    security = pb.LinuxSandboxSecurityContext(
        namespace_options=_namespaces(spec.namespaces),
        selinux_options=_selinux(spec.selinux),
        run_as_user=_number(spec.run_as_user),
        run_as_group=_number(spec.run_as_group),
        supplemental_groups=spec.supplemental_groups,
        supplemental_groups_policy=pb.SupplementalGroupsPolicy.Value(spec.supplemental_groups_policy),
        privileged=spec.privileged,
        seccomp=_seccomp(spec.seccomp),
    )
    return pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(name=spec.name, uid=spec.uid, namespace=spec.namespace, attempt=spec.attempt),
        hostname=spec.hostname,
        log_directory=spec.log_directory,
        dns_config=_dns(spec.dns),
        port_mappings=[_port(port) for port in spec.ports],
        labels=dict(spec.labels),
        annotations=dict(spec.annotations),
        linux=pb.LinuxPodSandboxConfig(
            cgroup_parent=spec.cgroup_parent, security_context=security, sysctls=dict(spec.sysctls)
        ),
    )


def container_config(spec: ContainerSpec) -> pb.ContainerConfig:
    return pb.ContainerConfig(
        metadata=pb.ContainerMetadata(name=spec.name, attempt=spec.attempt),
        image=_image(spec.image),
        command=spec.command,
        args=spec.args,
        working_dir=spec.working_dir,
        envs=[pb.KeyValue(key=name, value=value.encode()) for name, value in spec.env],
        mounts=[_mount(mount, spec.namespaces.user) for mount in spec.mounts],
        devices=[_device(device) for device in spec.devices],
        labels=dict(spec.labels),
        annotations=dict(spec.annotations),
        log_path=spec.log_path,
        stdin=spec.stdin,
        stdin_once=spec.stdin_once,
        tty=spec.tty,
        linux=pb.LinuxContainerConfig(
            resources=container_resources(spec.resources), security_context=_container_security(spec)
        ),
        stop_signal=_signal(spec.stop_signal),
    )


def container_resources(resources: LinuxResources) -> pb.LinuxContainerResources:
    return pb.LinuxContainerResources(
        cpu_period=resources.cpu_period,
        cpu_quota=resources.cpu_quota,
        cpu_shares=resources.cpu_shares,
        memory_limit_in_bytes=resources.memory_limit,
        oom_score_adj=resources.oom_score_adj,
        hugepage_limits=[pb.HugepageLimit(page_size=size, limit=limit) for size, limit in resources.huge_pages],
    )


def _container_security(spec: ContainerSpec) -> pb.LinuxContainerSecurityContext:
    return pb.LinuxContainerSecurityContext(
        namespace_options=_namespaces(spec.namespaces),
        capabilities=pb.Capability(add_capabilities=spec.add_capabilities, drop_capabilities=spec.drop_capabilities),
        privileged=spec.privileged,
        selinux_options=_selinux(spec.selinux),
        run_as_user=_number(spec.run_as_user),
        run_as_group=_number(spec.run_as_group),
        supplemental_groups=spec.supplemental_groups,
        supplemental_groups_policy=pb.SupplementalGroupsPolicy.Value(spec.supplemental_groups_policy),
        readonly_rootfs=spec.read_only_root,
        no_new_privs=spec.no_new_privileges,
        masked_paths=spec.masked_paths,
        readonly_paths=spec.readonly_paths,
        seccomp=_seccomp(spec.seccomp),
        apparmor=_apparmor(spec.apparmor),
    )


def _namespaces(namespaces: Namespaces) -> pb.NamespaceOption:
    return pb.NamespaceOption(
        network=_MODES[namespaces.network],
        pid=_MODES[namespaces.pid],
        ipc=_MODES[namespaces.ipc],
        userns_options=_users(namespaces.user),
    )


def _users(users: UserNamespace | None) -> pb.UserNamespace:
    if users is None:
        return pb.UserNamespace(mode=pb.NODE)
    return pb.UserNamespace(mode=pb.POD, uids=[_mapping(users)], gids=[_mapping(users)])


def _mapping(users: UserNamespace) -> pb.IDMapping:
    return pb.IDMapping(host_id=users.host_id, container_id=0, length=users.length)


def _mount(mount: Mount, users: UserNamespace | None) -> pb.Mount:
    """Files belong to the pod's users as they do to the host's; the runtime maps an image's itself."""
    mapped = [] if users is None or mount.image else [_mapping(users)]
    return pb.Mount(
        container_path=mount.container_path,
        host_path=mount.host_path,
        readonly=mount.read_only,
        propagation=_PROPAGATIONS[mount.propagation],
        uidMappings=mapped,
        gidMappings=mapped,
        recursive_read_only=mount.recursive_read_only,
        image=_image(mount.image) if mount.image else None,
        image_sub_path=mount.image_sub_path,
    )


def _device(device: Device) -> pb.Device:
    return pb.Device(container_path=device.container_path, host_path=device.host_path, permissions=device.permissions)


def _image(reference: str) -> pb.ImageSpec:
    return pb.ImageSpec(image=reference, user_specified_image=reference)


def _signal(name: str) -> pb.Signal.ValueType:
    """Real-time signals are SIGRTMIN+1 or SIGRTMAX-1 in a manifest."""
    spelled = name.replace("+", "PLUS").replace("-", "MINUS") or "RUNTIME_DEFAULT"
    return pb.Signal.Value(f"SIGNAL_{spelled}")


def _dns(dns: Dns) -> pb.DNSConfig:
    return pb.DNSConfig(servers=dns.servers, searches=dns.searches, options=dns.options)


def _port(port: PortMapping) -> pb.PortMapping:
    return pb.PortMapping(
        protocol=pb.Protocol.Value(port.protocol),
        container_port=port.container_port,
        host_port=port.host_port,
        host_ip=port.host_ip,
    )


def _seccomp(seccomp: Seccomp) -> pb.SecurityProfile:
    return _profile(seccomp.type, seccomp.path)


def _apparmor(apparmor: AppArmor | None) -> pb.SecurityProfile | None:
    return _profile(apparmor.type, apparmor.profile) if apparmor else None


def _profile(kind: str, reference: str) -> pb.SecurityProfile:
    return pb.SecurityProfile(profile_type=pb.SecurityProfile.ProfileType.Value(kind), localhost_ref=reference)


def _selinux(selinux: SELinux | None) -> pb.SELinuxOption | None:
    if selinux is None:
        return None
    return pb.SELinuxOption(user=selinux.user, role=selinux.role, type=selinux.type, level=selinux.level)


def _number(value: int | None) -> pb.Int64Value | None:
    return None if value is None else pb.Int64Value(value=value)
