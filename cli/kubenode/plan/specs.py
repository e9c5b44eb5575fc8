"""What the runtime is to be asked for, for one pod: sandbox and container specifications."""

from __future__ import annotations

import hashlib

from kubenode.model import names
from kubenode.model.pod import Container, Pod
from kubenode.model.requests import fixed_container
from kubenode.model.security import SeccompProfile
from kubenode.model.settings import Settings
from kubenode.model.specs import ContainerSpec, Namespace, Namespaces, PortMapping, SandboxSpec, Seccomp
from kubenode.model.static_pod import DesiredPod, canonical
from kubenode.plan.expansion import environment, expand
from kubenode.plan.resources import cgroup_parent, linux_resources

# What an unprivileged container must not read or change of the host; the kubelet's default procMount.
MASKED_PATHS = (
    *("/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats"),
    *("/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"),
    *("/sys/devices/virtual/powercap",),
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
HOSTNAME_LENGTH = 63


def container_hash(container: Container) -> str:
    """Changes with anything in the container's manifest that only another container can have.

    CPU and memory can change while it runs, unless its resizePolicy says that it is to be restarted for them.
    """
    restarting = [one.resource_name for one in container.resize_policy if one.restart_policy == "RestartContainer"]
    return hashlib.sha256(canonical(fixed_container(container, restarting))).hexdigest()[:16]


def sandbox_spec(desired: DesiredPod, attempt: int, settings: Settings) -> SandboxSpec:
    pod = desired.pod
    spec, metadata = pod.spec, pod.metadata
    context = spec.security_context
    parent = cgroup_parent(pod, settings.kubelet.cgroup_root, settings.kubelet.cgroup_driver)
    return SandboxSpec(
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        attempt=attempt,
        hostname="" if spec.host_network else _hostname(pod),
        log_directory=log_directory(pod, settings),
        cgroup_parent=parent,
        namespaces=_namespaces(pod),
        labels={**metadata.labels, **_pod_labels(pod)},
        annotations={
            **metadata.annotations,
            names.CONFIG_SEEN: f"{desired.seen_at:.3f}",
            names.LOG_DIRECTORY: log_directory(pod, settings),
            names.CGROUP_PARENT: parent,
        },
        ports=_port_mappings(pod),
        privileged=any(container.security_context.privileged for container in spec.containers),
        run_as_user=context.run_as_user,
        run_as_group=context.run_as_group,
        supplemental_groups=tuple(context.supplemental_groups),
        runtime_handler=spec.runtime_class_name,
    )


def container_spec(
    container: Container, attempt: int, delay: float | None, pod: Pod, settings: Settings
) -> ContainerSpec:
    """`delay` is the back-off, in seconds, that came before this attempt; None for a first one."""
    context, pod_context = container.security_context, pod.spec.security_context
    env = environment(container.env)
    non_root = pod_context.run_as_non_root if context.run_as_non_root is None else context.run_as_non_root
    user = pod_context.run_as_user if context.run_as_user is None else context.run_as_user
    group = pod_context.run_as_group if context.run_as_group is None else context.run_as_group
    return ContainerSpec(
        name=container.name,
        attempt=attempt,
        image=container.image,
        command=tuple(expand(part, env) for part in container.command),
        args=tuple(expand(part, env) for part in container.args),
        working_dir=container.working_dir,
        env=tuple(env.items()),
        labels={**_pod_labels(pod), names.CONTAINER_NAME: container.name},
        annotations=_container_annotations(container, attempt, delay, pod),
        log_path=f"{container.name}/{attempt}.log",
        resources=linux_resources(container, pod, settings.memory_capacity),
        namespaces=_namespaces(pod),
        privileged=context.privileged,
        run_as_user=user,
        run_as_group=group,
        run_as_non_root=bool(non_root),
        supplemental_groups=tuple(pod_context.supplemental_groups),
        read_only_root=context.read_only_root_filesystem,
        no_new_privileges=context.allow_privilege_escalation is False,
        add_capabilities=tuple(context.capabilities.add),
        drop_capabilities=tuple(context.capabilities.drop),
        seccomp=_seccomp(context.seccomp_profile or pod_context.seccomp_profile, settings),
        masked_paths=() if context.privileged else MASKED_PATHS,
        readonly_paths=() if context.privileged else READONLY_PATHS,
        stdin=container.stdin,
        stdin_once=container.stdin_once,
        tty=container.tty,
    )


def log_directory(pod: Pod, settings: Settings) -> str:
    metadata = pod.metadata
    return f"{settings.kubelet.pod_logs_dir}/{metadata.namespace}_{metadata.name}_{metadata.uid}"


def _hostname(pod: Pod) -> str:
    return (pod.spec.hostname or pod.metadata.name)[:HOSTNAME_LENGTH].rstrip("-.")


def _pod_labels(pod: Pod) -> dict[str, str]:
    metadata = pod.metadata
    return {names.POD_NAME: metadata.name, names.POD_NAMESPACE: metadata.namespace, names.POD_UID: metadata.uid}


def _container_annotations(container: Container, attempt: int, delay: float | None, pod: Pod) -> dict[str, str]:
    annotations = {
        names.CONTAINER_HASH: container_hash(container),
        names.RESTART_COUNT: str(attempt),
        names.TERMINATION_MESSAGE_PATH: "/dev/termination-log",
        names.TERMINATION_MESSAGE_POLICY: "File",
        names.GRACE_PERIOD: str(pod.spec.termination_grace_period_seconds),
    }
    if delay is not None:
        annotations[names.RESTART_BACKOFF] = f"{delay:g}"
    return annotations


def _namespaces(pod: Pod) -> Namespaces:
    spec = pod.spec
    pid = Namespace.POD if spec.share_process_namespace else Namespace.CONTAINER
    return Namespaces(
        network=Namespace.NODE if spec.host_network else Namespace.POD,
        pid=Namespace.NODE if spec.host_pid else pid,
        ipc=Namespace.NODE if spec.host_ipc else Namespace.POD,
    )


def _port_mappings(pod: Pod) -> tuple[PortMapping, ...]:
    if pod.spec.host_network:
        return ()
    return tuple(
        PortMapping(port.protocol, port.container_port, port.host_port, port.host_ip)
        for container in pod.spec.containers
        for port in container.ports
    )


def _seccomp(profile: SeccompProfile | None, settings: Settings) -> Seccomp:
    if profile is None:
        return Seccomp("RuntimeDefault" if settings.kubelet.seccomp_default else "Unconfined")
    if profile.type == "Localhost":
        return Seccomp("Localhost", f"{settings.kubenode.root_directory}/seccomp/{profile.localhost_profile}")
    return Seccomp(profile.type)
