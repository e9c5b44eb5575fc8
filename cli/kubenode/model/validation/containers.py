"""A container: its image, command, ports and restarts; the other parts of it have modules of their own."""

from __future__ import annotations

from collections.abc import Iterator

from kubenode.model.pod import Container, PodSpec, RestartRule, is_sidecar
from kubenode.model.validation.environment import environment_problems
from kubenode.model.validation.mounts import mount_problems
from kubenode.model.validation.ports import port_name, port_number
from kubenode.model.validation.probes import lifecycle_problems, probe_problems
from kubenode.model.validation.resources import container_resource_problems
from kubenode.model.validation.rules import Names, Problem, address, label, no_nul, one_of, quoted, unique
from kubenode.model.validation.security import container_security_problems

PULL_POLICIES = ("", "Always", "IfNotPresent", "Never")
MAX_RULES, MAX_EXIT_CODES = 20, 255


def container_problems(
    container: Container, spec: PodSpec, known: Names, path: str, *, is_init: bool
) -> Iterator[Problem]:
    yield from label(f"{path}.name", container.name)
    if not container.image or container.image != container.image.strip():
        yield Problem(f"{path}.image", f"{quoted(container.image)} is not an image reference")
    yield from _texts(container, path)
    yield from one_of(f"{path}.imagePullPolicy", container.image_pull_policy, PULL_POLICIES)
    policies = ("File", "FallbackToLogsOnError")
    yield from one_of(f"{path}.terminationMessagePolicy", container.termination_message_policy, policies)
    yield from _ports(container, f"{path}.ports")
    yield from environment_problems(container, known, path)
    yield from container_resource_problems(container, spec, path)
    yield from mount_problems(container, known, f"{path}.volumeMounts")
    yield from container_security_problems(container.security_context, spec, f"{path}.securityContext")
    yield from _restarts(container, path)
    if is_init and not is_sidecar(container):
        yield from _only_of_sidecars(container, path)
    else:
        yield from probe_problems(container, path)
        yield from lifecycle_problems(container, spec, f"{path}.lifecycle")


def _texts(container: Container, path: str) -> Iterator[Problem]:
    for field, texts in (("command", container.command), ("args", container.args)):
        for index, text in enumerate(texts):
            yield from no_nul(f"{path}.{field}[{index}]", text)
    yield from no_nul(f"{path}.image", container.image)
    yield from no_nul(f"{path}.workingDir", container.working_dir)
    yield from no_nul(f"{path}.terminationMessagePath", container.termination_message_path)


def _ports(container: Container, path: str) -> Iterator[Problem]:
    for index, port in enumerate(container.ports):
        where = f"{path}[{index}]"
        if port.name:
            yield from port_name(f"{where}.name", port.name)
        yield from port_number(f"{where}.containerPort", port.container_port)
        if port.host_port:
            yield from port_number(f"{where}.hostPort", port.host_port)
        if port.host_ip:
            yield from address(f"{where}.hostIP", port.host_ip)
        yield from one_of(f"{where}.protocol", port.protocol, ("TCP", "UDP", "SCTP"))
    named = ((f"{path}[{n}].name", port.name) for n, port in enumerate(container.ports) if port.name)
    yield from unique(named, "a port called")


def _restarts(container: Container, path: str) -> Iterator[Problem]:
    where = f"{path}.restartPolicy"
    if container.restart_policy:
        yield from one_of(where, container.restart_policy, ("Always", "OnFailure", "Never"))
    rules = f"{path}.restartPolicyRules"
    if container.restart_policy_rules and not container.restart_policy:
        yield Problem(rules, "they need a restartPolicy of the container, for exits that no rule is about")
    if len(container.restart_policy_rules) > MAX_RULES:
        yield Problem(rules, f"at most {MAX_RULES} rules are allowed")
    for index, rule in enumerate(container.restart_policy_rules):
        yield from _rule(rule, f"{rules}[{index}]")


def _rule(rule: RestartRule, path: str) -> Iterator[Problem]:
    yield from one_of(f"{path}.action", rule.action, ("Restart",))
    codes = rule.exit_codes
    if codes is None:
        yield Problem(path, "exitCodes is needed: the exits that the rule is about")
        return
    yield from one_of(f"{path}.exitCodes.operator", codes.operator, ("In", "NotIn"))
    where = f"{path}.exitCodes.values"
    if not 1 <= len(codes.values) <= MAX_EXIT_CODES:
        yield Problem(where, f"1 to {MAX_EXIT_CODES} exit codes are needed")


def _only_of_sidecars(container: Container, path: str) -> Iterator[Problem]:
    lifecycle = container.lifecycle
    there = {
        "livenessProbe": container.liveness_probe,
        "readinessProbe": container.readiness_probe,
        "startupProbe": container.startup_probe,
        "lifecycle": lifecycle.post_start or lifecycle.pre_stop or lifecycle.stop_signal or None,
    }
    for field in (name for name, value in there.items() if value is not None):
        yield Problem(f"{path}.{field}", "an init container has it only as a sidecar, with restartPolicy: Always")
