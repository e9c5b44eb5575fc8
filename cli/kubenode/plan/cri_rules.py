"""What speaks against a definition of a sandbox or a container, before a runtime is asked: a sentence each.

A sentence begins with the option that it is about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kubenode.model.cri_definitions import (
    AppArmorOptions,
    ContainerDefinition,
    MountOptions,
    PodDefinition,
    Port,
    ResourceOptions,
    SeccompOptions,
)
from kubenode.model.names import DNS_LABEL, DNS_SUBDOMAIN, PodKey
from kubenode.model.quantity import parse_quantity
from kubenode.model.requests import CPU, HUGE_PAGES, MEMORY
from kubenode.model.schema import Quantity

# Set by the modules themselves, or told by agents of what is theirs.
RESERVED = ("io.kubernetes.", "kubernetes.io/config.", "kubenode.io/")
LONGEST_LABEL = 63
PORTS = range(1, 65536)
OOM_SCORES = range(-1000, 1001)


def key_problems(key: PodKey, option: str) -> Iterator[str]:
    """`option`: that of the pod's name."""
    if not DNS_SUBDOMAIN.fullmatch(key.name):
        yield f"{option}: {key.name!r} cannot name a pod: use a-z, 0-9, - and dots, as in web-1."
    if not _is_label(key.namespace):
        yield f"namespace: {key.namespace!r} cannot name a namespace: use a-z, 0-9 and -, at most {LONGEST_LABEL}."


def pod_problems(definition: PodDefinition, config: Mapping[str, Any]) -> Iterator[str]:
    yield from _reserved(definition.labels, "labels")
    yield from _reserved(definition.annotations, "annotations")
    yield from _reserved_in_config(config, "config")
    yield from _ports(definition)
    if definition.hostname and not _is_label(definition.hostname):
        yield f"hostname: {definition.hostname!r} is no host name: use a-z, 0-9 and -, at most {LONGEST_LABEL}."
    if definition.hostname and definition.host_network:
        yield "hostname: a pod with host_network has the node's."
    if definition.host_pid and definition.share_process_namespace:
        yield "share_process_namespace: with host_pid the containers see the node's processes: set one of the two."
    if definition.log_directory and not _is_path(definition.log_directory):
        yield f"log_directory: {definition.log_directory!r} is no absolute path."
    security = definition.security
    yield from _profile(security.seccomp, "security.seccomp")
    yield from _group(security.run_as_user, security.run_as_group, "security")


def container_problems(
    containers: Sequence[ContainerDefinition], configs: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    if not containers:
        yield "containers: the list is empty."
    for name, count in Counter(one.name for one in containers).items():
        if count > 1:
            yield f"containers: {name!r} stands there {count} times."
    for index, (container, config) in enumerate(zip(containers, configs, strict=True)):
        yield from (f"containers[{index}].{problem}" for problem in _container(container, config))


def _container(container: ContainerDefinition, config: Mapping[str, Any]) -> Iterator[str]:
    if not _is_label(container.name):
        yield f"name: {container.name!r} cannot name a container: use a-z, 0-9 and -, at most {LONGEST_LABEL}."
    yield from _reserved(container.labels, "labels")
    yield from _reserved(container.annotations, "annotations")
    yield from _reserved_in_config(config, "config")
    for name in container.env:
        if not name or "=" in name:
            yield f"env: {name!r} cannot name a variable."
    for index, mount in enumerate(container.mounts):
        yield from (f"mounts[{index}].{problem}" for problem in _mount(mount))
    for index, device in enumerate(container.devices):
        if not device.permissions or set(device.permissions) - set("rwm"):
            yield f"devices[{index}].permissions: {device.permissions!r}: write some of r, w and m."
    if container.log_path and (container.log_path.startswith("/") or ".." in container.log_path.split("/")):
        yield f"log_path: {container.log_path!r} has to be a path below the pod's log_directory."
    if container.stop_grace_seconds is not None and container.stop_grace_seconds < 0:
        yield "stop_grace_seconds: it cannot be negative."
    yield from _resources(container.resources)
    security = container.security
    yield from _profile(security.seccomp, "security.seccomp")
    yield from _apparmor(security.apparmor)
    yield from _group(security.run_as_user, security.run_as_group, "security")


def _reserved(values: Iterable[str], where: str) -> Iterator[str]:
    for name in values:
        if name.startswith(RESERVED):
            yield f"{where}: {name!r} is set by those who run pods, and cannot be given."


def _reserved_in_config(config: Mapping[str, Any], where: str) -> Iterator[str]:
    yield from _reserved(config.get("labels", {}), f"{where}.labels")
    yield from _reserved(config.get("annotations", {}), f"{where}.annotations")


def _ports(definition: PodDefinition) -> Iterator[str]:
    if definition.ports and definition.host_network:
        yield "ports: a pod with host_network has the node's ports already."
    for index, port in enumerate(definition.ports):
        for field, value in (("container_port", port.container_port), ("host_port", port.host_port)):
            if value not in PORTS:
                yield f"ports[{index}].{field}: {value} is no port: write {PORTS.start} to {PORTS.stop - 1}."
    for one, count in Counter(map(_taken, definition.ports)).items():
        if count > 1:
            yield f"ports: host port {one[0]}/{one[1]} is taken {count} times."


def _taken(port: Port) -> tuple[int, str, str]:
    return port.host_port, port.protocol, port.host_ip


def _mount(mount: MountOptions) -> Iterator[str]:
    if not _is_path(mount.container_path):
        yield f"container_path: {mount.container_path!r} is no absolute path."
    if bool(mount.host_path) == bool(mount.image):
        yield "host_path: set either this or image."
    if mount.host_path and not _is_path(mount.host_path):
        yield f"host_path: {mount.host_path!r} is no absolute path."
    if mount.image_sub_path and not mount.image:
        yield "image_sub_path: it is a path in an image, and there is none."
    if mount.recursive_read_only and mount.propagation != "None":
        yield "recursive_read_only: only with propagation None."


def _resources(resources: ResourceOptions) -> Iterator[str]:
    for name, amount in resources.requests.items():
        if name != CPU:
            yield f"resources.requests.{name}: a runtime can only be asked for cpu; set a limit instead."
        yield from _quantity(f"resources.requests.{name}", amount)
    for name, amount in resources.limits.items():
        if name not in (CPU, MEMORY) and not name.startswith(HUGE_PAGES):
            yield f"resources.limits.{name}: there are limits of cpu, memory and {HUGE_PAGES}2Mi and the like."
        yield from _quantity(f"resources.limits.{name}", amount)
    if resources.oom_score_adj not in OOM_SCORES:
        yield f"resources.oom_score_adj: {resources.oom_score_adj} is out of range: write -1000 to 1000."


def _quantity(where: str, amount: Quantity) -> Iterator[str]:
    try:
        if parse_quantity(amount) <= 0:
            yield f"{where}: {amount} is nothing: leave it out, or write more."
    except ValueError as error:
        yield f"{where}: {error}"


def _profile(seccomp: SeccompOptions, where: str) -> Iterator[str]:
    if (seccomp.type == "Localhost") != bool(seccomp.path):
        yield f"{where}.path: it belongs to the type Localhost, which needs it."
    if seccomp.path and not _is_path(seccomp.path):
        yield f"{where}.path: {seccomp.path!r} is no absolute path."


def _apparmor(apparmor: AppArmorOptions | None) -> Iterator[str]:
    if apparmor is not None and (apparmor.type == "Localhost") != bool(apparmor.profile):
        yield "security.apparmor.profile: it belongs to the type Localhost, which needs it."


def _group(user: int | None, group: int | None, where: str) -> Iterator[str]:
    if group is not None and user is None:
        yield f"{where}.run_as_group: only together with run_as_user."


def _is_label(text: str) -> bool:
    return len(text) <= LONGEST_LABEL and DNS_LABEL.fullmatch(text) is not None


def _is_path(text: str) -> bool:
    return text.startswith("/") and ".." not in text.split("/")
