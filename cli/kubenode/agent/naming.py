"""How pods are named on the command line: `[namespace/]pod[/container]`, short wherever that says enough. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kubenode.clients.errors import KubenodeError
from kubenode.model.names import PodKey
from kubenode.model.static_pod import static_pod_name

FORMS = "Write POD, NAMESPACE/POD, POD/CONTAINER or NAMESPACE/POD/CONTAINER."


class UnknownName(KubenodeError):
    """Nothing on this node has that name, or it cannot be a name."""


class AmbiguousName(KubenodeError):
    """Several have that name; the sentence lists them all."""


@dataclass(frozen=True, slots=True)
class NamedPod:
    """A pod that can be named, with the names of its containers, init containers too."""

    key: PodKey
    containers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """What a name stands for. `container` is empty where the name names none."""

    key: PodKey
    container: str = ""

    def __str__(self) -> str:
        return f"{self.key}/{self.container}" if self.container else str(self.key)


def resolve(text: str, pods: Iterable[NamedPod], node_name: str = "") -> Target:
    """The pod, and the container if one is named. Raises UnknownName, AmbiguousName.

    node_name: this node's; a static pod is found with it at its end and without. A pod that has exactly the given
    name comes before one that only has it so.
    """
    parts = text.split("/")
    if not all(parts) or len(parts) > 3:
        raise UnknownName(f"{text!r} names no pod. {FORMS}")
    known = sorted(pods, key=lambda pod: pod.key)
    for suffix in dict.fromkeys(("", node_name)):
        found = sorted(set(_matches(parts, known, suffix)))
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(map(str, found))
            raise AmbiguousName(f"{text} may be any of {several}. Write the one you mean in full.")
    raise UnknownName(_unknown(text, parts, known, node_name))


def completions(incomplete: str, pods: Sequence[NamedPod], node_name: str = "") -> list[str]:
    """The names that begin so: the shortest that are unique, and those with a namespace once one is begun."""
    names = {name for pod in pods for name in _spellings(pod, pods, node_name) if name.startswith(incomplete)}
    return sorted(name for name in names if _is_unique(name, pods, node_name))


def _spellings(pod: NamedPod, pods: Sequence[NamedPod], node_name: str) -> Iterator[str]:
    full = str(pod.key)
    short = _shortest(pod, pods, node_name)
    for name in {short, full}:
        yield name
        yield from (f"{name}/{container}" for container in pod.containers if len(pod.containers) > 1)


def _shortest(pod: NamedPod, pods: Sequence[NamedPod], node_name: str) -> str:
    for name in (_without_node(pod.key.name, node_name), pod.key.name):
        if name and _is_unique(name, pods, node_name) and resolve(name, pods, node_name).key == pod.key:
            return name
    return str(pod.key)


def _is_unique(name: str, pods: Sequence[NamedPod], node_name: str) -> bool:
    try:
        resolve(name, pods, node_name)
    except KubenodeError:
        return False
    return True


def _matches(parts: Sequence[str], pods: Iterable[NamedPod], suffix: str) -> Iterator[Target]:
    """Every reading of the parts that fits. Two of them are a namespace and a pod, or a pod and a container."""
    for pod in pods:
        match parts:
            case [name] if _is(pod, name, suffix):
                yield Target(pod.key)
            case [first, second]:
                if pod.key.namespace == first and _is(pod, second, suffix):
                    yield Target(pod.key)
                if _is(pod, first, suffix) and second in pod.containers:
                    yield Target(pod.key, second)
            case [namespace, name, container] if pod.key.namespace == namespace and _is(pod, name, suffix):
                if container in pod.containers:
                    yield Target(pod.key, container)


def _is(pod: NamedPod, name: str, suffix: str) -> bool:
    return pod.key.name == (static_pod_name(name, suffix) if suffix else name)


def _without_node(name: str, node_name: str) -> str:
    return name.removesuffix(static_pod_name("", node_name)) if node_name else name


def _unknown(text: str, parts: Sequence[str], pods: Sequence[NamedPod], node_name: str) -> str:
    """The sentence: the pod may be there and only the container not; else what is nearest."""
    if len(parts) > 1:
        try:
            key = resolve("/".join(parts[:-1]), pods, node_name).key
        except KubenodeError:
            pass
        else:
            (pod,) = (pod for pod in pods if pod.key == key)
            has = ", ".join(pod.containers) or "none yet"
            return f"Pod {key} has no container {parts[-1]}. Its containers: {has}."
    near = difflib.get_close_matches(text, _all_spellings(pods, node_name), n=3, cutoff=0.5)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"There is no pod {text} on this node.{meant} kubenode pods lists them."


def _all_spellings(pods: Iterable[NamedPod], node_name: str) -> list[str]:
    forms = ((_without_node(pod.key.name, node_name), pod.key.name, str(pod.key)) for pod in pods)
    return list(dict.fromkeys(form for names in forms for form in names))
