"""What a pod's condition is, in Kubernetes' terms, from desired, observed and past failures."""

from __future__ import annotations

from collections.abc import Mapping

from kubenode.model.actions import Failure
from kubenode.model.observed import ObservedPod, State
from kubenode.model.status import ContainerStatus, PodStatus
from kubenode.plan.conditions import conditions, initialization_done, serving
from kubenode.plan.container_status import container_statuses, exit_of
from kubenode.plan.failures import CLEAN_UP
from kubenode.plan.lifecycle import ended, failed_init, finished, verdict
from kubenode.plan.resources import qos_class
from kubenode.plan.situation import Situation, latest_by_name
from kubenode.plan.waiting import CREATING, INITIALIZING

Statuses = tuple[ContainerStatus, ...]


def pod_status(situation: Situation) -> PodStatus:
    """The status without its source, which the caller knows."""
    desired, sandbox = situation.desired, situation.sandbox
    init, containers = container_statuses(situation)
    phase = _phase(situation, containers)
    own = _own_reason(situation)
    reason, message = own or _reason_of_containers(situation, (*init, *containers))
    counted = serving(init, containers)
    preparing = _init_column(init) if phase == "Pending" or failed_init(situation) else ""
    began = [status.started_at for status in containers if status.started_at]
    return PodStatus(
        namespace=desired.key.namespace,
        name=desired.key.name,
        uid=desired.uid,
        phase=phase,
        column=own[0] if own else preparing or _column(phase, containers),
        reason=reason,
        message=message,
        ready=sum(status.ready for status in counted),
        total=len(counted),
        init_containers=init,
        containers=containers,
        conditions=conditions(situation, phase, init, containers),
        restarts=sum(status.restarts for status in (init if preparing else counted)),
        started_at=min(began, default=0.0),
        start_time=situation.started_at if sandbox else desired.seen_at,
        ips=situation.ips if sandbox else (),
        host_ips=situation.observed.node.ips,
        qos_class=qos_class(desired.pod).value,
    )


def leftover_status(observed: ObservedPod, failures: Mapping[str, Failure]) -> PodStatus:
    """Of a pod that nobody wants any more: what is left of it, and what stands against its removal."""
    failure = next(iter(failures.values()), None)
    uid = observed.sandboxes[0].uid if observed.sandboxes else ""
    latest = latest_by_name(observed.containers, uid)
    containers = tuple(
        ContainerStatus(
            name=one.name,
            state="terminated" if ended(one) else ("running" if one.state is State.RUNNING else "waiting"),
            reason=exit_of(one).reason if ended(one) else "",
            message=one.message if ended(one) else "",
            exit_code=exit_of(one).exit_code if ended(one) else 0,
            restarts=one.restart_count,
            container_id=one.id,
            image=one.image,
            image_id=one.image_id,
            started_at=one.started_at,
            finished_at=one.finished_at,
        )
        for one in latest.values()
    )
    return PodStatus(
        namespace=observed.key.namespace,
        name=observed.key.name,
        uid=uid,
        phase="Terminating",
        column="Terminating",
        reason=failure.reason if failure else "",
        message=failure.message if failure else "",
        total=len(containers),
        containers=containers,
        restarts=sum(status.restarts for status in containers),
        started_at=min((status.started_at for status in containers if status.started_at), default=0.0),
        ips=observed.sandboxes[0].ips if observed.sandboxes else (),
        host_ips=observed.node.ips,
    )


def _own_reason(situation: Situation) -> tuple[str, str] | None:
    found = verdict(situation)
    return (found.reason, found.message) if found else None


def _reason_of_containers(situation: Situation, statuses: Statuses) -> tuple[str, str]:
    """What holds the first of them up; of a pod that is done, or runs, what is left to do and cannot be done."""
    waiting = [status for status in statuses if status.state == "waiting" and status.reason]
    telling = [status for status in waiting if status.reason not in (CREATING, INITIALIZING)]
    if first := next(iter(telling or waiting), None):
        return first.reason, first.message
    failure = situation.failures.get(CLEAN_UP)
    return (failure.reason, failure.message) if failure else ("", "")


def _phase(situation: Situation, containers: Statuses) -> str:
    """A pod that is done stays Running until its last process has ended."""
    if finished(situation) and not any(one.state is State.RUNNING for one in situation.mine):
        failed = _own_reason(situation) or failed_init(situation)
        return "Succeeded" if not failed and all(_succeeded(status) for status in containers) else "Failed"
    latest = [situation.latest.get(status.name) for status in containers]
    never_ran = any(one is None or (one.state is State.CREATED and not one.restart_count) for one in latest)
    return "Pending" if never_ran else "Running"


def _succeeded(status: ContainerStatus) -> bool:
    return status.state == "terminated" and not status.exit_code


def _column(phase: str, containers: Statuses) -> str:
    """As kubectl has it: the first container that waits or has failed tells; a pod half done runs, or is not ready."""
    words = [status.reason or "Error" for status in containers if status.state == "terminated"]
    held_up = [status.reason for status in containers if status.state == "waiting" and status.reason]
    bad = held_up or [word for word in words if word != "Completed"]
    if bad:
        return bad[0]
    running = [status for status in containers if status.state == "running"]
    if words and running:
        return "Running" if all(status.ready for status in running) else "NotReady"
    return words[0] if words and not running else phase


def _init_column(init: Statuses) -> str:
    """How far the init containers are; empty once they are through."""
    for index, status in enumerate(init):
        if initialization_done(status):
            continue
        if status.state == "terminated" or (status.state == "waiting" and status.reason not in ("", INITIALIZING)):
            return f"Init:{status.reason}"
        return f"Init:{index}/{len(init)}"
    return ""


def all_statuses(status: PodStatus) -> Statuses:
    """Init containers first."""
    return (*status.init_containers, *status.containers)
