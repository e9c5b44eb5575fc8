"""What a pod and its containers may do, from their security contexts by Kubernetes' rules."""

from __future__ import annotations

from collections.abc import Iterable

from kubenode.model.pod import Container, Pod, all_containers
from kubenode.model.security import AppArmorProfile, SeccompProfile, SELinuxOptions
from kubenode.model.settings import Settings
from kubenode.model.specs import AppArmor, Namespace, Namespaces, Seccomp, SELinux
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.problems import UnrunnableError

# What a container must not read or change of the host, unless its procMount is Unmasked.
MASKED_PATHS = (
    *("/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats"),
    *("/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"),
    *("/sys/devices/virtual/powercap",),
)
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
# The API server moves this annotation into the field; a static pod's manifest never passes one.
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
_APPARMOR_VALUES = {"runtime/default": AppArmor("RuntimeDefault"), "unconfined": AppArmor("Unconfined")}


def namespaces(desired: DesiredPod) -> Namespaces:
    """Whose namespaces the pod and its containers use.

    Raises UnrunnableError for hostUsers: false on a node that gave the pod no users of its own: it never runs as the
    host's instead.
    """
    spec = desired.pod.spec
    pid = Namespace.POD if spec.share_process_namespace else Namespace.CONTAINER
    if not spec.host_users and desired.user_namespace is None:
        raise UnrunnableError(
            "FailedCreatePodSandBox",
            f"pod {desired.key} has hostUsers: false and this node's container runtime cannot map users: update the "
            "runtime (containerd 2.0 and later can, on Linux 6.3 and later), or set hostUsers: true",
        )
    return Namespaces(
        network=Namespace.NODE if spec.host_network else Namespace.POD,
        pid=Namespace.NODE if spec.host_pid else pid,
        ipc=Namespace.NODE if spec.host_ipc else Namespace.POD,
        user=None if spec.host_users else desired.user_namespace,
    )


def is_privileged(pod: Pod) -> bool:
    """Whether one container is: its sandbox must be too."""
    return any(container.security_context.privileged for container in all_containers(pod.spec))


def user(container: Container, pod: Pod) -> int | None:
    own, pods = container.security_context.run_as_user, pod.spec.security_context.run_as_user
    return pods if own is None else own


def group(container: Container, pod: Pod) -> int | None:
    own, pods = container.security_context.run_as_group, pod.spec.security_context.run_as_group
    return pods if own is None else own


def must_not_be_root(container: Container, pod: Pod) -> bool:
    own, pods = container.security_context.run_as_non_root, pod.spec.security_context.run_as_non_root
    return bool(pods if own is None else own)


def supplemental_groups(pod: Pod) -> tuple[int, ...]:
    """The pod's own, and the group of its volumes."""
    context = pod.spec.security_context
    volumes = () if context.fs_group is None else (context.fs_group,)
    return tuple(dict.fromkeys((*context.supplemental_groups, *volumes)))


def supplemental_groups_policy(pod: Pod) -> str:
    """Merge: the groups that the image gives its user count too; Strict: they do not."""
    return pod.spec.security_context.supplemental_groups_policy or "Merge"


def capabilities(names: Iterable[str]) -> tuple[str, ...]:
    """As the runtime names them: without CAP_; ALL stays."""
    return tuple(name.upper().removeprefix("CAP_") for name in names)


def masked_paths(container: Container) -> tuple[str, ...]:
    return () if _sees_all_of_proc(container) else MASKED_PATHS


def readonly_paths(container: Container) -> tuple[str, ...]:
    return () if _sees_all_of_proc(container) else READONLY_PATHS


def _sees_all_of_proc(container: Container) -> bool:
    return container.security_context.privileged or container.security_context.proc_mount == "Unmasked"


def seccomp(container: Container, pod: Pod, settings: Settings) -> Seccomp:
    profile = container.security_context.seccomp_profile or pod.spec.security_context.seccomp_profile
    if profile is None:
        return Seccomp("RuntimeDefault" if settings.kubelet.seccomp_default else "Unconfined")
    return _seccomp(profile, settings)


def _seccomp(profile: SeccompProfile, settings: Settings) -> Seccomp:
    if profile.type == "Localhost":
        return Seccomp("Localhost", f"{settings.kubenode.root_directory}/seccomp/{profile.localhost_profile}")
    return Seccomp(profile.type)


def apparmor(container: Container, pod: Pod) -> AppArmor | None:
    """The container's field, else the annotation of old manifests, else the pod's field; None: the runtime's default.

    Raises UnrunnableError for an annotation that names no profile.
    """
    if profile := container.security_context.app_armor_profile:
        return _apparmor(profile)
    key = APPARMOR_ANNOTATION + container.name
    if key in pod.metadata.annotations:
        return _annotated(key, pod.metadata.annotations[key])
    profile = pod.spec.security_context.app_armor_profile
    return _apparmor(profile) if profile else None


def _apparmor(profile: AppArmorProfile) -> AppArmor:
    return AppArmor(profile.type, profile.localhost_profile)


def _annotated(key: str, value: str) -> AppArmor:
    kind, _, profile = value.partition("/")
    if kind == "localhost" and profile:
        return AppArmor("Localhost", profile)
    if value not in _APPARMOR_VALUES:
        raise UnrunnableError(
            "CreateContainerConfigError",
            f"annotation {key}: {value!r} names no profile: write runtime/default, unconfined or localhost/NAME, or "
            "use securityContext.appArmorProfile instead",
        )
    return _APPARMOR_VALUES[value]


def selinux(options: SELinuxOptions | None) -> SELinux | None:
    return SELinux(options.user, options.role, options.type, options.level) if options else None


def container_selinux(container: Container, pod: Pod) -> SELinux | None:
    return selinux(container.security_context.se_linux_options or pod.spec.security_context.se_linux_options)
