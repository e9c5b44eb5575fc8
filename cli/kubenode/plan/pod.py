"""What to do for one pod key now: the whole plan, from desired, observed and past failures.

Order of a plan: what runs under the key with another UID goes first, then directory, volumes and cgroup, then the
sandbox, then the containers, then what is dead and no longer kept. So two versions of a pod never run at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from kubenode.model.actions import Action, CreateContainer, Failure, Plan, RunSandbox, StopSandbox, WriteHosts
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedPod, Sandbox, State
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.backoff import retry_at
from kubenode.plan.containers import look_after, start_containers, surplus
from kubenode.plan.creation import Place
from kubenode.plan.failures import CLEAN_UP, HOSTS, SANDBOX
from kubenode.plan.garbage import garbage
from kubenode.plan.hosts import hosts_file
from kubenode.plan.lifecycle import finished, past_deadline, verdict
from kubenode.plan.preparation import Preparation, prepare
from kubenode.plan.problems import UnrunnableError
from kubenode.plan.removal import tear_down
from kubenode.plan.situation import Situation
from kubenode.plan.specs import sandbox_spec
from kubenode.plan.stops import stop_running
from kubenode.plan.volume_usage import MEASURED_EVERY_SECONDS, limited_on_disk


def plan(
    key: PodKey,
    desired: DesiredPod | None,
    observed: ObservedPod,
    failures: Mapping[str, Failure],
    settings: Settings,
    now: float,
) -> Plan:
    """The actions that bring the key from observed to desired. `desired` None: nothing may be left of it."""
    keep = desired.uid if desired else ""
    why = "its manifest changed" if desired else "its manifest is gone"
    # A clock that was set back must not stretch a wait.
    failures = {subject: failure for subject, failure in failures.items() if failure.at <= now}
    removal = tuple(tear_down(observed, keep, why))
    clean_up_at = retry_at(failures.get(CLEAN_UP))
    if removal and now < clean_up_at:
        return Plan(key, (), clean_up_at)
    if desired is None:
        return Plan(key, removal)
    running = _run(Situation.of(desired, observed, failures, settings, now))
    return Plan(key, removal + running.actions, running.wake_at)


def _run(situation: Situation) -> Plan:
    desired, sandbox = situation.desired, situation.sandbox
    if finished(situation):
        return Plan(desired.key, (*_stop_finished(situation), *garbage(situation)))
    preparation = prepare(situation)
    if sandbox is not None and sandbox.ready:
        return _until_watched(situation, _keep_running(situation, sandbox, preparation))
    if preparation.blocked:
        return Plan(desired.key, (*preparation.actions, *garbage(situation)), preparation.wake_at)
    blocked_until = retry_at(situation.failures.get(SANDBOX))
    if situation.now < blocked_until:
        return Plan(desired.key, (*preparation.actions, *garbage(situation)), blocked_until)
    return _until_watched(situation, _new_sandbox(situation, sandbox, preparation))


def _until_watched(situation: Situation, planned: Plan) -> Plan:
    """The plan with a look at the pod's deadline, and now and then at what its volumes hold."""
    pod = situation.desired.pod
    wakes = [] if planned.wake_at is None else [planned.wake_at]
    if pod.spec.active_deadline_seconds is not None:
        wakes.append(situation.started_at + pod.spec.active_deadline_seconds)
    if limited_on_disk(pod):
        wakes.append(situation.now + MEASURED_EVERY_SECONDS)
    return Plan(planned.key, planned.actions, min(wakes, default=None))


def _stop_finished(situation: Situation) -> Iterator[Action]:
    """What is left of a pod that is done gives its processes and its address back."""
    sandbox, why = situation.sandbox, _why_done(situation)
    running = [one for one in situation.mine if one.state is State.RUNNING]
    yield from stop_running(running, situation.observed, why)
    if sandbox is not None and sandbox.ready:
        yield StopSandbox(sandbox.id, why)


def _why_done(situation: Situation) -> str:
    if situation.desired.refusal is not None:
        return f"this node refuses it: {situation.desired.refusal.reason}"
    if past_deadline(situation):
        return "its active deadline is over"
    found = verdict(situation)
    return f"it is evicted: {found.message}" if found else "the pod is done"


def _keep_running(situation: Situation, sandbox: Sandbox, preparation: Preparation) -> Plan:
    stale = tuple(surplus(situation, sandbox))
    place = Place(sandbox.id, sandbox.attempt)
    blocked = preparation.blocked or situation.now < retry_at(situation.failures.get(HOSTS))
    care = look_after(situation, place) if blocked else start_containers(situation, place)
    wakes = [wake for wake in (care.wake_at, preparation.wake_at) if wake is not None]
    actions = (*stale, *preparation.actions, *_with_hosts(situation, care.actions), *garbage(situation))
    return Plan(situation.desired.key, actions, min(wakes, default=None))


def _new_sandbox(situation: Situation, sandbox: Sandbox | None, preparation: Preparation) -> Plan:
    """Stop what is left of the old sandbox, also to give its address back, and run a new one."""
    desired, why = situation.desired, "the sandbox is gone" if sandbox else "the pod is new"
    place = Place("", sandbox.attempt + 1 if sandbox else 0)
    try:
        spec = sandbox_spec(desired, place.attempt, situation.settings, situation.observed.node, situation.started_at)
    except UnrunnableError:
        return Plan(desired.key, tuple(garbage(situation)))
    old: tuple[Action, ...] = ()
    if sandbox:
        old = (*stop_running(situation.mine, situation.observed, why), StopSandbox(sandbox.id, why))
    start = start_containers(situation, place)
    actions = (*old, *preparation.actions, RunSandbox(spec, why), *_with_hosts(situation, start.actions))
    return Plan(desired.key, actions, start.wake_at)


def _with_hosts(situation: Situation, actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """Containers that are made see the pod's /etc/hosts with its addresses."""
    spec = hosts_file(situation.desired, situation.settings)
    for index, action in enumerate(actions):
        if spec is not None and isinstance(action, CreateContainer):
            write = WriteHosts(dataclasses.replace(spec, ips=situation.ips), action.why)
            return (*actions[:index], write, *actions[index:])
    return actions
