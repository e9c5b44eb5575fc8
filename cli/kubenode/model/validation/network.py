"""A pod's names, name servers and ports on the node."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubenode.model.pod import Container, DnsConfig, PodSpec
from kubenode.model.validation.rules import Problem, address, label, one_of, quoted, subdomain, unique

DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
# Of the C library's resolver.
MAX_NAMESERVERS, MAX_SEARCHES, MAX_SEARCH_CHARACTERS = 3, 32, 2048
MAX_HOSTNAME = 64

# Search domains may have underscores, which names of hosts may not.
_SEARCH = re.compile(r"[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*")


def network_problems(spec: PodSpec, path: str) -> Iterator[Problem]:
    if spec.hostname:
        yield from label(f"{path}.hostname", spec.hostname)
    if spec.subdomain:
        yield from label(f"{path}.subdomain", spec.subdomain)
    yield from _hostname_override(spec, f"{path}.hostnameOverride")
    for index, alias in enumerate(spec.host_aliases):
        where = f"{path}.hostAliases[{index}]"
        yield from address(f"{where}.ip", alias.ip)
        for n, name in enumerate(alias.hostnames):
            yield from subdomain(f"{where}.hostnames[{n}]", name)
    yield from one_of(f"{path}.dnsPolicy", spec.dns_policy, DNS_POLICIES)
    if spec.dns_policy == "None" and not (spec.dns_config and spec.dns_config.nameservers):
        yield Problem(f"{path}.dnsPolicy", "None needs at least one address in dnsConfig.nameservers")
    if spec.dns_config:
        yield from _dns(spec.dns_config, f"{path}.dnsConfig")


def _hostname_override(spec: PodSpec, path: str) -> Iterator[Problem]:
    name = spec.hostname_override
    if name is None:
        return
    yield from subdomain(path, name)
    if len(name) > MAX_HOSTNAME:
        yield Problem(path, f"a host's name has at most {MAX_HOSTNAME} characters")
    if spec.host_network or spec.set_hostname_as_fqdn:
        other = "hostNetwork" if spec.host_network else "setHostnameAsFQDN"
        yield Problem(path, f"it cannot stand beside {other}: keep one of the two")


def _dns(config: DnsConfig, path: str) -> Iterator[Problem]:
    if len(config.nameservers) > MAX_NAMESERVERS:
        yield Problem(f"{path}.nameservers", f"a resolver asks at most {MAX_NAMESERVERS} name servers")
    for index, server in enumerate(config.nameservers):
        yield from address(f"{path}.nameservers[{index}]", server)
    if len(config.searches) > MAX_SEARCHES or len(" ".join(config.searches)) > MAX_SEARCH_CHARACTERS:
        limits = f"{MAX_SEARCHES} domains and {MAX_SEARCH_CHARACTERS} characters"
        yield Problem(f"{path}.searches", f"a resolver takes at most {limits}")
    for index, domain in enumerate(config.searches):
        name = domain.removesuffix(".")
        if domain != "." and (len(name) > 253 or not _SEARCH.fullmatch(name)):
            yield Problem(f"{path}.searches[{index}]", f"{quoted(domain)} is not a domain")
    for index, option in enumerate(config.options):
        text = f"{option.name}{option.value or ''}"
        if not option.name or any(letter.isspace() or not letter.isprintable() for letter in text):
            yield Problem(f"{path}.options[{index}]", "an option needs a name, and no blanks in name or value")


def host_port_problems(spec: PodSpec, path: str) -> Iterator[Problem]:
    """App containers share the host's ports; init containers run one after the other, each for itself."""
    for field, containers in (("containers", spec.containers), ("initContainers", spec.init_containers)):
        for index, container in enumerate(containers):
            for n, port in enumerate(container.ports):
                if spec.host_network and port.host_port not in (0, port.container_port):
                    where = f"{path}.{field}[{index}].ports[{n}].hostPort"
                    yield Problem(where, "with hostNetwork a hostPort must equal its containerPort")
    apps = (
        place for n, one in enumerate(spec.containers) for place in _host_ports(one, spec, f"{path}.containers[{n}]")
    )
    yield from unique(apps, "the host's port")
    for index, container in enumerate(spec.init_containers):
        yield from unique(_host_ports(container, spec, f"{path}.initContainers[{index}]"), "the host's port")


def _host_ports(container: Container, spec: PodSpec, path: str) -> Iterator[tuple[str, str]]:
    """On the host's network every container port is the host's."""
    for index, port in enumerate(container.ports):
        where = f"{path}.ports[{index}]"
        number = port.host_port or (port.container_port if spec.host_network else 0)
        if number:
            place = f"{port.host_ip}:{number}" if port.host_ip else f"{number}"
            yield f"{where}.{'hostPort' if port.host_port else 'containerPort'}", f"{place}/{port.protocol}"
