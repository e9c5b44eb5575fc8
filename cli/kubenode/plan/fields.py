"""The downward API: what a pod may be told of itself and of its node."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from kubenode.model.facts import NodeFacts
from kubenode.model.pod import Container, Pod, all_containers
from kubenode.model.quantity import milli, whole
from kubenode.model.schema import Quantity
from kubenode.model.volumes import ObjectFieldSelector, ResourceFieldSelector
from kubenode.plan.problems import UnrunnableError

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]", re.DOTALL)
_HUGE_PAGES = "hugepages-"
_REASON = "CreateContainerConfigError"

_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def field_value(selector: ObjectFieldSelector, pod: Pod, ips: tuple[str, ...], node: NodeFacts) -> str:
    """The field's text; `ips` are the pod's. A label or annotation that is not there is empty, as in Kubernetes.

    All labels or annotations are lines of key="value", sorted. Raises UnrunnableError for a path that is none.
    """
    path, fields = selector.field_path, _fields(pod, ips, node)
    if path in fields:
        return fields[path]
    if match := _SUBSCRIPT.fullmatch(path):
        kind, key = match.groups()
        return (pod.metadata.labels if kind == "labels" else pod.metadata.annotations).get(key, "")
    known = ", ".join((*fields, "metadata.labels['KEY']", "metadata.annotations['KEY']"))
    raise UnrunnableError(_REASON, f"fieldPath {path!r} is no field that a pod is told: write one of {known}")


def _fields(pod: Pod, ips: tuple[str, ...], node: NodeFacts) -> Mapping[str, str]:
    metadata, spec = pod.metadata, pod.spec
    return {
        "metadata.name": metadata.name,
        "metadata.namespace": metadata.namespace,
        "metadata.uid": metadata.uid,
        "metadata.labels": _lines(metadata.labels),
        "metadata.annotations": _lines(metadata.annotations),
        "spec.nodeName": spec.node_name,
        "spec.serviceAccountName": spec.service_account_name,
        "status.hostIP": next(iter(node.ips), ""),
        "status.hostIPs": ",".join(node.ips),
        "status.podIP": next(iter(ips), ""),
        "status.podIPs": ",".join(ips),
    }


def resource_value(selector: ResourceFieldSelector, container: Container, pod: Pod, node: NodeFacts) -> str:
    """A request or limit in units of the divisor, rounded up; `container` counts where the selector names none.

    A limit that is not set is what the pod, else the node, has to give; a request that is not set is the limit as
    written, else 0. Raises UnrunnableError.
    """
    chosen = _container(selector.container_name, pod) if selector.container_name else container
    kind, _, name = selector.resource.partition(".")
    if kind not in ("limits", "requests") or not _known(name):
        raise UnrunnableError(
            _REASON,
            f"resource {selector.resource!r} of container {chosen.name} cannot be told: write limits or requests with "
            "cpu, memory, ephemeral-storage or hugepages-SIZE, such as limits.cpu",
        )
    count = milli if name == "cpu" else whole
    try:
        divisor = count(selector.divisor) or count(1)
        amount = _limit(name, chosen, pod, node, count) if kind == "limits" else _request(name, chosen, count)
    except ValueError as error:
        raise UnrunnableError(_REASON, f"resource {selector.resource} of container {chosen.name}: {error}") from None
    return str(-(-amount // divisor))


def _known(name: str) -> bool:
    return name in ("cpu", "memory", "ephemeral-storage") or (
        name.startswith(_HUGE_PAGES) and len(name) > len(_HUGE_PAGES)
    )


def _container(name: str, pod: Pod) -> Container:
    found = next((container for container in all_containers(pod.spec) if container.name == name), None)
    if found is None:
        raise UnrunnableError(_REASON, f"containerName {name!r} is not a container of the pod {pod.key}: correct it")
    return found


def _limit(name: str, container: Container, pod: Pod, node: NodeFacts, count: Callable[[Quantity], int]) -> int:
    """Huge pages are never more than asked for."""
    set_limits = (container.resources.limits, pod.spec.resources.limits)
    written = next((amount for limits in set_limits if (amount := count(limits.get(name, 0)))), 0)
    return written or (0 if name.startswith(_HUGE_PAGES) else node.allocatable.get(name, 0))


def _request(name: str, container: Container, count: Callable[[Quantity], int]) -> int:
    resources = container.resources
    return count(resources.requests.get(name, resources.limits.get(name, 0)))


def _lines(values: Mapping[str, str]) -> str:
    return "\n".join(f'{key}="{"".join(map(_escaped, value))}"' for key, value in sorted(values.items()))


def _escaped(letter: str) -> str:
    """As Go quotes strings, which is what readers of these files expect."""
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if letter.isprintable():
        return letter
    code = ord(letter)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
