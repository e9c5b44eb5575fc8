"""Probes of a pod: which are to be under way, and what their verdicts mean for the container.

Before its first verdict a readiness probe counts as failed, a liveness probe as passed, and a startup probe as
neither, as on the kubelet. How results become a verdict is in plan/probe_runs.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubenode.model.observed import ObservedContainer, ObservedPod, ProbeKind, ProbeState, Sandbox, State
from kubenode.model.pod import Container, Pod, is_sidecar
from kubenode.model.probes import ExecAction, GrpcAction, HttpGetAction, Probe, TcpSocketAction, handler_of
from kubenode.model.specs import ExecHook, HttpHook
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.hooks import http_hook, port_number

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class TcpCheck:
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class GrpcCheck:
    host: str
    port: int
    service: str


# What a probe asks, all names resolved. An empty host: the pod has no address yet. Port 0: it has no such port.
Check = ExecHook | HttpHook | TcpCheck | GrpcCheck


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """One probe of one running container. `started_at` in seconds since the epoch; `state` is its verdict so far."""

    container_id: str
    container: str
    kind: ProbeKind
    probe: Probe
    check: Check
    started_at: float
    state: ProbeState


def targets(desired: DesiredPod, observed: ObservedPod) -> tuple[ProbeTarget, ...]:
    """The probes of what runs in the pod's newest sandbox; a probe that has come to its end is still among them.

    Liveness and readiness begin once the startup probe has passed. A refused pod has none.
    """
    mine = [sandbox for sandbox in observed.sandboxes if sandbox.uid == desired.uid]
    sandbox = max(mine, key=lambda one: (one.attempt, one.created_at), default=None)
    if sandbox is None or desired.refusal is not None:
        return ()
    host = _pod_host(desired.pod, sandbox, observed)
    return tuple(
        target
        for manifest, current in _probed(desired.pod, sandbox, observed)
        for target in _targets(manifest, current, host)
    )


def _pod_host(pod: Pod, sandbox: Sandbox, observed: ObservedPod) -> str:
    if pod.spec.host_network:
        return observed.node.ips[0] if observed.node.ips else LOOPBACK
    return sandbox.ips[0] if sandbox.ips else ""


def _probed(pod: Pod, sandbox: Sandbox, observed: ObservedPod) -> Iterator[tuple[Container, ObservedContainer]]:
    """The newest of each name, if it runs in the sandbox; init containers are probed when they are sidecars."""
    sidecars = [manifest for manifest in pod.spec.init_containers if is_sidecar(manifest)]
    for manifest in (*sidecars, *pod.spec.containers):
        named = [one for one in observed.containers if one.sandbox_id == sandbox.id and one.name == manifest.name]
        newest = max(named, key=lambda one: (one.attempt, one.created_at), default=None)
        if newest is not None and newest.state is State.RUNNING:
            yield manifest, newest


def _targets(manifest: Container, current: ObservedContainer, host: str) -> Iterator[ProbeTarget]:
    for kind, probe in _probes(manifest):
        check = _check(probe, manifest, host)
        if check is not None and (kind is ProbeKind.STARTUP or is_started(manifest, current)):
            state = _state(current, kind)
            yield ProbeTarget(current.id, manifest.name, kind, probe, check, current.started_at, state)


def _probes(manifest: Container) -> Iterator[tuple[ProbeKind, Probe]]:
    for kind, probe in (
        (ProbeKind.STARTUP, manifest.startup_probe),
        (ProbeKind.READINESS, manifest.readiness_probe),
        (ProbeKind.LIVENESS, manifest.liveness_probe),
    ):
        if probe is not None:
            yield kind, probe


def _check(probe: Probe, manifest: Container, host: str) -> Check | None:
    match handler_of(probe):
        case ExecAction() as action:
            return ExecHook(tuple(action.command))
        case HttpGetAction() as action:
            return http_hook(action, manifest, host)
        case TcpSocketAction() as action:
            return TcpCheck(action.host or host, port_number(action.port, manifest))
        case GrpcAction() as action:
            return GrpcCheck(host, port_number(action.port, manifest), action.service)
    return None


def _state(current: ObservedContainer, kind: ProbeKind) -> ProbeState:
    return current.probes.get(kind, ProbeState())


def is_started(container: Container, current: ObservedContainer) -> bool:
    """Whether it runs and its startup probe, if it has one, has passed."""
    if current.state is not State.RUNNING:
        return False
    return container.startup_probe is None or _state(current, ProbeKind.STARTUP).passed is True


def is_ready(container: Container, current: ObservedContainer) -> bool:
    """Whether it is started and its readiness probe, if it has one, passes."""
    if not is_started(container, current):
        return False
    return container.readiness_probe is None or _state(current, ProbeKind.READINESS).passed is True


def liveness_failure(container: Container, current: ObservedContainer) -> str:
    """Why a running container has to be stopped for its probes' sake; empty when it need not."""
    failed = _failed(container, current)
    if failed is None:
        return ""
    message = _state(current, failed).message
    return f"its {failed} probe failed" + (f": {message}" if message else "")


def kill_grace_of_failure(container: Container, pod: Pod, current: ObservedContainer) -> int:
    """Seconds for a container that its probes stop: the failed probe's own, or the pod's."""
    failed = _failed(container, current)
    own = next((probe.termination_grace_period_seconds for kind, probe in _probes(container) if kind is failed), None)
    return pod.spec.termination_grace_period_seconds if own is None else own


def _failed(container: Container, current: ObservedContainer) -> ProbeKind | None:
    if current.state is not State.RUNNING:
        return None
    kinds = [kind for kind, _ in _probes(container) if kind is not ProbeKind.READINESS]
    return next((kind for kind in kinds if _state(current, kind).passed is False), None)
