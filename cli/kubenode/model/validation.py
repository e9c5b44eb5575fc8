"""The rules of a static pod beyond its types. Each problem carries the JSON path of the value that breaks a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from ipaddress import ip_address
from typing import NamedTuple

from kubenode.model import names
from kubenode.model.pod import Container, Pod
from kubenode.model.quantity import parse_quantity
from kubenode.model.security import SeccompProfile

# The runtime's interface carries 64-bit numbers, CPU in 10 µs of each 100 ms.
LARGEST = Decimal(2**63 - 1)
LARGEST_CPU = LARGEST / 10**5
LONGEST_GRACE = 2**31 - 1


class Problem(NamedTuple):
    """`path` as in `$.spec.containers[0].image`."""

    path: str
    message: str


def problems(pod: Pod) -> Iterator[Problem]:
    """What forbids this pod, in the order of the manifest; nothing when it can run."""
    yield from _type(pod)
    yield from _metadata(pod)
    yield from _spec(pod)
    for index, container in enumerate(pod.spec.containers):
        yield from _container(container, f"$.spec.containers[{index}]")
    yield from _host_ports(pod)


def _type(pod: Pod) -> Iterator[Problem]:
    if pod.api_version != "v1":
        yield Problem("$.apiVersion", f"{pod.api_version!r} is not a pod's version: write v1")
    if pod.kind != "Pod":
        yield Problem("$.kind", f"{pod.kind!r} is not run from a manifest directory: write a Pod")


def _metadata(pod: Pod) -> Iterator[Problem]:
    metadata = pod.metadata
    if not _is_name(metadata.name, names.DNS_SUBDOMAIN, 253):
        yield Problem("$.metadata.name", _bad_name(metadata.name, 253))
    if metadata.namespace and not _is_name(metadata.namespace):
        yield Problem("$.metadata.namespace", _bad_name(metadata.namespace, 63))
    if metadata.uid and not _is_name(metadata.uid):
        yield Problem("$.metadata.uid", _bad_name(metadata.uid, 63))


def _spec(pod: Pod) -> Iterator[Problem]:
    spec = pod.spec
    if not spec.containers:
        yield Problem("$.spec.containers", "a pod needs at least one container")
    yield from _one_of("$.spec.restartPolicy", spec.restart_policy, ("Always", "OnFailure", "Never"))
    yield from _one_of("$.spec.dnsPolicy", spec.dns_policy, ("ClusterFirst", "ClusterFirstWithHostNet", "Default"))
    grace = spec.termination_grace_period_seconds
    if not 0 <= grace <= LONGEST_GRACE:
        yield Problem(
            "$.spec.terminationGracePeriodSeconds", f"{grace} is not a grace period: 0 to {LONGEST_GRACE} seconds"
        )
    if spec.hostname and not _is_name(spec.hostname):
        yield Problem("$.spec.hostname", _bad_name(spec.hostname, 63))
    for field, value in (
        ("serviceAccountName", spec.service_account_name),
        ("serviceAccount", spec.service_account),
    ):
        if value:
            yield Problem(f"$.spec.{field}", "a static pod cannot refer to a service account: remove it")
    yield from _user(spec.security_context.run_as_user, "$.spec.securityContext.runAsUser")
    yield from _user(spec.security_context.run_as_group, "$.spec.securityContext.runAsGroup")
    for index, group in enumerate(spec.security_context.supplemental_groups):
        yield from _user(group, f"$.spec.securityContext.supplementalGroups[{index}]")
    yield from _seccomp(spec.security_context.seccomp_profile, "$.spec.securityContext.seccompProfile")
    seen: set[str] = set()
    for index, container in enumerate(spec.containers):
        if container.name in seen:
            yield Problem(f"$.spec.containers[{index}].name", f"a second container is called {container.name!r}")
        seen.add(container.name)


def _container(container: Container, path: str) -> Iterator[Problem]:
    if not _is_name(container.name):
        yield Problem(f"{path}.name", _bad_name(container.name, 63))
    if not container.image or container.image != container.image.strip():
        yield Problem(f"{path}.image", f"{container.image!r} is not an image reference")
    yield from _one_of(f"{path}.imagePullPolicy", container.image_pull_policy, ("", "Always", "IfNotPresent", "Never"))
    yield from _ports(container, path)
    yield from _env(container, path)
    yield from _resources(container, path)
    context = container.security_context
    yield from _user(context.run_as_user, f"{path}.securityContext.runAsUser")
    yield from _user(context.run_as_group, f"{path}.securityContext.runAsGroup")
    yield from _seccomp(context.seccomp_profile, f"{path}.securityContext.seccompProfile")
    if context.privileged and context.allow_privilege_escalation is False:
        yield Problem(
            f"{path}.securityContext.allowPrivilegeEscalation", "a privileged container can always escalate: remove one"
        )


def _env(container: Container, path: str) -> Iterator[Problem]:
    for index, variable in enumerate(container.env):
        if not variable.name or "=" in variable.name or "\0" in variable.name + variable.value:
            yield Problem(f"{path}.env[{index}].name", f"{variable.name!r} cannot name an environment variable")


def _ports(container: Container, path: str) -> Iterator[Problem]:
    for index, port in enumerate(container.ports):
        where = f"{path}.ports[{index}]"
        if not 1 <= port.container_port <= 65535:
            yield Problem(f"{where}.containerPort", f"{port.container_port} is not a port: 1 to 65535")
        if not 0 <= port.host_port <= 65535:
            yield Problem(f"{where}.hostPort", f"{port.host_port} is not a port: 1 to 65535")
        if port.host_ip and not _is_address(port.host_ip):
            yield Problem(f"{where}.hostIP", f"{port.host_ip!r} is not an IP address")
        yield from _one_of(f"{where}.protocol", port.protocol, ("TCP", "UDP", "SCTP"))


def _host_ports(pod: Pod) -> Iterator[Problem]:
    seen: set[tuple[str, str, int]] = set()
    for c_index, container in enumerate(pod.spec.containers):
        for p_index, port in enumerate(container.ports):
            path = f"$.spec.containers[{c_index}].ports[{p_index}].hostPort"
            if pod.spec.host_network and port.host_port not in (0, port.container_port):
                yield Problem(path, "with hostNetwork a hostPort must equal its containerPort")
            place = (port.host_ip, port.protocol, port.host_port)
            if port.host_port and place in seen:
                yield Problem(path, f"{port.protocol} port {port.host_port} of the host is asked for twice")
            seen.add(place)


def _resources(container: Container, path: str) -> Iterator[Problem]:
    for kind, values in (("limits", container.resources.limits), ("requests", container.resources.requests)):
        for name, text in values.items():
            where = f"{path}.resources.{kind}.{name}"
            try:
                amount = parse_quantity(text)
                if not 0 <= amount <= (LARGEST_CPU if name == "cpu" else LARGEST):
                    yield Problem(where, f"{text!r} is {'negative' if amount < 0 else 'more than any node has'}")
            except ValueError as error:
                yield Problem(where, str(error))
                continue
            limit = container.resources.limits.get(name)
            if kind == "requests" and limit is not None and _exceeds(text, limit):
                yield Problem(where, f"the request {text} is over the limit {limit}")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _exceeds(request: str | float, limit: str | float) -> bool:
    try:
        return parse_quantity(request) > parse_quantity(limit)
    except ValueError:
        return False


def _user(number: int | None, path: str) -> Iterator[Problem]:
    if number is not None and not 0 <= number < 2**31:
        yield Problem(path, f"{number} is not a user or group number: 0 to {2**31 - 1}")


def _seccomp(profile: SeccompProfile | None, path: str) -> Iterator[Problem]:
    if profile is None:
        return
    yield from _one_of(f"{path}.type", profile.type, ("RuntimeDefault", "Unconfined", "Localhost"))
    local = profile.localhost_profile
    if profile.type == "Localhost" and (not local or local.startswith("/") or ".." in local.split("/")):
        yield Problem(f"{path}.localhostProfile", "write a path below the seccomp directory, without '..'")


def _one_of(path: str, value: str, allowed: tuple[str, ...]) -> Iterator[Problem]:
    if value not in allowed:
        choices = ", ".join(choice for choice in allowed if choice)
        yield Problem(path, f"{value!r} is not one of {choices}")


def _is_name(text: str, pattern: re.Pattern[str] = names.DNS_LABEL, longest: int = 63) -> bool:
    """The length first: matching megabytes would cost gigabytes."""
    return len(text) <= longest and pattern.fullmatch(text) is not None


def _bad_name(name: str, longest: int) -> str:
    return f"{name!r} is not a name: lower-case letters, digits and '-', at most {longest} characters"
