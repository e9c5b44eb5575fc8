"""Which containers of a pod are to be started, stopped or left alone.

none ────────────────────────────▶ pull? ─▶ create ─▶ start
created, same definition ────────▶ start
running, same definition ────────▶ leave
running, other definition ───────▶ stop ─▶ as none, next attempt
exited, to be restarted ─────────▶ wait for back-off ─▶ as none, next attempt
exited, other definition ────────▶ as none, next attempt
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kubenode.model.actions import (
    Action,
    CreateContainer,
    Failure,
    Plan,
    PullImage,
    RemoveContainer,
    StartContainer,
    StopContainer,
)
from kubenode.model.observed import ObservedContainer, ObservedPod, Sandbox, State
from kubenode.model.pod import Container
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.backoff import LONGEST_PULL, restart_delay, retry_at
from kubenode.plan.failures import container_subject, image_subject
from kubenode.plan.images import never_pulled, non_root_violation, pull_reason
from kubenode.plan.specs import container_hash, container_spec, sandbox_spec

# The kubelet's least time between the stop signal and the kill.
MIN_KILL_GRACE_SECONDS = 2
KILLED = 137


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything one turn for one pod knows; `sandbox` and `latest` are those of the desired UID."""

    desired: DesiredPod
    observed: ObservedPod
    failures: Mapping[str, Failure]
    settings: Settings
    now: float
    sandbox: Sandbox | None
    latest: Mapping[str, ObservedContainer]

    @classmethod
    def of(
        cls,
        desired: DesiredPod,
        observed: ObservedPod,
        failures: Mapping[str, Failure],
        settings: Settings,
        now: float,
    ) -> Situation:
        """Newest is the highest attempt, whatever a clock that was set back says."""
        observed = dataclasses.replace(
            observed,
            sandboxes=tuple(sorted(observed.sandboxes, key=lambda one: (one.attempt, one.created_at), reverse=True)),
            containers=tuple(sorted(observed.containers, key=lambda one: (one.attempt, one.created_at), reverse=True)),
        )
        sandbox = next((sandbox for sandbox in observed.sandboxes if sandbox.uid == desired.uid), None)
        latest = latest_by_name(observed.containers, desired.uid)
        return cls(desired, observed, failures, settings, now, sandbox, latest)


def latest_by_name(containers: Iterable[ObservedContainer], uid: str) -> dict[str, ObservedContainer]:
    """The newest container of each name; containers come newest first."""
    latest: dict[str, ObservedContainer] = {}
    for container in containers:
        if container.uid == uid:
            latest.setdefault(container.name, container)
    return latest


def kill_grace(container: ObservedContainer) -> int:
    return max(MIN_KILL_GRACE_SECONDS, container.grace_seconds)


def ended(container: ObservedContainer) -> bool:
    return container.state in (State.EXITED, State.UNKNOWN)


def exit_code(container: ObservedContainer) -> int:
    """What an ended container says; one that was lost, or has still to be stopped, counts as killed."""
    return container.exit_code or (KILLED if container.state in (State.UNKNOWN, State.RUNNING) else 0)


def restartable(container: ObservedContainer, policy: str) -> bool:
    """Whether the pod's policy runs the container again, once it has ended."""
    return policy == "Always" or (policy == "OnFailure" and exit_code(container) != 0)


def finished(situation: Situation) -> bool:
    """Whether the pod is done: every container ended, as it is defined now, and none is to run again.

    With policy Never a lost sandbox ends the pod too, once it had a container.
    """
    policy, latest = situation.desired.pod.spec.restart_policy, situation.latest
    lost = situation.sandbox is not None and not situation.sandbox.ready
    if policy == "Never" and lost and latest:
        return True
    return all(_done(manifest, latest.get(manifest.name), policy) for manifest in situation.desired.pod.spec.containers)


def _done(manifest: Container, current: ObservedContainer | None, policy: str) -> bool:
    if current is None or not ended(current) or current.hash != container_hash(manifest):
        return False
    return not restartable(current, policy)


def start_containers(situation: Situation, sandbox_id: str, attempt: int) -> Plan:
    """What each container of the manifest needs to run in the sandbox (empty id: the one this plan makes)."""
    plans = [_container(manifest, situation, sandbox_id, attempt) for manifest in situation.desired.pod.spec.containers]
    wakes = [plan.wake_at for plan in plans if plan.wake_at is not None]
    actions = tuple(action for plan in plans for action in plan.actions)
    return Plan(situation.desired.key, actions, min(wakes, default=None))


def _container(manifest: Container, situation: Situation, sandbox_id: str, attempt: int) -> Plan:
    current = situation.latest.get(manifest.name)
    if current is None:
        return _start(manifest, situation, sandbox_id, attempt, None, "it has not run yet")
    same = current.hash == container_hash(manifest)
    here = current.sandbox_id == sandbox_id
    if here and current.state is State.CREATED:
        return _start_created(manifest, current, same, situation, sandbox_id, attempt)
    if not same:
        start = _start(manifest, situation, sandbox_id, attempt, current, "its definition changed")
        return _stop_first(current, start, "its definition changed") if here else start
    if here and current.state is State.RUNNING:
        return Plan(situation.desired.key)
    start = _restart(manifest, current, situation, sandbox_id, attempt)
    return _stop_first(current, start, "the runtime lost track of it") if here else start


def _stop_first(current: ObservedContainer, start: Plan, why: str) -> Plan:
    """Another takes its place in the sandbox: what runs, or may, is stopped, but not before the other can be made."""
    if not start.actions or current.state is State.EXITED:
        return start
    stop = StopContainer(current.name, current.id, kill_grace(current), why)
    return Plan(start.key, (stop, *start.actions), start.wake_at)


def _start_created(
    manifest: Container, current: ObservedContainer, same: bool, situation: Situation, sandbox_id: str, attempt: int
) -> Plan:
    """A container made by an agent that was stopped before it could start it."""
    key = situation.desired.key
    if not same:
        why = "its definition changed"
        remove = RemoveContainer(manifest.name, current.id, current.log_path, why)
        start = _start(manifest, situation, sandbox_id, attempt, current, why)
        return Plan(key, (remove, *start.actions), start.wake_at)
    due = retry_at(situation.failures.get(container_subject(manifest.name)))
    if situation.now < due:
        return Plan(key, (), due)
    return Plan(key, (StartContainer(manifest.name, current.id, "it was created but not started"),))


def _restart(
    manifest: Container, current: ObservedContainer, situation: Situation, sandbox_id: str, attempt: int
) -> Plan:
    if current.state is not State.CREATED and not restartable(current, situation.desired.pod.spec.restart_policy):
        return Plan(situation.desired.key)
    delay = restart_delay(current, situation.settings.max_backoff_seconds)
    # An end in the future means that the clock was set back: nobody knows how long ago it was.
    if current.finished_at <= situation.now < current.finished_at + delay:
        return Plan(situation.desired.key, (), current.finished_at + delay)
    why = f"it ended with exit code {exit_code(current)}" if ended(current) else "its sandbox is gone"
    return _start(manifest, situation, sandbox_id, attempt, current, why, delay)


def _start(
    manifest: Container,
    situation: Situation,
    sandbox_id: str,
    attempt: int,
    previous: ObservedContainer | None,
    why: str,
    delay: float | None = None,
) -> Plan:
    key, images, failures = situation.desired.key, situation.observed.images, situation.failures
    due = max(
        retry_at(failures.get(image_subject(manifest.image)), LONGEST_PULL),
        retry_at(failures.get(container_subject(manifest.name))),
    )
    if situation.now < due:
        return Plan(key, (), due)
    if never_pulled(manifest, images):
        return Plan(key)
    spec = container_spec(
        manifest, previous.restart_count + 1 if previous else 0, delay, situation.desired.pod, situation.settings
    )
    image = images.get(manifest.image)
    pull_why = pull_reason(manifest, images)
    pull: tuple[Action, ...] = (PullImage(manifest.image, pull_why, manifest.name),) if pull_why else ()
    if spec.run_as_non_root and spec.run_as_user is None and image is None:
        return Plan(key, pull, situation.now)
    if non_root_violation(spec.run_as_user, spec.run_as_non_root, image):
        return Plan(key)
    sandbox = sandbox_spec(situation.desired, attempt, situation.settings)
    create = CreateContainer(spec, sandbox, sandbox_id, why)
    return Plan(key, (*pull, create, StartContainer(manifest.name, "", why)))


def surplus(situation: Situation, sandbox: Sandbox) -> Iterator[Action]:
    """Stops for what runs and should not: a second container of a name, one that the manifest no longer has, or one
    outside the sandbox.
    """
    wanted = {manifest.name for manifest in situation.desired.pod.spec.containers}
    keep = {
        container.id
        for name, container in situation.latest.items()
        if name in wanted and container.sandbox_id == sandbox.id
    }
    for container in situation.observed.containers:
        mine = container.uid == situation.desired.uid
        if mine and container.id not in keep and container.state is State.RUNNING:
            why = "the pod has a newer one" if container.name in wanted else "the manifest no longer has it"
            yield StopContainer(container.name, container.id, kill_grace(container), why)
