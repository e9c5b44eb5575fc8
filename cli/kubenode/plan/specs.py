"""What the runtime is to be asked for, for one pod: sandbox and container specifications."""

from __future__ import annotations

import hashlib

from kubenode.model import names
from kubenode.model.facts import NodeFacts
from kubenode.model.pod import Container, Pod, all_containers
from kubenode.model.requests import fixed_container
from kubenode.model.settings import Settings
from kubenode.model.specs import ContainerSpec, Mount, PortMapping, SandboxSpec
from kubenode.model.static_pod import DesiredPod, canonical
from kubenode.plan import security
from kubenode.plan.cgroups import pod_cgroup
from kubenode.plan.dns import dns
from kubenode.plan.environment import environment
from kubenode.plan.expansion import expand
from kubenode.plan.hooks import hook_of, hook_to_text
from kubenode.plan.hosts import HOSTS_PATH, hostname, hosts_file, mounts_hosts
from kubenode.plan.resources import linux_resources
from kubenode.plan.sysctls import pod_sysctls
from kubenode.plan.volumes import container_mounts, termination_log_path


def container_hash(container: Container) -> str:
    """Changes with anything in the container's manifest that only another container can have.

    CPU and memory can change while it runs, unless its resizePolicy says that it is to be restarted for them.
    """
    restarting = [one.resource_name for one in container.resize_policy if one.restart_policy == "RestartContainer"]
    return hashlib.sha256(canonical(fixed_container(container, restarting))).hexdigest()[:16]


def sandbox_spec(
    desired: DesiredPod, attempt: int, settings: Settings, node: NodeFacts, pod_started_at: float
) -> SandboxSpec:
    """`pod_started_at` in seconds since the epoch, whatever sandboxes came before. Raises UnrunnableError."""
    pod = desired.pod
    spec, metadata = pod.spec, pod.metadata
    context = spec.security_context
    parent = pod_cgroup(pod, settings).name if settings.kubelet.cgroups_per_qos else ""
    return SandboxSpec(
        name=metadata.name,
        namespace=metadata.namespace,
        uid=metadata.uid,
        attempt=attempt,
        hostname=hostname(pod, settings),
        log_directory=log_directory(pod, settings),
        cgroup_parent=parent,
        namespaces=security.namespaces(desired),
        labels={**metadata.labels, **_pod_labels(pod)},
        annotations={**metadata.annotations, **_sandbox_annotations(desired, settings, parent, pod_started_at)},
        ports=_port_mappings(pod),
        privileged=security.is_privileged(pod),
        run_as_user=context.run_as_user,
        run_as_group=context.run_as_group,
        supplemental_groups=security.supplemental_groups(pod),
        supplemental_groups_policy=security.supplemental_groups_policy(pod),
        selinux=security.selinux(context.se_linux_options),
        sysctls=pod_sysctls(pod),
        dns=dns(pod, settings, node.resolv),
        runtime_handler=spec.runtime_class_name,
    )


def container_spec(
    container: Container,
    attempt: int,
    delay: float | None,
    desired: DesiredPod,
    settings: Settings,
    node: NodeFacts,
    ips: tuple[str, ...],
    stop_order: int = 0,
) -> ContainerSpec:
    """`delay` is the back-off, in seconds, that came before this attempt; None for a first one. `ips` are the pod's.

    Raises UnrunnableError for what the manifest refers to and is not there.
    """
    pod, context = desired.pod, container.security_context
    env = environment(container, desired, ips, node)
    termination_log = _termination_log(container, attempt, pod, settings)
    return ContainerSpec(
        name=container.name,
        attempt=attempt,
        image=container.image,
        command=tuple(expand(part, env) for part in container.command),
        args=tuple(expand(part, env) for part in container.args),
        working_dir=container.working_dir,
        env=tuple(env.items()),
        labels={**_pod_labels(pod), names.CONTAINER_NAME: container.name},
        annotations=_container_annotations(container, attempt, delay, pod, stop_order),
        log_path=f"{container.name}/{attempt}.log",
        resources=linux_resources(container, pod, settings.memory_capacity, settings.cpu_quota_period),
        namespaces=security.namespaces(desired),
        privileged=context.privileged,
        run_as_user=security.user(container, pod),
        run_as_group=security.group(container, pod),
        run_as_non_root=security.must_not_be_root(container, pod),
        supplemental_groups=security.supplemental_groups(pod),
        supplemental_groups_policy=security.supplemental_groups_policy(pod),
        read_only_root=context.read_only_root_filesystem,
        no_new_privileges=context.allow_privilege_escalation is False,
        add_capabilities=security.capabilities(context.capabilities.add),
        drop_capabilities=security.capabilities(context.capabilities.drop),
        seccomp=security.seccomp(container, pod, settings),
        apparmor=security.apparmor(container, pod),
        selinux=security.container_selinux(container, pod),
        masked_paths=security.masked_paths(container),
        readonly_paths=security.readonly_paths(container),
        mounts=(
            *container_mounts(container, desired, env, settings)[0],
            *_hosts_mount(container, desired, settings),
            *([Mount(container.termination_message_path, termination_log)] if termination_log else []),
        ),
        termination_log=termination_log,
        stop_signal=container.lifecycle.stop_signal,
        stdin=container.stdin,
        stdin_once=container.stdin_once,
        tty=container.tty,
    )


def log_directory(pod: Pod, settings: Settings) -> str:
    metadata = pod.metadata
    return f"{settings.kubelet.pod_logs_dir}/{metadata.namespace}_{metadata.name}_{metadata.uid}"


def _hosts_mount(container: Container, desired: DesiredPod, settings: Settings) -> tuple[Mount, ...]:
    spec = hosts_file(desired, settings)
    return () if spec is None or mounts_hosts(container) else (Mount(HOSTS_PATH, spec.path),)


def _termination_log(container: Container, attempt: int, pod: Pod, settings: Settings) -> str:
    """Empty for a container that mounts something of its own there."""
    path = container.termination_message_path
    if not path or any(mount.mount_path.rstrip("/") == path.rstrip("/") for mount in container.volume_mounts):
        return ""
    return termination_log_path(pod, settings, container.name, attempt)


def _pod_labels(pod: Pod) -> dict[str, str]:
    metadata = pod.metadata
    return {names.POD_NAME: metadata.name, names.POD_NAMESPACE: metadata.namespace, names.POD_UID: metadata.uid}


def _sandbox_annotations(desired: DesiredPod, settings: Settings, parent: str, pod_started_at: float) -> dict[str, str]:
    return {
        names.CONFIG_SEEN: f"{desired.seen_at:.3f}",
        names.LOG_DIRECTORY: log_directory(desired.pod, settings),
        names.CGROUP_PARENT: parent,
        names.POD_STARTED: f"{pod_started_at:.3f}",
    }


def _container_annotations(
    container: Container, attempt: int, delay: float | None, pod: Pod, stop_order: int
) -> dict[str, str]:
    annotations = {
        names.CONTAINER_HASH: container_hash(container),
        names.RESTART_COUNT: str(attempt),
        names.TERMINATION_MESSAGE_PATH: container.termination_message_path,
        names.TERMINATION_MESSAGE_POLICY: container.termination_message_policy,
        names.GRACE_PERIOD: str(pod.spec.termination_grace_period_seconds),
    }
    if delay is not None:
        annotations[names.RESTART_BACKOFF] = f"{delay:g}"
    if stop_order:
        annotations[names.STOP_ORDER] = str(stop_order)
    if hook := hook_of(container.lifecycle.pre_stop, container):
        annotations[names.PRE_STOP] = hook_to_text(hook)
    return annotations


def _port_mappings(pod: Pod) -> tuple[PortMapping, ...]:
    if pod.spec.host_network:
        return ()
    return tuple(
        PortMapping(port.protocol, port.container_port, port.host_port, port.host_ip)
        for container in all_containers(pod.spec)
        for port in container.ports
    )
