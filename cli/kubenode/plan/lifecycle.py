"""What containers' states mean for their pod: who has ended, who runs again, whether the pod is initialized or done."""

from __future__ import annotations

from kubenode.model.observed import ObservedContainer, State
from kubenode.model.pod import Container, PodSpec, RestartRule, is_sidecar
from kubenode.model.static_pod import Refusal
from kubenode.plan.probes import is_started
from kubenode.plan.situation import Situation
from kubenode.plan.specs import container_hash
from kubenode.plan.volume_usage import overfull

KILLED = 137
DEADLINE, EVICTED = "DeadlineExceeded", "Evicted"


def ended(container: ObservedContainer) -> bool:
    return container.state in (State.EXITED, State.UNKNOWN)


def exit_code(container: ObservedContainer) -> int:
    """What an ended container says; one that was lost, or has still to be stopped, counts as killed."""
    return container.exit_code or (KILLED if container.state in (State.UNKNOWN, State.RUNNING) else 0)


def restart_policy(manifest: Container, spec: PodSpec) -> str:
    """A container's own policy, or the pod's; an init container that succeeded is not run again."""
    if manifest.restart_policy:
        return manifest.restart_policy
    if manifest in spec.init_containers and spec.restart_policy == "Always":
        return "OnFailure"
    return spec.restart_policy


def restarts(current: ObservedContainer, manifest: Container, spec: PodSpec) -> bool:
    """Whether the container runs again, once it has ended."""
    code = exit_code(current)
    if any(_matches(rule, code) for rule in manifest.restart_policy_rules):
        return True
    policy = restart_policy(manifest, spec)
    return policy == "Always" or (policy == "OnFailure" and code != 0)


def _matches(rule: RestartRule, code: int) -> bool:
    if rule.action != "Restart" or rule.exit_codes is None:
        return False
    return (code in rule.exit_codes.values) == (rule.exit_codes.operator == "In")


def initialized(situation: Situation) -> bool:
    """Whether the init containers are through in this sandbox: each succeeded or is started, or others have begun."""
    sandbox = situation.sandbox
    if sandbox is None or not sandbox.ready:
        return False
    spec = situation.desired.pod.spec
    if any(_here(situation, manifest) is not None for manifest in spec.containers):
        return True
    return all(_through(situation, manifest) for manifest in spec.init_containers)


def _through(situation: Situation, manifest: Container) -> bool:
    if not is_sidecar(manifest):
        return init_succeeded(situation, manifest)
    current = _here(situation, manifest)
    return current is not None and is_started(manifest, current)


def init_succeeded(situation: Situation, manifest: Container) -> bool:
    current = _here(situation, manifest)
    same = current is not None and current.hash == container_hash(manifest)
    return same and current is not None and current.state is State.EXITED and current.exit_code == 0


def _here(situation: Situation, manifest: Container) -> ObservedContainer | None:
    """The newest container of the manifest, if it is in the pod's sandbox."""
    current = situation.latest.get(manifest.name)
    sandbox = situation.sandbox
    return current if current is not None and sandbox is not None and current.sandbox_id == sandbox.id else None


def past_deadline(situation: Situation) -> bool:
    """Whether activeDeadlineSeconds are over."""
    deadline = situation.desired.pod.spec.active_deadline_seconds
    return deadline is not None and situation.now >= situation.started_at + deadline


def verdict(situation: Situation) -> Refusal | None:
    """Why the pod as a whole may not run, or may no longer; None for a pod that may."""
    if situation.desired.refusal is not None:
        return situation.desired.refusal
    if past_deadline(situation):
        seconds = situation.desired.pod.spec.active_deadline_seconds
        return Refusal(DEADLINE, f"the pod was active for longer than its activeDeadlineSeconds, {seconds} s")
    message = overfull(situation.desired.pod, situation.observed.volumes)
    return Refusal(EVICTED, message) if message else None


def finished(situation: Situation) -> bool:
    """Whether the pod is done: by a verdict on it, or since all has ended and nothing is to run again.

    With policy Never a lost sandbox ends the pod too, once it had a container.
    """
    spec, latest = situation.desired.pod.spec, situation.latest
    if verdict(situation) is not None:
        return True
    lost = situation.sandbox is not None and not situation.sandbox.ready
    if spec.restart_policy == "Never" and lost and latest:
        return True
    if failed_init(situation):
        return True
    return all(_done(manifest, latest.get(manifest.name), spec) for manifest in spec.containers)


def failed_init(situation: Situation) -> bool:
    """Whether an init container failed for good, so that the others never start."""
    spec = situation.desired.pod.spec
    if initialized(situation):
        return False
    for manifest in spec.init_containers:
        current = situation.latest.get(manifest.name)
        if not is_sidecar(manifest) and current is not None and current.exit_code and _done(manifest, current, spec):
            return True
    return False


def _done(manifest: Container, current: ObservedContainer | None, spec: PodSpec) -> bool:
    if current is None or not ended(current) or current.hash != container_hash(manifest):
        return False
    return not restarts(current, manifest, spec)
