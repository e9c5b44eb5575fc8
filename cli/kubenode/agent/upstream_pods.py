"""Static pods that an upstream kubelet runs, as the runtime shows them.

The kubelet's UID of a pod cannot be computed here. It makes another pod of a changed file, so the age of the sandbox
says which version it is. What probes say is its secret too: where that is asked for, they are asked from here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from kubenode.agent.once import Node, observe
from kubenode.agent.tables import status_of
from kubenode.clients.http_get import http_session
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedPod, ProbeKind, ProbeState, Sandbox
from kubenode.model.pod import Pod, all_containers
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod, Origin, SourceKind, static_pod
from kubenode.model.status import PodStatus
from kubenode.observe.probe_checks import Checker, CheckError
from kubenode.plan.probes import ProbeTarget, targets
from kubenode.plan.specs import container_hash

# The kubelet reads its directory again after 20 s at the latest.
TAKEN_UP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Manifest:
    """A file of the directory and its pod. `changed_at`: when it was last written, in seconds since the epoch."""

    path: Path
    pod: Pod
    changed_at: float

    def key(self, settings: Settings) -> PodKey:
        return static_pod(self.pod, self._origin, settings.node_name).key

    def as_run(self, settings: Settings, uid: str) -> DesiredPod:
        pod = static_pod(self.pod, self._origin, settings.node_name)
        metadata = msgspec.structs.replace(pod.metadata, uid=uid)
        return DesiredPod(msgspec.structs.replace(pod, metadata=metadata), self._origin, self.changed_at)

    @property
    def _origin(self) -> Origin:
        return Origin(SourceKind.FILE, str(self.path))


@dataclass(slots=True)
class UpstreamPods:
    """Looks at the kubelet's pods, for as long as somebody waits. `probing`: whether probes are asked."""

    node: Node
    probing: bool = False
    _verdicts: dict[str, dict[ProbeKind, ProbeState]] = field(default_factory=dict)

    async def status(self, manifest: Manifest) -> PodStatus | str:
        """How this version of the pod is, or why nothing can be said of it yet. Raises ClientError."""
        settings, key = self.node.settings, manifest.key(self.node.settings)
        observed = await self.node.observer.pod(key)
        sandbox = newest(observed.sandboxes)
        if sandbox is None:
            return "the kubelet has not made it yet: its log tells why, e.g. journalctl -u kubelet"
        now = self.node.clock()
        if sandbox.created_at < manifest.changed_at and now < manifest.changed_at + TAKEN_UP_SECONDS:
            return "the kubelet still runs what it ran before the file was changed"
        desired = manifest.as_run(settings, sandbox.uid)
        seen = _as_ours(await observe(replace(self.node, verdicts=self._verdicts), key, desired), desired)
        if self.probing:
            await self._ask(desired, seen)
            seen = _with_verdicts(seen, self._verdicts)
        return status_of(desired, seen, {}, settings, now, settled=False)

    async def gone(self, manifest: Manifest) -> bool | str:
        """Whether nothing of the pod runs any more. What a kubelet keeps of dead pods does not count."""
        observed = await self.node.observer.pod(manifest.key(self.node.settings))
        running = [one.name for one in observed.containers if one.state == "running"]
        if running:
            return f"the kubelet has not stopped it: {', '.join(sorted(running))} still runs"
        return True if not any(one.ready for one in observed.sandboxes) else "its sandbox is still there"

    async def _ask(self, desired: DesiredPod, observed: ObservedPod) -> None:
        """Startup and readiness, until startup probes passed: those stand from then on."""
        async with http_session() as session:
            checker = Checker(self.node.cri, session)
            wanted = [one for one in targets(desired, observed) if one.kind is not ProbeKind.LIVENESS]
            await asyncio.gather(*(self._verdict(checker, one) for one in wanted if not _stands(one)))

    async def _verdict(self, checker: Checker, target: ProbeTarget) -> None:
        try:
            result = await checker.check(target.container_id, target.check, target.probe.timeout_seconds)
            state = ProbeState(result.passed, result.message, self.node.clock())
        except CheckError as error:
            state = ProbeState(None, str(error), self.node.clock())
        self._verdicts.setdefault(target.container_id, {})[target.kind] = state


def newest(sandboxes: Sequence[Sandbox]) -> Sandbox | None:
    return max(sandboxes, key=lambda one: (one.ready, one.created_at), default=None)


def _stands(target: ProbeTarget) -> bool:
    return target.kind is ProbeKind.STARTUP and target.state.passed is True


def _as_ours(observed: ObservedPod, desired: DesiredPod) -> ObservedPod:
    """The kubelet's hash of a container is made otherwise; of this version of the pod they mean the same."""
    hashes = {one.name: container_hash(one) for one in all_containers(desired.pod.spec)}
    containers = tuple(replace(one, hash=hashes.get(one.name, one.hash)) for one in observed.containers)
    return replace(observed, containers=containers)


def _with_verdicts(observed: ObservedPod, verdicts: dict[str, dict[ProbeKind, ProbeState]]) -> ObservedPod:
    containers = tuple(replace(one, probes=verdicts.get(one.id, one.probes)) for one in observed.containers)
    return replace(observed, containers=containers)
