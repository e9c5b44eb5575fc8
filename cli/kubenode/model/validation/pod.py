"""A pod as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from kubenode.model.pod import Pod, PodSpec, all_containers
from kubenode.model.validation.containers import container_problems
from kubenode.model.validation.metadata import metadata_problems
from kubenode.model.validation.network import host_port_problems, network_problems
from kubenode.model.validation.resources import overhead_problems, pod_resource_problems
from kubenode.model.validation.rules import Names, Problem, labels, number, one_of, subdomain, unique
from kubenode.model.validation.security import host_user_problems, pod_security_problems
from kubenode.model.validation.volumes import volume_problems

SPEC = "$.spec"


def problems(pod: Pod) -> Iterator[Problem]:
    """What forbids this pod, in the order of the manifest; nothing when it can run."""
    spec = pod.spec
    known = Names(
        frozenset(volume.name for volume in spec.volumes), frozenset(one.name for one in all_containers(spec))
    )
    yield from _type(pod)
    yield from metadata_problems(pod.metadata)
    yield from _spec(spec)
    yield from _references(spec)
    yield from network_problems(spec, SPEC)
    yield from pod_resource_problems(spec, SPEC)
    yield from overhead_problems(spec.overhead, f"{SPEC}.overhead")
    yield from pod_security_problems(spec, f"{SPEC}.securityContext")
    yield from host_user_problems(spec, SPEC)
    yield from volume_problems(spec, known, f"{SPEC}.volumes")
    if not spec.containers:
        yield Problem(f"{SPEC}.containers", "a pod needs at least one container")
    lists = {"containers": spec.containers, "initContainers": spec.init_containers}
    for field, containers in lists.items():
        for index, container in enumerate(containers):
            path = f"{SPEC}.{field}[{index}]"
            yield from container_problems(container, spec, known, path, is_init=field == "initContainers")
    named = ((f"{SPEC}.{f}[{n}].name", one.name) for f, many in lists.items() for n, one in enumerate(many))
    yield from unique(named, "a container called")
    yield from host_port_problems(spec, SPEC)


def _type(pod: Pod) -> Iterator[Problem]:
    if pod.api_version != "v1":
        yield Problem("$.apiVersion", f"{pod.api_version[:64]!r} is not a pod's version: write v1")
    if pod.kind != "Pod":
        yield Problem("$.kind", f"{pod.kind[:64]!r} is not run from a manifest directory: write a Pod")


def _spec(spec: PodSpec) -> Iterator[Problem]:
    yield from one_of(f"{SPEC}.restartPolicy", spec.restart_policy, ("Always", "OnFailure", "Never"))
    yield from number(f"{SPEC}.terminationGracePeriodSeconds", spec.termination_grace_period_seconds, 0)
    yield from number(f"{SPEC}.activeDeadlineSeconds", spec.active_deadline_seconds, 1)
    yield from number(f"{SPEC}.priority", spec.priority, -(2**31), what="")
    if spec.share_process_namespace and spec.host_pid:
        yield Problem(
            f"{SPEC}.shareProcessNamespace", "with hostPID all processes are seen already: keep one of the two"
        )
    if spec.os is not None:
        yield from one_of(f"{SPEC}.os.name", spec.os.name, ("linux", "windows"))
    if spec.preemption_policy:
        yield from one_of(f"{SPEC}.preemptionPolicy", spec.preemption_policy, ("PreemptLowerPriority", "Never"))


def _references(spec: PodSpec) -> Iterator[Problem]:
    for field, value in (
        ("serviceAccountName", spec.service_account_name),
        ("serviceAccount", spec.service_account),
    ):
        if value:
            yield Problem(f"{SPEC}.{field}", "a static pod cannot refer to a service account: remove it")
    for field, value in (
        ("runtimeClassName", spec.runtime_class_name),
        ("priorityClassName", spec.priority_class_name),
        ("nodeName", spec.node_name),
        ("schedulerName", spec.scheduler_name),
    ):
        if value:
            yield from subdomain(f"{SPEC}.{field}", value)
    for index, secret in enumerate(spec.image_pull_secrets):
        if secret.name:
            yield from subdomain(f"{SPEC}.imagePullSecrets[{index}].name", secret.name)
    yield from labels(f"{SPEC}.nodeSelector", spec.node_selector)
