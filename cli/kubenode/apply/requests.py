"""Specifications of the plan as messages of the CRI."""

from __future__ import annotations

from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.specs import ContainerSpec, LinuxResources, Namespace, Namespaces, PortMapping, SandboxSpec, Seccomp

_MODES = {Namespace.POD: pb.POD, Namespace.CONTAINER: pb.CONTAINER, Namespace.NODE: pb.NODE}


def sandbox_config(spec: SandboxSpec) -> pb.PodSandboxConfig:
    security = pb.LinuxSandboxSecurityContext(
        namespace_options=_namespaces(spec.namespaces),
        run_as_user=_number(spec.run_as_user),
        run_as_group=_number(spec.run_as_group),
        supplemental_groups=spec.supplemental_groups,
        privileged=spec.privileged,
        seccomp=_seccomp(spec.seccomp),
    )
    return pb.PodSandboxConfig(
        metadata=pb.PodSandboxMetadata(name=spec.name, uid=spec.uid, namespace=spec.namespace, attempt=spec.attempt),
        hostname=spec.hostname,
        log_directory=spec.log_directory,
        port_mappings=[_port(port) for port in spec.ports],
        labels=dict(spec.labels),
        annotations=dict(spec.annotations),
        linux=pb.LinuxPodSandboxConfig(cgroup_parent=spec.cgroup_parent, security_context=security),
    )


def container_config(spec: ContainerSpec) -> pb.ContainerConfig:
    security = pb.LinuxContainerSecurityContext(
        namespace_options=_namespaces(spec.namespaces),
        capabilities=pb.Capability(add_capabilities=spec.add_capabilities, drop_capabilities=spec.drop_capabilities),
        privileged=spec.privileged,
        run_as_user=_number(spec.run_as_user),
        run_as_group=_number(spec.run_as_group),
        supplemental_groups=spec.supplemental_groups,
        readonly_rootfs=spec.read_only_root,
        no_new_privs=spec.no_new_privileges,
        masked_paths=spec.masked_paths,
        readonly_paths=spec.readonly_paths,
        seccomp=_seccomp(spec.seccomp),
    )
    return pb.ContainerConfig(
        metadata=pb.ContainerMetadata(name=spec.name, attempt=spec.attempt),
        image=pb.ImageSpec(image=spec.image, user_specified_image=spec.image),
        command=spec.command,
        args=spec.args,
        working_dir=spec.working_dir,
        envs=[pb.KeyValue(key=name, value=value.encode()) for name, value in spec.env],
        labels=dict(spec.labels),
        annotations=dict(spec.annotations),
        log_path=spec.log_path,
        stdin=spec.stdin,
        stdin_once=spec.stdin_once,
        tty=spec.tty,
        linux=pb.LinuxContainerConfig(resources=_resources(spec.resources), security_context=security),
    )


def _namespaces(namespaces: Namespaces) -> pb.NamespaceOption:
    return pb.NamespaceOption(
        network=_MODES[namespaces.network], pid=_MODES[namespaces.pid], ipc=_MODES[namespaces.ipc]
    )


def _port(port: PortMapping) -> pb.PortMapping:
    return pb.PortMapping(
        protocol=pb.Protocol.Value(port.protocol),
        container_port=port.container_port,
        host_port=port.host_port,
        host_ip=port.host_ip,
    )


def _seccomp(seccomp: Seccomp) -> pb.SecurityProfile:
    return pb.SecurityProfile(
        profile_type=pb.SecurityProfile.ProfileType.Value(seccomp.type), localhost_ref=seccomp.path
    )


def _resources(resources: LinuxResources) -> pb.LinuxContainerResources:
    return pb.LinuxContainerResources(
        cpu_period=resources.cpu_period,
        cpu_quota=resources.cpu_quota,
        cpu_shares=resources.cpu_shares,
        memory_limit_in_bytes=resources.memory_limit,
        oom_score_adj=resources.oom_score_adj,
    )


def _number(value: int | None) -> pb.Int64Value | None:
    return None if value is None else pb.Int64Value(value=value)
