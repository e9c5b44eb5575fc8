"""Environment variables, and references to the pod's own fields."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubenode.model.pod import Container, EnvFromSource, EnvVar, EnvVarSource, KeySelector
from kubenode.model.quantity import parse_quantity
from kubenode.model.schema import Quantity
from kubenode.model.validation.rules import (
    Names,
    Problem,
    exactly_one,
    no_nul,
    one_of,
    qualified_name,
    quoted,
    subdomain,
)
from kubenode.model.volumes import ObjectFieldSelector, ResourceFieldSelector

ENV_FIELDS = (
    *("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName"),
    *("status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
)
FILE_FIELDS = ("metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations")
RESOURCES = tuple(
    f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "memory", "ephemeral-storage")
)
HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")
CPU_DIVISORS = ("1m", "1")
BYTE_DIVISORS = ("1", *(f"1{unit}" for unit in "kMGTPE"), *(f"1{unit}i" for unit in "KMGTPE"))
ENV_SOURCES = ("field_ref", "resource_field_ref", "config_map_key_ref", "secret_key_ref")

# Printable ASCII without "=": what Kubernetes takes since 1.34.
_ENV_NAME = re.compile(r"[ -<>-~]+")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(?P<key>[^']*)'\]")


def environment_problems(container: Container, known: Names, path: str) -> Iterator[Problem]:
    for index, variable in enumerate(container.env):
        yield from _variable(variable, known, f"{path}.env[{index}]")
    for index, group in enumerate(container.env_from):
        yield from _group(group, f"{path}.envFrom[{index}]")


def _variable(variable: EnvVar, known: Names, path: str) -> Iterator[Problem]:
    if not _ENV_NAME.fullmatch(variable.name):
        rule = "printable characters without '='"
        yield Problem(f"{path}.name", f"{quoted(variable.name)} cannot name an environment variable: {rule}")
    yield from no_nul(f"{path}.value", variable.value)
    if variable.value_from is not None:
        if variable.value:
            yield Problem(f"{path}.valueFrom", "it stands beside a value: keep one of the two")
        yield from _source(variable.value_from, known, f"{path}.valueFrom")


def _source(source: EnvVarSource, known: Names, path: str) -> Iterator[Problem]:
    yield from exactly_one(path, source, ENV_SOURCES)
    if source.field_ref:
        yield from field_problems(source.field_ref, f"{path}.fieldRef", ENV_FIELDS)
    if source.resource_field_ref:
        yield from resource_field_problems(source.resource_field_ref, known, f"{path}.resourceFieldRef")
    if source.config_map_key_ref:
        yield from _key(source.config_map_key_ref, f"{path}.configMapKeyRef")
    if source.secret_key_ref:
        yield from _key(source.secret_key_ref, f"{path}.secretKeyRef")


def _key(selector: KeySelector, path: str) -> Iterator[Problem]:
    yield from subdomain(f"{path}.name", selector.name)
    yield from data_key(f"{path}.key", selector.key)


def _group(group: EnvFromSource, path: str) -> Iterator[Problem]:
    if group.prefix and not _ENV_NAME.fullmatch(group.prefix):
        yield Problem(f"{path}.prefix", f"{quoted(group.prefix)} cannot begin an environment variable's name")
    yield from exactly_one(path, group, ("config_map_ref", "secret_ref"))
    for field, reference in (("configMapRef", group.config_map_ref), ("secretRef", group.secret_ref)):
        if reference is not None:
            yield from subdomain(f"{path}.{field}.name", reference.name)


def data_key(path: str, key: str) -> Iterator[Problem]:
    """A key of a ConfigMap or Secret: also the name of a file."""
    if len(key) > 253 or not _KEY.fullmatch(key) or key in (".", "..") or key.startswith(".."):
        rule = "at most 253 letters, digits, '-', '_' and '.', not beginning with '..'"
        yield Problem(path, f"{quoted(key)} is not a key: {rule}")


def field_problems(selector: ObjectFieldSelector, path: str, allowed: tuple[str, ...]) -> Iterator[Problem]:
    yield from one_of(f"{path}.apiVersion", selector.api_version, ("v1",))
    where = f"{path}.fieldPath"
    subscript = _SUBSCRIPT.fullmatch(selector.field_path)
    if subscript is None:
        forms = ("metadata.labels['<key>']", "metadata.annotations['<key>']")
        if selector.field_path in forms or selector.field_path not in allowed:
            choices = ", ".join((*allowed, *forms))
            yield Problem(where, f"{quoted(selector.field_path)} is not one of {choices}")
    else:
        key = subscript["key"]
        yield from qualified_name(where, key.lower() if subscript[1] == "annotations" else key)


def resource_field_problems(
    selector: ResourceFieldSelector, known: Names, path: str, *, in_volume: bool = False
) -> Iterator[Problem]:
    name = selector.container_name
    if in_volume and not name:
        yield Problem(path, "containerName is needed: a volume is of all containers")
    elif name and name not in known.containers:
        yield Problem(f"{path}.containerName", f"there is no container {quoted(name)}")
    if not selector.resource.startswith(HUGE_PAGES):
        yield from one_of(f"{path}.resource", selector.resource, RESOURCES)
    yield from _divisor(selector, f"{path}.divisor")


def _divisor(selector: ResourceFieldSelector, path: str) -> Iterator[Problem]:
    allowed = CPU_DIVISORS if selector.resource.endswith(".cpu") else BYTE_DIVISORS
    try:
        value = parse_quantity(selector.divisor)
    except ValueError as error:
        yield Problem(path, str(error))
        return
    if value and all(value != parse_quantity(text) for text in allowed):
        yield Problem(path, f"{_shown(selector.divisor)} is not one of {', '.join(allowed)}")


def _shown(value: Quantity) -> str:
    return quoted(str(value))
