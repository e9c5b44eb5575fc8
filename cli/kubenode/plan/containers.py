"""Which containers of a pod are to be started, stopped or left alone.

none ────────────────────────────▶ pull? ─▶ create ─▶ start ─▶ postStart?
created, same definition ────────▶ start ─▶ postStart?
running, same definition ────────▶ leave, resize; stop where a probe or its postStart hook says so
running, other definition ───────▶ stop ─▶ as none, next attempt
exited, to be restarted ─────────▶ wait for back-off ─▶ as none, next attempt
exited, other definition ────────▶ as none, next attempt

Init containers go one after the other; a sidecar lets the next one go once it is started. Then come all others.
"""

from __future__ import annotations

from collections.abc import Iterator

from kubenode.model.actions import Action, Plan, RemoveContainer, StartContainer
from kubenode.model.observed import ObservedContainer, Sandbox, State
from kubenode.model.pod import Container, all_containers, is_sidecar
from kubenode.plan.backoff import restart_delay, retry_at
from kubenode.plan.creation import Place, creation, post_start
from kubenode.plan.failures import container_subject, hook_subject, resize_subject
from kubenode.plan.lifecycle import ended, exit_code, init_succeeded, initialized, restarts
from kubenode.plan.probes import is_started, kill_grace_of_failure, liveness_failure
from kubenode.plan.resize import resize
from kubenode.plan.situation import Situation
from kubenode.plan.specs import container_hash
from kubenode.plan.stops import stop


def start_containers(situation: Situation, place: Place) -> Plan:
    """What each container of the manifest needs to run in the place."""
    through = initialized(situation)
    plans: list[Plan] = []
    for manifest in situation.desired.pod.spec.init_containers:
        if through and not is_sidecar(manifest):
            continue
        plans.append(_init(manifest, situation, place))
        if not through and not _lets_next_go(manifest, situation, place, plans[-1]):
            return _joined(situation, plans)
    plans += [_container(manifest, situation, place) for manifest in situation.desired.pod.spec.containers]
    return _joined(situation, plans)


def look_after(situation: Situation, place: Place) -> Plan:
    """The same for what runs alone: nothing is started."""
    plans = []
    for manifest in all_containers(situation.desired.pod.spec):
        current = situation.latest.get(manifest.name)
        if current is not None and current.sandbox_id == place.sandbox_id and current.state is State.RUNNING:
            plans.append(_running(manifest, current, situation))
    return _joined(situation, plans)


def _joined(situation: Situation, plans: list[Plan]) -> Plan:
    wakes = [plan.wake_at for plan in plans if plan.wake_at is not None]
    actions = tuple(action for plan in plans for action in plan.actions)
    return Plan(situation.desired.key, actions, min(wakes, default=None))


def _init(manifest: Container, situation: Situation, place: Place) -> Plan:
    current = situation.latest.get(manifest.name)
    if is_sidecar(manifest) or current is None:
        return _container(manifest, situation, place)
    if init_succeeded(situation, manifest) and current.sandbox_id == place.sandbox_id:
        return Plan(situation.desired.key)
    if current.state is State.EXITED and current.sandbox_id != place.sandbox_id and not exit_code(current):
        return creation(manifest, situation, place, current, "the sandbox is new")
    return _container(manifest, situation, place)


def _lets_next_go(manifest: Container, situation: Situation, place: Place, planned: Plan) -> bool:
    current = situation.latest.get(manifest.name)
    here = current is not None and current.sandbox_id == place.sandbox_id
    if not is_sidecar(manifest):
        return here and init_succeeded(situation, manifest)
    if any(isinstance(action, StartContainer) for action in planned.actions):
        return manifest.startup_probe is None
    running = here and current is not None and current.state is State.RUNNING
    return running and not planned.actions and current is not None and is_started(manifest, current)


def _container(manifest: Container, situation: Situation, place: Place) -> Plan:
    current = situation.latest.get(manifest.name)
    if current is None:
        return creation(manifest, situation, place, None, "it has not run yet")
    same = current.hash == container_hash(manifest)
    here = current.sandbox_id == place.sandbox_id
    if here and current.state is State.CREATED:
        return _start_created(manifest, current, same, situation, place)
    if not same:
        why = "its definition changed"
        start = creation(manifest, situation, place, current, why)
        return _stop_first(current, start, situation, why) if here else start
    if here and current.state is State.RUNNING:
        return _running(manifest, current, situation)
    start = _restart(manifest, current, situation, place)
    return _stop_first(current, start, situation, "the runtime lost track of it") if here else start


def _running(manifest: Container, current: ObservedContainer, situation: Situation) -> Plan:
    """A container that runs is left alone, unless its hook or a probe failed, or it is to have other resources."""
    key = situation.desired.key
    if failure := situation.failures.get(hook_subject(current.id)):
        return Plan(key, (stop(current, situation.observed, f"its postStart hook failed: {failure.message}"),))
    if why := liveness_failure(manifest, current):
        grace = kill_grace_of_failure(manifest, situation.desired.pod, current)
        return Plan(key, (stop(current, situation.observed, why, grace),))
    change = resize(manifest, current, situation.desired, situation.settings)
    if change is None:
        return Plan(key)
    due = retry_at(situation.failures.get(resize_subject(manifest.name)))
    return Plan(key, (), due) if situation.now < due else Plan(key, (change,))


def _stop_first(current: ObservedContainer, start: Plan, situation: Situation, why: str) -> Plan:
    """Another takes its place in the sandbox: what runs, or may, is stopped, but not before the other can be made."""
    if not start.actions or current.state is State.EXITED:
        return start
    return Plan(start.key, (stop(current, situation.observed, why), *start.actions), start.wake_at)


def _start_created(
    manifest: Container, current: ObservedContainer, same: bool, situation: Situation, place: Place
) -> Plan:
    """A container made by an agent that was stopped before it could start it."""
    key = situation.desired.key
    if not same:
        why = "its definition changed"
        remove = RemoveContainer(manifest.name, current.id, current.log_path, why)
        start = creation(manifest, situation, place, current, why)
        return Plan(key, (remove, *start.actions), start.wake_at)
    due = retry_at(situation.failures.get(container_subject(manifest.name)))
    if situation.now < due:
        return Plan(key, (), due)
    why = "it was created but not started"
    started = StartContainer(manifest.name, current.id, why, current.log_path)
    return Plan(key, (started, *post_start(manifest, current.id, situation, why)))


def _restart(manifest: Container, current: ObservedContainer, situation: Situation, place: Place) -> Plan:
    spec = situation.desired.pod.spec
    if current.state is not State.CREATED and not restarts(current, manifest, spec):
        return Plan(situation.desired.key)
    delay = restart_delay(current, situation.settings.max_backoff_seconds)
    # An end in the future means that the clock was set back: nobody knows how long ago it was.
    if current.finished_at <= situation.now < current.finished_at + delay:
        return Plan(situation.desired.key, (), current.finished_at + delay)
    why = f"it ended with exit code {exit_code(current)}" if ended(current) else "its sandbox is gone"
    return creation(manifest, situation, place, current, why, delay)


def surplus(situation: Situation, sandbox: Sandbox) -> Iterator[Action]:
    """Stops for what runs and should not: a second container of a name, one that the manifest no longer has, or one
    outside the sandbox.
    """
    wanted = {manifest.name for manifest in all_containers(situation.desired.pod.spec)}
    keep = {
        container.id
        for name, container in situation.latest.items()
        if name in wanted and container.sandbox_id == sandbox.id
    }
    for container in situation.mine:
        if container.id not in keep and container.state is State.RUNNING:
            why = "the pod has a newer one" if container.name in wanted else "the manifest no longer has it"
            yield stop(container, situation.observed, why)
