"""What a pod is called, and its /etc/hosts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from kubenode.model.pod import Container, Pod
from kubenode.model.settings import Settings
from kubenode.model.specs import HostsFile
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.problems import UnrunnableError
from kubenode.plan.volume_paths import hosts_path

HOSTS_PATH = "/etc/hosts"
LABEL_LENGTH = 63
# The kernel's limit for a host's name.
KERNEL_LENGTH = 64
_HEADER = "# Written by kubenode for this pod; changes made here are lost."
_LOCAL = (
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
)


def hostname(pod: Pod, settings: Settings) -> str:
    """What the kernel calls the pod's machine; empty with hostNetwork, where it is the node's name.

    Raises UnrunnableError for a name that is too long with its domain.
    """
    if pod.spec.host_network:
        return ""
    short, domain = _names(pod, settings)
    if not (pod.spec.set_hostname_as_fqdn and domain):
        return short
    full = f"{short}.{domain}"
    if len(full) > KERNEL_LENGTH:
        raise UnrunnableError(
            "FailedCreatePodSandBox",
            f"setHostnameAsFQDN: {full} has {len(full)} characters and the kernel takes {KERNEL_LENGTH}: shorten "
            "hostname or subdomain",
        )
    return full


def hosts_file(desired: DesiredPod, settings: Settings) -> HostsFile | None:
    """The file that the pod's containers see; None where they see the node's own, with hostNetwork.

    A hostNetwork pod with hostAliases gets a copy of the node's with these added.
    """
    spec = desired.pod.spec
    if spec.host_network and not spec.host_aliases:
        return None
    short, domain = _names(desired.pod, settings)
    return HostsFile(
        path=hosts_path(desired.pod, settings),
        hostnames=(f"{short}.{domain}", short) if domain else (short,),
        aliases=tuple((alias.ip, tuple(alias.hostnames)) for alias in spec.host_aliases),
        copied_from=HOSTS_PATH if spec.host_network else "",
    )


def mounts_hosts(container: Container) -> bool:
    """Whether the container brings an /etc/hosts of its own."""
    return any(mount.mount_path.rstrip("/") == HOSTS_PATH for mount in container.volume_mounts)


def hosts_text(spec: HostsFile, ips: tuple[str, ...], copied: str = "") -> str:
    """The file's content; `ips` are the pod's, `copied` the content of `spec.copied_from`.

    An address or name that could be read as something else is left out.
    """
    own = (copied.rstrip("\n"),) if spec.copied_from else (*_LOCAL, *_lines((ip, spec.hostnames) for ip in ips))
    return "\n".join((_HEADER, *own, *_lines(spec.aliases))) + "\n"


def _lines(entries: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    for ip, hostnames in entries:
        usable = [name for name in hostnames if _is_word(name)]
        if usable and _is_address(ip):
            yield "\t".join((ip, *usable))


def _is_word(name: str) -> bool:
    return bool(name) and name.isascii() and name.isprintable() and " " not in name and "#" not in name


def _is_address(ip: str) -> bool:
    try:
        ip_address(ip)
    except ValueError:
        return False
    return _is_word(ip)


def _names(pod: Pod, settings: Settings) -> tuple[str, str]:
    """The pod's short name and its domain, which only a pod with a subdomain has."""
    spec, metadata = pod.spec, pod.metadata
    if spec.hostname_override is not None:
        return spec.hostname_override, ""
    short = (spec.hostname or metadata.name)[:LABEL_LENGTH].rstrip("-.")
    if not spec.subdomain:
        return short, ""
    parts = (spec.subdomain, metadata.namespace, "svc", settings.kubelet.cluster_domain)
    return short, ".".join(part for part in parts if part)
