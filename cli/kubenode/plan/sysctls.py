"""Which kernel parameters a pod may set: its own namespaces' alone, and unsafe ones where the node allows them.

The rules are Kubernetes' own; see "Using sysctls in a Kubernetes Cluster" in its documentation.
"""

from __future__ import annotations

from kubenode.model.pod import Pod
from kubenode.model.settings import Settings

SAFE_SYSCTLS = frozenset(
    (
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    )
)
_IPC_PREFIXES = ("kernel.shm", "kernel.msg", "fs.mqueue.")


def with_dots(name: str) -> str:
    """The name with dots between its parts, where it has slashes: then dots stand for dots in an interface's name."""
    separator = next((letter for letter in name if letter in "./"), ".")
    return name if separator == "." else name.translate(str.maketrans("./", "/."))


def sysctl_namespace(name: str) -> str:
    """The namespace that a parameter, or a pattern of some, belongs to: ipc, net, or empty for the whole node's."""
    dotted = with_dots(name)
    if dotted == "kernel.sem" or dotted.startswith(_IPC_PREFIXES):
        return "ipc"
    return "net" if dotted.startswith("net.") else ""


def pod_sysctls(pod: Pod) -> dict[str, str]:
    """The parameters that the pod sets, as the runtime names them."""
    return {with_dots(sysctl.name): sysctl.value for sysctl in pod.spec.security_context.sysctls}


def forbidden_sysctl(pod: Pod, settings: Settings) -> str:
    """Why the pod may not set one of its parameters, the kubelet's SysctlForbidden; empty when it may set all."""
    refused = (_refusal(name, pod, settings.kubelet.allowed_unsafe_sysctls) for name in pod_sysctls(pod))
    return next(filter(None, refused), "")


def _refusal(name: str, pod: Pod, allowed: list[str]) -> str:
    namespace = sysctl_namespace(name)
    if namespace == "ipc" and pod.spec.host_ipc:
        return f"sysctl {name} would be set for the whole node, since the pod has hostIPC: remove one of them"
    if namespace == "net" and pod.spec.host_network:
        return f"sysctl {name} would be set for the whole node, since the pod has hostNetwork: remove one of them"
    if name in SAFE_SYSCTLS or any(_matches(with_dots(pattern), name) for pattern in allowed):
        return ""
    if not namespace:
        return f"sysctl {name} belongs to the whole node, not to a pod: set it on the node"
    return f"sysctl {name} is not a safe one: name it in allowedUnsafeSysctls of this node's KubeletConfiguration"


def _matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
