"""What a pod asks for in all, and the QoS class that follows from it.

Amounts are whole numbers by resource name: CPU in thousandths, all else in its base unit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

from kubenode.model.pod import Container, Pod, PodSpec, Resources, all_containers, is_sidecar
from kubenode.model.quantity import milli, whole
from kubenode.model.schema import Quantity

CPU, MEMORY, EPHEMERAL_STORAGE = "cpu", "memory", "ephemeral-storage"
HUGE_PAGES = "hugepages-"
RESIZABLE = (CPU, MEMORY)

Amounts = dict[str, int]


class QosClass(StrEnum):
    GUARANTEED = "Guaranteed"
    BURSTABLE = "Burstable"
    BEST_EFFORT = "BestEffort"


def amounts(quantities: Mapping[str, Quantity]) -> Amounts:
    return {name: milli(text) if name == CPU else whole(text) for name, text in quantities.items()}


def container_requests(container: Container) -> Amounts:
    """A request that is missing is taken from the limit."""
    return amounts({**container.resources.limits, **container.resources.requests})


def container_limits(container: Container) -> Amounts:
    return amounts(container.resources.limits)


def pod_requests(pod: Pod) -> Amounts:
    """What the node must have for the pod, its overhead included.

    The pod's own requests count over the sum of its containers'; where it has none but a limit, the containers' sum
    counts if they ask for any, else the limit, as Kubernetes' defaults have it.
    """
    return _sum(_requests(pod), amounts(pod.spec.overhead))


def pod_limits(pod: Pod) -> Amounts:
    """The sum of all limits, or the pod's own; overhead comes on top of what is limited at all."""
    limits = {**aggregate(pod, container_limits), **amounts(_of_pod(pod.spec.resources.limits))}
    overhead = {name: more for name, more in amounts(pod.spec.overhead).items() if limits.get(name)}
    return _sum(limits, overhead)


def aggregate(pod: Pod, of: Callable[[Container], Amounts]) -> Amounts:
    """All app containers and sidecars together, or the largest start-up step, whichever is more of each resource."""
    together: Amounts = {}
    for container in pod.spec.containers:
        together = _sum(together, of(container))
    sidecars: Amounts = {}
    largest: Amounts = {}
    for container in pod.spec.init_containers:
        step = _sum(sidecars, of(container))
        largest = _largest(largest, step)
        if is_sidecar(container):
            sidecars = step
    return _largest(_sum(together, sidecars), largest)


def qos_class(pod: Pod) -> QosClass:
    """BestEffort asks for no CPU and memory; Guaranteed limits both, everywhere, to what it requests."""
    if has_pod_level(pod):
        level = [(amounts(_of_pod(pod.spec.resources.limits)), _requests(pod))]
    else:
        level = [(container_limits(one), container_requests(one)) for one in all_containers(pod.spec)]
    pairs = [(limits.get(name, 0), requests.get(name, 0)) for limits, requests in level for name in RESIZABLE]
    if not any(limit or request for limit, request in pairs):
        return QosClass.BEST_EFFORT
    if all(limit and request == limit for limit, request in pairs):
        return QosClass.GUARANTEED
    return QosClass.BURSTABLE


def qos_class_of(definition: Mapping[str, Any]) -> QosClass:
    """The class of a pod, or of the pods of a template, as an API server has them. Raises ValueError.

    Only what the class depends on is read: the rest may be of any kind, and of any newer version.
    """
    spec = definition.get("spec")
    for part in ("jobTemplate", "template"):
        if isinstance(spec, Mapping) and isinstance(spec.get(part), Mapping):
            spec = spec[part].get("spec")
    if not isinstance(spec, Mapping) or not spec.get("containers"):
        raise ValueError("this is no pod: it has no spec.containers")
    reduced = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "any"},
        "spec": {
            "resources": _resources(spec.get("resources")),
            **{field: _containers(spec.get(field), field) for field in ("initContainers", "containers")},
        },
    }
    try:
        return qos_class(msgspec.convert(reduced, Pod))
    except msgspec.ValidationError as error:
        raise ValueError(f"the pod cannot be read: {error}") from None


def _containers(containers: Any, field: str) -> list[dict[str, Any]]:
    if not isinstance(containers, Sequence | None) or not all(isinstance(one, Mapping) for one in containers or ()):
        raise ValueError(f"the pod cannot be read: spec.{field} has to be a list of containers")
    return [
        {
            "name": "any",
            "image": "any",
            "resources": _resources(one.get("resources")),
            "restartPolicy": one.get("restartPolicy") or "",
        }
        for one in containers or ()
    ]


def _resources(resources: Any) -> dict[str, Any]:
    given = resources if isinstance(resources, Mapping) else {}
    return {field: given.get(field) or {} for field in ("limits", "requests")}


def has_pod_level(pod: Pod) -> bool:
    """Whether the pod as a whole has requests or limits."""
    resources = pod.spec.resources
    return bool(_of_pod(resources.limits) or _of_pod(resources.requests))


def fixed_container(container: Container, keep: Collection[str] = ()) -> Container:
    """The same without the CPU and memory that can change while it runs; `keep`: those that stay."""
    return msgspec.structs.replace(container, resources=_fixed(container.resources, keep))


def fixed_spec(spec: PodSpec) -> PodSpec:
    """The same without any CPU and memory, of the pod and of its containers."""
    return msgspec.structs.replace(
        spec,
        containers=[fixed_container(one) for one in spec.containers],
        init_containers=[fixed_container(one) for one in spec.init_containers],
        resources=_fixed(spec.resources),
    )


def _fixed(resources: Resources, keep: Collection[str] = ()) -> Resources:
    limits, requests = (
        {name: value for name, value in quantities.items() if name in keep or name not in RESIZABLE}
        for quantities in (resources.limits, resources.requests)
    )
    return Resources(limits=limits, requests=requests)


def _requests(pod: Pod) -> Amounts:
    containers = aggregate(pod, container_requests)
    if not has_pod_level(pod):
        return containers
    limits = amounts(_of_pod(pod.spec.resources.limits))
    # Pages cannot be overcommitted: the pod's limit is its request.
    pages = {name: value for name, value in limits.items() if name.startswith(HUGE_PAGES)}
    return {**limits, **containers, **pages, **amounts(_of_pod(pod.spec.resources.requests))}


def _of_pod(quantities: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """Those that a pod can have as a whole."""
    return {name: value for name, value in quantities.items() if name in RESIZABLE or name.startswith(HUGE_PAGES)}


def _sum(one: Amounts, other: Amounts) -> Amounts:
    return {name: one.get(name, 0) + other.get(name, 0) for name in one.keys() | other.keys()}


def _largest(one: Amounts, other: Amounts) -> Amounts:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in one.keys() | other.keys()}
