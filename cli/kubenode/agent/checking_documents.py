"""Checking one document: which kinds are known, where their pod stands, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from kubenode.model.checks import Finding, Verdict
from kubenode.model.names import key_path
from kubenode.model.objects import ConfigMap, ObjectKey, Secret, object_problems
from kubenode.model.pod import Container, Metadata, Pod
from kubenode.model.probes import HttpGetAction, TcpSocketAction
from kubenode.model.validation import Problem, problems
from kubenode.model.validation.metadata import metadata_problems
from kubenode.model.validation.rules import is_label, is_subdomain
from kubenode.sources.conversion import MAX_REFUSALS, convert, type_refusals
from kubenode.sources.documents import Document, RefusedError, child_of, element, line_of
from kubenode.sources.object_manifest import joined

T = TypeVar("T")

LISTS = ("PodList", "List", "ConfigMapList", "SecretList")
_TEMPLATE, _CRON = ("spec", "template"), ("spec", "jobTemplate", "spec", "template")
# The API version of each kind, and where its pod's template stands.
WORKLOADS: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"), ("apps/v1", _TEMPLATE)),
    "Job": ("batch/v1", _TEMPLATE),
    "CronJob": ("batch/v1", _CRON),
}
# Fields that refer to an object: its kind, and which field holds its name.
REFERENCES = {
    "configMapRef": ("ConfigMap", "name"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "configMap": ("ConfigMap", "name"),
    "secretRef": ("Secret", "name"),
    "secretKeyRef": ("Secret", "name"),
    "secret": ("Secret", "secretName"),
}


@dataclass(slots=True)
class Checked:
    """One object of a file, or what stands in place of one.

    part: what `path` of a finding counts from
    key: only of what a node can run or use as it stands
    """

    file: str
    findings: list[Finding] = field(default_factory=list)
    part: Document | None = None
    kind: str = ""
    name: str = ""
    key: ObjectKey | None = None
    references: list[tuple[str, ObjectKey]] = field(default_factory=list)

    @property
    def line(self) -> int:
        return line_of(self.part.node) if self.part else 0

    def refuse(self, refusal: RefusedError, verdict: Verdict = Verdict.INVALID) -> None:
        finding = Finding(
            file=self.file, verdict=verdict, message=refusal.message, line=refusal.line, path=refusal.path
        )
        self.findings.append(finding)

    def add(self, verdict: Verdict, path: str, message: str) -> None:
        self.refuse(self.part.refusal(path, message) if self.part else RefusedError(message), verdict)


def check_document(file: str, whole: Document) -> Iterator[Checked]:
    """What is wrong with the document, or with each object of a list."""
    kind = whole.value.get("kind") if isinstance(whole.value, dict) else None
    if kind not in LISTS:
        yield _check_one(file, whole, kind)
        return
    items = whole.value.get("items")
    if not isinstance(items, list):
        checked = Checked(file, part=whole, kind=kind)
        checked.add(Verdict.INVALID, "$.items", "a list of objects is expected")
        yield checked
        return
    nodes = child_of(whole.node, "items")
    for index, value in enumerate(items):
        node = element(nodes, index) if nodes is not None else None
        yield from check_document(file, Document(value, node or whole.node, f"{whole.path}.items[{index}]"))


def _check_one(file: str, part: Document, kind: Any) -> Checked:
    checked = Checked(file, part=part)
    if not isinstance(kind, str):
        checked.add(Verdict.INVALID, "$.kind", "a kind is needed, as in kind: Pod")
        return checked
    checked.kind = kind[:64]
    checked.name = "/".join(_name(part.value))
    if kind == "Pod":
        _check_pod(checked, part)
        checked.key = ObjectKey("Pod", *_name(part.value))
    elif kind in ("ConfigMap", "Secret"):
        _check_object(checked, joined(part, "binaryData" if kind == "ConfigMap" else "data"), kind)
        checked.key = ObjectKey(kind, *_name(part.value))
    elif kind in WORKLOADS:
        _check_workload(checked, part, *WORKLOADS[kind])
    else:
        checked.add(Verdict.SKIPPED, "$.kind", f"{checked.kind} is not checked: it is not run on a node alone")
    return checked


def _check_pod(checked: Checked, part: Document) -> None:
    pod = _converted(checked, part, Pod)
    if pod is None:
        return
    for problem in islice(problems(pod), MAX_REFUSALS):
        checked.refuse(part.refusal(problem.path, problem.message))
    for problem in _unknown_ports(pod):
        checked.refuse(part.refusal(problem.path, problem.message), Verdict.WARNING)
    checked.part = part
    namespace = pod.metadata.namespace or "default"
    checked.references = [
        (path, ObjectKey(kind, namespace, name)) for path, kind, name in _references(part.value.get("spec"), "$.spec")
    ]


def _check_object(checked: Checked, part: Document, kind: str) -> None:
    value: ConfigMap | Secret | None
    value = _converted(checked, part, ConfigMap) if kind == "ConfigMap" else _converted(checked, part, Secret)
    for problem in islice(object_problems(value), MAX_REFUSALS) if value is not None else ():
        checked.refuse(part.refusal(problem.path, problem.message))


def _check_workload(checked: Checked, part: Document, version: str, where: tuple[str, ...]) -> None:
    """Only what becomes a pod; how many of it, and when, is a cluster's business."""
    if part.value.get("apiVersion") != version:
        checked.add(Verdict.INVALID, "$.apiVersion", f"a {checked.kind} has the version {version}")
    node = child_of(part.node, "metadata") or part.node
    metadata = Document(part.value.get("metadata", {}), node, f"{part.path}.metadata")
    own = _converted(checked, metadata, Metadata)
    for problem in metadata_problems(own, "$") if own is not None else ():
        checked.refuse(metadata.refusal(problem.path, problem.message))
    template = part
    for name in where:
        value = template.value.get(name) if isinstance(template.value, dict) else None
        if not isinstance(value, dict):
            checked.add(Verdict.INVALID, f"${'.'.join(('', *where))}", "the template of a pod is needed here")
            return
        template = Document(value, child_of(template.node, name) or template.node, f"{template.path}.{name}")
    _check_pod(checked, _pod_of(template, *_name(part.value)))


def _pod_of(template: Document, namespace: str, name: str) -> Document:
    """The pod that the template would become, under its workload's name."""
    metadata = template.value.get("metadata", {})
    if isinstance(metadata, dict):
        known = name if is_subdomain(name) else "pod"
        metadata = {"namespace": namespace if is_label(namespace) else "default", **metadata, "name": known}
    return template._replace(value={"apiVersion": "v1", "kind": "Pod", **template.value, "metadata": metadata})


def _converted(checked: Checked, part: Document, type_: type[T]) -> T | None:
    try:
        return convert(part, type_)
    except RefusedError as refusal:
        refusals = list(type_refusals(part, type_))
        for one in refusals or [refusal]:
            checked.refuse(one)
        return None


def _name(value: dict[str, Any]) -> tuple[str, str]:
    """Namespace and name as far as they are texts."""
    metadata = value.get("metadata")
    found = metadata if isinstance(metadata, dict) else {}
    namespace, name = found.get("namespace"), found.get("name")
    return str(namespace or "default")[:253], str(name or "")[:253]


def _references(value: Any, path: str) -> Iterator[tuple[str, str, str]]:
    """Path, kind and name of each object that the pod cannot do without."""
    if isinstance(value, list):
        for index, part in enumerate(value):
            yield from _references(part, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, part in value.items():
            where = key_path(path, key)
            if key in REFERENCES and isinstance(part, dict) and not part.get("optional"):
                kind, name = REFERENCES[key]
                yield from ((f"{where}.{field}", kind, part[field]) for field in {name, "name"} if part.get(field))
            yield from _references(part, where)


def _unknown_ports(pod: Pod) -> Iterator[Problem]:
    """A probe of a port that its container does not name fails for ever."""
    lists = {"containers": pod.spec.containers, "initContainers": pod.spec.init_containers}
    for field_name, containers in lists.items():
        for index, container in enumerate(containers):
            known = {port.name for port in container.ports}
            for where, action in _port_users(container):
                if isinstance(action.port, str) and action.port not in known:
                    path = f"$.spec.{field_name}[{index}].{where}.port"
                    yield Problem(path, f"the container has no port of the name {action.port[:15]!r}")


def _port_users(container: Container) -> Iterator[tuple[str, HttpGetAction | TcpSocketAction]]:
    for name, holder in (
        ("livenessProbe", container.liveness_probe),
        ("readinessProbe", container.readiness_probe),
        ("startupProbe", container.startup_probe),
        ("lifecycle.postStart", container.lifecycle.post_start),
        ("lifecycle.preStop", container.lifecycle.pre_stop),
    ):
        if holder is not None and holder.http_get:
            yield f"{name}.httpGet", holder.http_get
        if holder is not None and holder.tcp_socket:
            yield f"{name}.tcpSocket", holder.tcp_socket
