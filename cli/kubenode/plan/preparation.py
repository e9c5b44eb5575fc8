"""What a pod needs on the node before its containers: its directory, its volumes, its cgroup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kubenode.model.actions import Action, MakePodDirectory, SetCgroup
from kubenode.plan.backoff import retry_at
from kubenode.plan.cgroups import differs, pod_cgroup
from kubenode.plan.failures import CGROUP, VOLUMES
from kubenode.plan.resize import resizing, widest
from kubenode.plan.situation import Situation
from kubenode.plan.specs import log_directory
from kubenode.plan.volumes import pod_directory, volume_set_ups, volume_specs

# How soon a file or device that the pod waits for is looked for again.
LOOK_AGAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Preparation:
    """`missing` says by volume why it cannot be made; with any, or before `wake_at`, nothing new starts."""

    actions: tuple[Action, ...] = ()
    missing: Mapping[str, str] | None = None
    wake_at: float | None = None

    @property
    def blocked(self) -> bool:
        return bool(self.missing) or self.wake_at is not None


def prepare(situation: Situation) -> Preparation:
    """What is to be made or brought up to date, or why it cannot be."""
    failures = situation.failures
    due = max(retry_at(failures.get(VOLUMES)), retry_at(failures.get(CGROUP)))
    if situation.now < due:
        return Preparation((), {}, due)
    set_ups, missing = _volumes(situation)
    actions = (*_directory(situation), *set_ups, *_cgroup(situation))
    return Preparation(actions, missing, situation.now + LOOK_AGAIN_SECONDS if missing else None)


def _directory(situation: Situation) -> Iterator[Action]:
    desired, settings = situation.desired, situation.settings
    path = pod_directory(desired.pod, settings)
    if all(one.path != path for one in situation.observed.directories):
        logs = log_directory(desired.pod, settings)
        cgroup = pod_cgroup(desired.pod, settings).name if settings.kubelet.cgroups_per_qos else ""
        yield MakePodDirectory(path, desired.key, desired.uid, "the pod is new", logs, cgroup)


def _volumes(situation: Situation) -> tuple[tuple[Action, ...], dict[str, str]]:
    """A volume that stands and can no longer be brought up to date stays as it is: the pod runs on."""
    facts = situation.observed.volumes
    specs, unknown = volume_specs(situation.desired, situation.settings, situation.observed.node)
    set_ups, wrong = volume_set_ups(specs, facts)
    there = {name for name, fact in facts.items() if fact.kind}
    return set_ups, {**{name: why for name, why in unknown.items() if name not in there}, **wrong}


def _cgroup(situation: Situation) -> Iterator[Action]:
    if not situation.settings.kubelet.cgroups_per_qos:
        return
    wanted, there = pod_cgroup(situation.desired.pod, situation.settings), situation.observed.cgroup
    if there is None:
        yield SetCgroup(wanted, "the pod is new")
        return
    now = widest(wanted, there) if resizing(situation) else wanted
    if differs(now, there):
        yield SetCgroup(now, "its limits are not those of the manifest")
