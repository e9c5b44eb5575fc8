"""What to do for one pod key now: the whole plan, from desired, observed and past failures.

Order of a plan: what runs under the key with another UID goes first, then the sandbox, then each container in the
order of the manifest, then what is dead and no longer kept. So two versions of a pod never run at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kubenode.model.actions import (
    Action,
    CleanUpPod,
    Failure,
    Plan,
    RemoveContainer,
    RemoveSandbox,
    RunSandbox,
    StopContainer,
    StopSandbox,
)
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedContainer, ObservedPod, Sandbox, State
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.backoff import retry_at
from kubenode.plan.containers import Situation, finished, kill_grace, start_containers, surplus
from kubenode.plan.failures import CLEAN_UP, SANDBOX
from kubenode.plan.garbage import garbage
from kubenode.plan.specs import sandbox_spec


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
    removal = tuple(_tear_down(observed, keep, why))
    clean_up_at = retry_at(failures.get(CLEAN_UP))
    if removal and now < clean_up_at:
        return Plan(key, (), clean_up_at)
    if desired is None:
        return Plan(key, removal)
    running = _run(Situation.of(desired, observed, failures, settings, now))
    return Plan(key, removal + running.actions, running.wake_at)


def _tear_down(observed: ObservedPod, keep: str, why: str) -> Iterator[Action]:
    """Stops first and sandboxes last, so that a plan cut off anywhere is taken up again from what is left."""
    containers = [container for container in observed.containers if container.uid != keep]
    sandboxes = [sandbox for sandbox in observed.sandboxes if sandbox.uid != keep]
    yield from _stop_running(containers, why)
    for sandbox in sandboxes:
        yield StopSandbox(sandbox.id, why)
    for container in containers:
        yield RemoveContainer(container.name, container.id, container.log_path, why)
    for place in dict.fromkeys((_log_directory(observed.key, sandbox), _cgroup(sandbox)) for sandbox in sandboxes):
        if any(place):
            yield CleanUpPod(*place, why)
    for sandbox in sandboxes:
        yield RemoveSandbox(sandbox.id, why)


def _log_directory(key: PodKey, sandbox: Sandbox) -> str:
    """The pod's log directory, if it is one: what stands in an annotation is not removed unseen."""
    place, _, last = sandbox.log_directory.rpartition("/")
    return sandbox.log_directory if place and last == f"{key.namespace}_{key.name}_{sandbox.uid}" else ""


def _cgroup(sandbox: Sandbox) -> str:
    """The pod's cgroup, if it is one: a sandbox that another agent made does not say, and no other may be removed."""
    parent = sandbox.cgroup_parent
    slices = parent.endswith(f"-pod{sandbox.uid.replace('-', '_')}.slice") and "/" not in parent
    path = parent.endswith(f"/pod{sandbox.uid}") and ".." not in parent.split("/")
    return parent if slices or path else ""


def _stop_running(containers: list[ObservedContainer], why: str) -> Iterator[Action]:
    for container in containers:
        if container.state in (State.RUNNING, State.UNKNOWN):
            yield StopContainer(container.name, container.id, kill_grace(container), why)


def _run(situation: Situation) -> Plan:
    desired, observed = situation.desired, situation.observed
    sandbox = situation.sandbox
    if finished(situation):
        return Plan(desired.key, (*_stop_finished(situation), *garbage(situation)))
    if sandbox is not None and sandbox.ready:
        return _keep_running(situation, sandbox)
    blocked_until = retry_at(situation.failures.get(SANDBOX))
    if situation.now < blocked_until:
        return Plan(desired.key, tuple(garbage(situation)), blocked_until)
    attempt = sandbox.attempt + 1 if sandbox else 0
    renewal = _renew_sandbox(sandbox, list(observed.containers), situation, attempt)
    start = start_containers(situation, sandbox_id="", attempt=attempt)
    return Plan(desired.key, renewal + start.actions, start.wake_at)


def _stop_finished(situation: Situation) -> Iterator[Action]:
    """What is left of a pod that is done gives its processes and its address back."""
    sandbox, why = situation.sandbox, "the pod is done"
    for container in situation.observed.containers:
        if container.uid == situation.desired.uid and container.state is State.RUNNING:
            yield StopContainer(container.name, container.id, kill_grace(container), why)
    if sandbox is not None and sandbox.ready:
        yield StopSandbox(sandbox.id, why)


def _keep_running(situation: Situation, sandbox: Sandbox) -> Plan:
    stale = tuple(surplus(situation, sandbox))
    start = start_containers(situation, sandbox_id=sandbox.id, attempt=sandbox.attempt)
    return Plan(situation.desired.key, stale + start.actions + tuple(garbage(situation)), start.wake_at)


def _renew_sandbox(
    sandbox: Sandbox | None, containers: list[ObservedContainer], situation: Situation, attempt: int
) -> tuple[Action, ...]:
    """Stop what is left of the old sandbox, also to give its address back, and run a new one."""
    why = "the sandbox is gone" if sandbox else "the pod is new"
    mine = [container for container in containers if container.uid == situation.desired.uid]
    old = (*_stop_running(mine, why), StopSandbox(sandbox.id, why)) if sandbox else ()
    return (*old, RunSandbox(sandbox_spec(situation.desired, attempt, situation.settings), why))
