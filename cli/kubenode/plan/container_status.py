"""What a container's condition is, in Kubernetes' terms."""

from __future__ import annotations

from kubenode.model.observed import ObservedContainer, State
from kubenode.model.pod import Container, is_sidecar
from kubenode.model.status import ContainerStatus, Exit, Kind
from kubenode.plan.lifecycle import ended, exit_code, finished, init_succeeded, initialized, restarts
from kubenode.plan.probes import is_ready, is_started
from kubenode.plan.situation import Situation
from kubenode.plan.waiting import why_not_restarted, why_waiting


def container_statuses(situation: Situation) -> tuple[tuple[ContainerStatus, ...], tuple[ContainerStatus, ...]]:
    """Of the init containers, and of all others, each in the order of the manifest."""
    spec = situation.desired.pod.spec
    init = tuple(_init(manifest, situation) for manifest in spec.init_containers)
    return init, tuple(_container(manifest, situation, Kind.APP) for manifest in spec.containers)


def _init(manifest: Container, situation: Situation) -> ContainerStatus:
    if is_sidecar(manifest):
        return _container(manifest, situation, Kind.SIDECAR)
    if not initialized(situation) and not init_succeeded(situation, manifest):
        return _container(manifest, situation, Kind.INIT)
    current = situation.latest.get(manifest.name)
    if current is not None and current.state is State.EXITED:
        return _described(current, Kind.INIT, "terminated", *_end(current), ready=not exit_code(current))
    # Its container may be cleaned away long since.
    return ContainerStatus(
        name=manifest.name, kind=Kind.INIT, state="terminated", reason="Completed", image=manifest.image, ready=True
    )


def _container(manifest: Container, situation: Situation, kind: Kind) -> ContainerStatus:
    current, over = situation.latest.get(manifest.name), finished(situation)
    before = _exit_before(manifest.name, current, situation)
    if current is None:
        reason, message = ("", "") if over else why_waiting(manifest, situation)
        return ContainerStatus(
            name=manifest.name, kind=kind, state="waiting", reason=reason, message=message, image=manifest.image
        )
    if current.state is State.CREATED:
        why = ("", "") if over else why_waiting(manifest, situation)
        return _described(current, kind, "waiting", *why, last=before)
    if current.state is State.RUNNING:
        started = is_started(manifest, current)
        ready = kind is not Kind.INIT and started and is_ready(manifest, current)
        return _described(current, kind, "running", "", "", last=before, started=started, ready=ready)
    if not over and restarts(current, manifest, situation.desired.pod.spec):
        why = why_not_restarted(manifest, current, situation)
        return _described(current, kind, "waiting", *why, last=exit_of(current))
    return _described(current, kind, "terminated", *_end(current), last=before)


def exit_of(container: ObservedContainer) -> Exit:
    """How the container ended."""
    reason, message = _end(container)
    return Exit(
        exit_code=exit_code(container),
        reason=reason,
        message=message,
        started_at=container.started_at,
        finished_at=container.finished_at,
        container_id=container.id,
    )


def _end(container: ObservedContainer) -> tuple[str, str]:
    if container.state is State.UNKNOWN:
        return "ContainerStatusUnknown", container.message or "the runtime lost track of the container"
    return container.reason or ("Error" if container.exit_code else "Completed"), container.message


def _exit_before(name: str, current: ObservedContainer | None, situation: Situation) -> Exit | None:
    dead = (one for one in situation.mine if one.name == name and one is not current and ended(one))
    return next((exit_of(one) for one in dead), None)


def _described(
    current: ObservedContainer,
    kind: Kind,
    state: str,
    reason: str,
    message: str,
    *,
    last: Exit | None = None,
    started: bool = False,
    ready: bool = False,
) -> ContainerStatus:
    return ContainerStatus(
        name=current.name,
        kind=kind,
        state=state,
        reason=reason,
        message=message,
        ready=ready,
        started=started,
        restarts=current.restart_count,
        container_id=current.id,
        image=current.image,
        image_id=current.image_id,
        exit_code=exit_code(current) if ended(current) else 0,
        started_at=current.started_at,
        finished_at=current.finished_at,
        last=last,
    )
