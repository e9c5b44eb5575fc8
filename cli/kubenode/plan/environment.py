"""A container's environment, by Kubernetes' rules: envFrom first, then env in order, which may refer to what stands
before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kubenode.model.facts import NodeFacts
from kubenode.model.objects import ConfigMap, LocalObject, ObjectKey, Secret, object_key
from kubenode.model.pod import Container, EnvFromSource, EnvVarSource, KeySelector
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.expansion import expand
from kubenode.plan.fields import field_value, resource_value
from kubenode.plan.problems import UnrunnableError

_POD_ADDRESSES = ("status.podIP", "status.podIPs")
_REASON = "CreateContainerConfigError"


def environment(container: Container, desired: DesiredPod, ips: tuple[str, ...], node: NodeFacts) -> dict[str, str]:
    """Names and values; `ips` are the pod's. Raises UnrunnableError for what is missing and not optional."""
    values: dict[str, str] = {}
    for group in container.env_from:
        values |= _group(group, container, desired)
    for variable in container.env:
        if variable.value or variable.value_from is None:
            values[variable.name] = expand(variable.value, values)
            continue
        found = _sourced(variable.value_from, variable.name, container, desired, ips, node)
        if found is not None:
            values[variable.name] = found
    return values


def needs_pod_ip(container: Container) -> bool:
    """Whether the environment tells the pod's addresses, which are known only once its sandbox is there."""
    fields = (variable.value_from.field_ref for variable in container.env if variable.value_from)
    return any(field is not None and field.field_path in _POD_ADDRESSES for field in fields)


def _sourced(
    source: EnvVarSource,
    variable: str,
    container: Container,
    desired: DesiredPod,
    ips: tuple[str, ...],
    node: NodeFacts,
) -> str | None:
    """None: optional and not there."""
    if source.field_ref:
        return field_value(source.field_ref, desired.pod, ips, node)
    if source.resource_field_ref:
        return resource_value(source.resource_field_ref, container, desired.pod, node)
    for kind, selector in (("ConfigMap", source.config_map_key_ref), ("Secret", source.secret_key_ref)):
        if selector:
            return _key_value(kind, selector, variable, container, desired)
    return ""


def _key_value(
    kind: str, selector: KeySelector, variable: str, container: Container, desired: DesiredPod
) -> str | None:
    found = _object(kind, selector.name, selector.optional, container, desired)
    if found is None:
        return None
    texts = _texts(found)
    if selector.key in texts:
        return _text(texts[selector.key], found, selector.key, container)
    if selector.optional:
        return None
    raise UnrunnableError(
        _REASON,
        f"{_key(kind, selector.name, desired)} has no key {selector.key!r}, which variable {variable} of container "
        f"{container.name} is read from: add the key, or mark the reference optional",
    )


def _group(group: EnvFromSource, container: Container, desired: DesiredPod) -> dict[str, str]:
    values: dict[str, str] = {}
    for kind, reference in (("ConfigMap", group.config_map_ref), ("Secret", group.secret_ref)):
        found = reference and _object(kind, reference.name, reference.optional, container, desired)
        if found:
            values |= dict(_variables(found, group.prefix, container))
    return values


def _variables(found: LocalObject, prefix: str, container: Container) -> Iterator[tuple[str, str]]:
    for key, content in _texts(found).items():
        if _is_variable_name(prefix + key):
            yield prefix + key, _text(content, found, key, container)


def _texts(found: LocalObject) -> Mapping[str, bytes]:
    """A ConfigMap's binaryData never is environment."""
    match found:
        case ConfigMap():
            return {key: text.encode() for key, text in found.data.items()}
        case Secret():
            return found.values


def _text(content: bytes, found: LocalObject, key: str, container: Container) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UnrunnableError(
            _REASON,
            f"key {key!r} of {object_key(found)} is not text (UTF-8, no NUL) "
            f"and cannot be a variable of container {container.name}: mount it as a volume",
        )
    return text


def _object(kind: str, name: str, optional: bool, container: Container, desired: DesiredPod) -> LocalObject | None:
    key = _key(kind, name, desired)
    found = desired.objects.get(key)
    if found is None and not optional:
        raise UnrunnableError(
            _REASON,
            f"{key} is not on this node and container {container.name} takes its environment from it: put its "
            "manifest into the directory of this node's objects, or mark the reference optional",
        )
    return found


def _key(kind: str, name: str, desired: DesiredPod) -> ObjectKey:
    return ObjectKey(kind, desired.pod.metadata.namespace or "default", name)


def _is_variable_name(name: str) -> bool:
    return bool(name) and name.isascii() and name.isprintable() and "=" not in name
