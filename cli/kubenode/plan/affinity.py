"""Whether a pod's node selector and required node affinity fit this node."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kubenode.model.facts import NodeFacts
from kubenode.model.pod import PodSpec
from kubenode.model.settings import Settings

HOSTNAME, OS, ARCH = "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch"
LINUX = "linux"
NAME_FIELD = "metadata.name"


class _Requirement(msgspec.Struct, frozen=True, rename="camel"):
    key: str
    operator: str
    values: list[str] = []


class _Term(msgspec.Struct, frozen=True, rename="camel"):
    match_expressions: list[_Requirement] = []
    match_fields: list[_Requirement] = []


class _Selector(msgspec.Struct, frozen=True, rename="camel"):
    node_selector_terms: list[_Term] = []


class _NodeAffinity(msgspec.Struct, frozen=True):
    required: _Selector | None = msgspec.field(name="requiredDuringSchedulingIgnoredDuringExecution", default=None)


class _Affinity(msgspec.Struct, frozen=True, rename="camel"):
    node_affinity: _NodeAffinity | None = None


def node_labels(settings: Settings, node: NodeFacts) -> dict[str, str]:
    """What Kubernetes labels every node with, as far as it is known, and the operator's own labels over it."""
    labels = {HOSTNAME: settings.node_name, OS: LINUX, f"beta.{OS}": LINUX}
    if node.architecture:
        labels |= {ARCH: node.architecture, f"beta.{ARCH}": node.architecture}
    return labels | settings.kubenode.node_labels


def misfit(spec: PodSpec, labels: Mapping[str, str], node_name: str) -> str:
    """Why the pod does not belong on this node, in a sentence; empty when it does."""
    for key, value in spec.node_selector.items():
        if labels.get(key) != value:
            return f"its nodeSelector wants {key}={value}; the node {_has(key, labels)}"
    try:
        affinity = msgspec.convert(spec.affinity, _Affinity | None)
    except msgspec.ValidationError as error:
        return f"its affinity cannot be understood: {error}"
    required = affinity.node_affinity.required if affinity and affinity.node_affinity else None
    if required is None:
        return ""
    reasons = [_unmet(term, labels, node_name) for term in required.node_selector_terms]
    if reasons and not all(reasons):
        return ""
    return f"its required node affinity does not match: {'; '.join(reasons) or 'it has no terms'}"


def _unmet(term: _Term, labels: Mapping[str, str], node_name: str) -> str:
    if not term.match_expressions and not term.match_fields:
        return "an empty term matches no node"
    for requirements, known in ((term.match_expressions, labels), (term.match_fields, {NAME_FIELD: node_name})):
        for one in requirements:
            if not _matches(one, known.get(one.key)):
                values = f" {', '.join(one.values)}" if one.values else ""
                return f"it wants {one.key} {one.operator}{values}, and the node {_has(one.key, known)}"
    return ""


def _has(key: str, labels: Mapping[str, str]) -> str:
    return f"has {key}={labels[key]}" if key in labels else f"has no label {key}"


def _matches(requirement: _Requirement, value: str | None) -> bool:
    match requirement.operator:
        case "In":
            return value in requirement.values
        case "NotIn":
            return value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            return _compares(requirement, value)
    return False


def _compares(requirement: _Requirement, value: str | None) -> bool:
    try:
        (wanted,) = (int(text) for text in requirement.values)
        found = int(value or "")
    except ValueError:
        return False
    return found > wanted if requirement.operator == "Gt" else found < wanted
