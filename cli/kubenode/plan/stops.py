"""How what runs is stopped: hook, signal, grace, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubenode.model.actions import StopContainer
from kubenode.model.observed import ObservedContainer, ObservedPod, State
from kubenode.model.pod import PodSpec, is_sidecar

# The kubelet's least time between the stop signal and the kill.
MIN_KILL_GRACE_SECONDS = 2


def kill_grace(container: ObservedContainer) -> int:
    return max(MIN_KILL_GRACE_SECONDS, container.grace_seconds)


def stop(container: ObservedContainer, pod: ObservedPod, why: str, grace: int | None = None) -> StopContainer:
    """One container alone; `grace` in seconds overrides what the container carries."""
    seconds = kill_grace(container) if grace is None else max(MIN_KILL_GRACE_SECONDS, grace)
    ip = _pod_ip(container, pod) if container.pre_stop else ""
    return StopContainer(container.name, container.id, seconds, why, container.pre_stop, 0, ip)


def stop_running(containers: Iterable[ObservedContainer], pod: ObservedPod, why: str) -> Iterator[StopContainer]:
    """All that run, or may: applications first, then sidecars, the last that started first."""
    alive = [container for container in containers if container.state in (State.RUNNING, State.UNKNOWN)]
    for container in sorted(alive, key=lambda one: one.stop_order):
        alone = stop(container, pod, why)
        yield StopContainer(
            alone.container,
            alone.container_id,
            alone.grace_seconds,
            why,
            alone.hook,
            container.stop_order,
            alone.pod_ip,
        )


def stop_order(name: str, spec: PodSpec) -> int:
    """0 for all but sidecars; these count down in the order of their start."""
    sidecars = [manifest.name for manifest in spec.init_containers if is_sidecar(manifest)]
    return len(sidecars) - sidecars.index(name) if name in sidecars else 0


def _pod_ip(container: ObservedContainer, pod: ObservedPod) -> str:
    """A hostNetwork pod's sandbox has no address of its own: the node's is its."""
    for sandbox in pod.sandboxes:
        if sandbox.id == container.sandbox_id and sandbox.ips:
            return sandbox.ips[0]
    return pod.node.ips[0] if pod.node.ips else ""
