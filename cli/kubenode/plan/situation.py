"""Everything one turn for one pod knows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kubenode.model.actions import Failure
from kubenode.model.observed import ObservedContainer, ObservedPod, Sandbox
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod


@dataclass(frozen=True, slots=True)
class Situation:
    """`sandbox` and `latest` are those of the desired UID; what is observed stands newest first."""

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

    @property
    def mine(self) -> tuple[ObservedContainer, ...]:
        """All containers of the desired UID."""
        return tuple(one for one in self.observed.containers if one.uid == self.desired.uid)

    @property
    def started_at(self) -> float:
        """When the pod began; now, when it is yet to begin."""
        return (self.sandbox.pod_started_at or self.sandbox.created_at) if self.sandbox else self.now

    @property
    def ips(self) -> tuple[str, ...]:
        """The pod's addresses, as far as they are known."""
        if self.desired.pod.spec.host_network:
            return self.observed.node.ips
        return self.sandbox.ips if self.sandbox is not None and self.sandbox.ready else ()


def latest_by_name(containers: Iterable[ObservedContainer], uid: str) -> dict[str, ObservedContainer]:
    """The newest container of each name; containers come newest first."""
    latest: dict[str, ObservedContainer] = {}
    for container in containers:
        if container.uid == uid:
            latest.setdefault(container.name, container)
    return latest
