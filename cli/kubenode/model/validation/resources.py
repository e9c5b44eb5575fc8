"""CPU, memory and other resources, of containers and of the whole pod."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from kubenode.model.names import key_path
from kubenode.model.pod import Container, PodSpec, ResizePolicy, Resources, is_sidecar
from kubenode.model.quantity import parse_quantity
from kubenode.model.schema import Quantity
from kubenode.model.validation.rules import Problem, one_of, qualified_name, quoted, unique

# The runtime's interface carries 64-bit numbers, CPU in 10 µs of each 100 ms.
LARGEST = Decimal(2**63 - 1)
LARGEST_CPU = LARGEST / 10**5
HUGE_PAGES = "hugepages-"
STANDARD = ("cpu", "memory", "ephemeral-storage")


def amount_problems(
    text: Quantity, path: str, largest: Decimal = LARGEST, *, positive: bool = False
) -> Iterator[Problem]:
    try:
        amount = parse_quantity(text)
    except ValueError as error:
        yield Problem(path, str(error))
        return
    if not 0 <= amount <= largest:
        yield Problem(path, f"{quoted(str(text))} is {'negative' if amount < 0 else 'more than any node has'}")
    elif positive and not amount:
        yield Problem(path, "more than 0 is needed")


def container_resource_problems(container: Container, spec: PodSpec, path: str) -> Iterator[Problem]:
    yield from _resources(container.resources, f"{path}.resources")
    yield from _resize(container.resize_policy, spec, f"{path}.resizePolicy")


def overhead_problems(amounts: dict[str, Quantity], path: str) -> Iterator[Problem]:
    for name, text in amounts.items():
        where = key_path(path, name)
        yield from _name(name, where)
        yield from amount_problems(text, where, _largest(name))


def pod_resource_problems(spec: PodSpec, path: str) -> Iterator[Problem]:
    where = f"{path}.resources"
    for kind, amounts in (("limits", spec.resources.limits), ("requests", spec.resources.requests)):
        for name in amounts:
            if name not in ("cpu", "memory") and not name.startswith(HUGE_PAGES):
                message = "a pod as a whole has only cpu, memory and hugepages: write it at a container"
                yield Problem(key_path(f"{where}.{kind}", name), message)
    yield from _resources(spec.resources, where)
    together = _requested(spec)
    for name, text in spec.resources.requests.items():
        total = _amount(text)
        if total is not None and together.get(name, total) > total:
            message = f"the containers together request more than the pod's {quoted(str(text))}"
            yield Problem(key_path(f"{where}.requests", name), message)
    yield from _single_limits(spec, path)


def _requested(spec: PodSpec) -> dict[str, Decimal]:
    """What the containers that run side by side request."""
    together: dict[str, Decimal] = {}
    for container in [*spec.containers, *filter(is_sidecar, spec.init_containers)]:
        for name, text in container.resources.requests.items():
            together[name] = together.get(name, Decimal(0)) + (_amount(text) or Decimal(0))
    return together


def _single_limits(spec: PodSpec, path: str) -> Iterator[Problem]:
    for field, containers in (("containers", spec.containers), ("initContainers", spec.init_containers)):
        for index, container in enumerate(containers):
            for name, text in container.resources.limits.items():
                if _over(text, spec.resources.limits.get(name)):
                    where = f"{path}.{field}[{index}].resources.limits"
                    yield Problem(key_path(where, name), f"the limit is over the pod's limit of {name[:64]}")


def _resources(resources: Resources, path: str) -> Iterator[Problem]:
    for kind, amounts in (("limits", resources.limits), ("requests", resources.requests)):
        for name, text in amounts.items():
            where = key_path(f"{path}.{kind}", name)
            yield from _name(name, where)
            yield from amount_problems(text, where, _largest(name))
            yield from _whole(name, text, where)
    for name, text in resources.requests.items():
        where = key_path(f"{path}.requests", name)
        limit = resources.limits.get(name)
        if _over(text, limit):
            yield Problem(where, f"the request {text} is over the limit {limit}")
        elif name not in STANDARD and _amount(text) != _amount(limit):
            yield Problem(where, f"{name[:64]} cannot be shared: request and limit must be equal")
    yield from _huge_pages(resources, path)


def _name(name: str, path: str) -> Iterator[Problem]:
    if name in STANDARD or name.startswith(HUGE_PAGES):
        return
    if "/" in name:
        yield from qualified_name(path, name)
    else:
        message = f"{quoted(name)} is not one of {', '.join(STANDARD)}, hugepages-<size> or <domain>/<name>"
        yield Problem(path, message)


def _whole(name: str, text: Quantity, path: str) -> Iterator[Problem]:
    amount = _amount(text)
    if amount is None or name in STANDARD:
        return
    unit = _amount(name.removeprefix(HUGE_PAGES)) if name.startswith(HUGE_PAGES) else Decimal(1)
    if unit is None or not 0 < unit <= LARGEST:
        yield Problem(path, f"after {HUGE_PAGES} stands the size of a page, as in hugepages-2Mi")
    elif 0 <= amount <= LARGEST and amount % unit:
        yield Problem(path, f"{quoted(str(text))} is not a whole number of {'pages' if unit > 1 else 'them'}")


def _huge_pages(resources: Resources, path: str) -> Iterator[Problem]:
    named = {**resources.limits, **resources.requests}
    if any(name.startswith(HUGE_PAGES) for name in named) and not {"cpu", "memory"} & named.keys():
        yield Problem(path, "hugepages need a request or limit of cpu or memory beside them")


def _resize(policies: list[ResizePolicy], spec: PodSpec, path: str) -> Iterator[Problem]:
    for index, policy in enumerate(policies):
        where = f"{path}[{index}]"
        yield from one_of(f"{where}.resourceName", policy.resource_name, ("cpu", "memory"))
        yield from one_of(f"{where}.restartPolicy", policy.restart_policy, ("NotRequired", "RestartContainer"))
        if spec.restart_policy == "Never" and policy.restart_policy == "RestartContainer":
            yield Problem(f"{where}.restartPolicy", "the pod's restartPolicy is Never: write NotRequired")
    named = ((f"{path}[{n}].resourceName", policy.resource_name) for n, policy in enumerate(policies))
    yield from unique(named, "a policy for")


def _largest(name: str) -> Decimal:
    return LARGEST_CPU if name == "cpu" else LARGEST


def _amount(text: Quantity | None) -> Decimal | None:
    try:
        return None if text is None else parse_quantity(text)
    except ValueError:
        return None


def _over(text: Quantity, limit: Quantity | None) -> bool:
    amount, most = _amount(text), _amount(limit)
    return amount is not None and most is not None and amount > most
