"""Pods, observations and plans for planner tests, from a few words and back to them.

A container's id is `NAME-ATTEMPT`, a sandbox's `sATTEMPT`. Times are seconds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from kubenode.model import names
from kubenode.model.actions import (
    Action,
    CleanUpPod,
    CreateContainer,
    Failure,
    RunSandbox,
    StartContainer,
    StopContainer,
)
from kubenode.model.facts import NodeFacts
from kubenode.model.names import PodKey
from kubenode.model.observed import (
    ImageFact,
    ObservedContainer,
    ObservedPod,
    ProbeKind,
    ProbeState,
    Sandbox,
    State,
)
from kubenode.model.pod import Pod, all_containers
from kubenode.model.settings import CrashLoopBackOff, KubeletConfiguration, Settings
from kubenode.model.static_pod import DesiredPod, Origin, Refusal, SourceKind
from kubenode.model.volume_specs import PodDirectory, VolumeFact
from kubenode.plan.cgroups import pod_cgroup
from kubenode.plan.specs import container_hash
from kubenode.plan.volumes import expected_state, pod_directory, volume_specs

KEY = PodKey("default", "web-node")
UID = "u1"
ORIGIN = Origin(SourceKind.FILE, "/manifests/web.yaml")
IMAGE = ImageFact("sha256:1", uid=1000)
NODE = NodeFacts(ips=("192.0.2.1",), cpus=4000, memory=8 * 2**30)
OTHER_HASH = "0123456789abcdef"


def settings(longest_restart: str = "5m") -> Settings:
    backoff = CrashLoopBackOff(max_container_restart_period=longest_restart)
    kubelet = KubeletConfiguration(crash_loop_back_off=backoff)
    return Settings(kubelet=kubelet, node_name="node", memory_capacity=8 * 2**30)


def desired_pod(
    spec: Mapping[str, Any] | None = None, uid: str = UID, refusal: Mapping[str, str] | None = None
) -> DesiredPod:
    """A pod of this spec, of one container `app` unless it says more; a container may be its name alone."""
    full = {"containers": ["app"], **(spec or {})}
    for kind in ("containers", "initContainers"):
        full[kind] = [_manifest(container) for container in full.get(kind, [])]
    metadata = {"name": KEY.name, "namespace": KEY.namespace, "uid": uid}
    pod = msgspec.convert({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": full}, Pod)
    return DesiredPod(pod, ORIGIN, 0.0, refusal=Refusal(**refusal) if refusal else None)


def _manifest(container: str | dict[str, Any]) -> dict[str, Any]:
    fields = {"name": container} if isinstance(container, str) else container
    return {"image": f"r.test/{fields['name']}:1", **fields}


def sandbox(sandbox_id: str, **fields: Any) -> Sandbox:
    """A ready sandbox of the desired pod, or what the fields say."""
    uid, attempt = fields.get("uid", UID), int(sandbox_id.rpartition("s")[2])
    made = Sandbox(
        id=sandbox_id,
        uid=uid,
        attempt=attempt,
        ready=True,
        created_at=100.0 + attempt,
        ips=("10.0.0.9",),
        log_directory=f"/logs/{KEY.namespace}_{KEY.name}_{uid}",
        cgroup_parent=f"/kubepods/besteffort/pod{uid}",
    )
    return dataclasses.replace(made, **fields)


def container(container_id: str, desired: DesiredPod | None = None, **fields: Any) -> ObservedContainer:
    """A running container of the desired pod in its sandbox s0, or what the fields say; `hash: other`: redefined."""
    name, _, attempt = container_id.rpartition("-")
    state = State(fields.pop("state", "running"))
    manifests = list(all_containers(desired.pod.spec)) if desired else []
    probes = {ProbeKind(kind): ProbeState(passed) for kind, passed in fields.pop("probes", {}).items()}
    hashes = {manifest.name: container_hash(manifest) for manifest in manifests}
    made = ObservedContainer(
        id=container_id,
        sandbox_id="s0",
        uid=UID,
        name=name,
        attempt=int(attempt),
        state=state,
        created_at=100.0 + int(attempt),
        hash=hashes.get(name, ""),
        started_at=0.0 if state is State.CREATED else 100.0,
        finished_at=200.0 if state is State.EXITED else 0.0,
        restart_count=int(attempt),
        log_path=f"/logs/{name}/{attempt}.log",
        probes=probes,
    )
    changed = dataclasses.replace(made, **fields)
    return dataclasses.replace(changed, hash=OTHER_HASH) if changed.hash == "other" else changed


def observed_pod(
    desired: DesiredPod | None,
    sandboxes: Mapping[str, Mapping[str, Any]],
    containers: Mapping[str, Mapping[str, Any]],
    images: Mapping[str, Mapping[str, Any] | str | None] | None = None,
) -> ObservedPod:
    """What the runtime holds, newest first. `images` by container name: a fact, None for missing, or `unasked`."""
    facts: dict[str, ImageFact | None] = (
        {manifest.image: IMAGE for manifest in all_containers(desired.pod.spec)} if desired else {}
    )
    for name, fact in (images or {}).items():
        if isinstance(fact, str):
            del facts[f"r.test/{name}:1"]
        else:
            facts[f"r.test/{name}:1"] = None if fact is None else ImageFact("sha256:1", **fact)
    return ObservedPod(
        KEY,
        tuple(sandbox(name, **fields) for name, fields in reversed(list(sandboxes.items()))),
        tuple(container(name, desired, **fields) for name, fields in reversed(list(containers.items()))),
        facts,
        node=NODE,
    )


def prepared(observed: ObservedPod, desired: DesiredPod, node: Settings) -> ObservedPod:
    """The same with all that comes before a sandbox: directory, volumes as they should be, cgroup."""
    specs, _ = volume_specs(desired, node, NODE)
    return dataclasses.replace(
        observed,
        directories=(PodDirectory(desired.uid, pod_directory(desired.pod, node)),),
        volumes={name: VolumeFact("Directory", expected_state(spec)) for name, spec in specs.items()},
        cgroup=pod_cgroup(desired.pod, node),
    )


def failures(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Failure]:
    return {subject: Failure(reason="Failed", message="it did not work", **fields) for subject, fields in found.items()}


def in_words(action: Action) -> str:
    """`verb (why)`, with what matters of the specification in between."""
    match action:
        case RunSandbox(spec):
            detail = f" for {spec.uid}"
        case CreateContainer(spec, _, sandbox_id):
            delay = spec.annotations.get(names.RESTART_BACKOFF)
            backoff = "" if delay is None else f", back-off {delay}"
            detail = f" in {sandbox_id or 'the new sandbox'}, attempt {spec.attempt}{backoff}"
        case StartContainer(_, container_id):
            detail = f", {container_id or 'the new one'}"
        case StopContainer():
            detail = f", {action.container_id}" + (f", order {action.order}" if action.order else "")
        case CleanUpPod(logs, cgroup) if logs or cgroup:
            detail = f", cgroup {cgroup}" if cgroup else ", no cgroup"
        case _:
            detail = ""
    return f"{action.verb}{detail} ({action.why})"
