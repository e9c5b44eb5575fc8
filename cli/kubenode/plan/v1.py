"""A pod as Kubernetes' API would show it: `v1.Pod` with its status, for tools that read what kubectl prints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from kubenode.model.static_pod import DesiredPod
from kubenode.model.status import Condition, ContainerStatus, Exit, Kind, PodStatus

LAST_TIME = 253402300799.0  # the end of the year 9999
PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")


def v1_pod(desired: DesiredPod | None, status: PodStatus) -> dict[str, Any]:
    """What is desired of the pod, or what can be told of one that nobody wants any more."""
    if desired is not None:
        pod: dict[str, Any] = msgspec.to_builtins(desired.pod)
    else:
        metadata = {"name": status.name, "namespace": status.namespace, "uid": status.uid}
        containers = [{"name": one.name, "image": one.image} for one in status.containers]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers}}
    return {**pod, "status": v1_status(status)}


def v1_status(status: PodStatus) -> dict[str, Any]:
    """`v1.PodStatus`. What is empty is left out, as the API does."""
    own = status.reason if status.phase == "Failed" else ""
    found = {
        "phase": status.phase if status.phase in PHASES else "Running",
        "reason": own,
        "message": status.message if own else "",
        "conditions": [_condition(condition) for condition in status.conditions],
        "hostIP": next(iter(status.host_ips), ""),
        "hostIPs": [{"ip": ip} for ip in status.host_ips],
        "podIP": next(iter(status.ips), ""),
        "podIPs": [{"ip": ip} for ip in status.ips],
        "startTime": timestamp(status.start_time),
        "initContainerStatuses": [_container(one) for one in status.init_containers],
        "containerStatuses": [_container(one) for one in status.containers],
        "qosClass": status.qos_class,
    }
    return _filled(found)


def timestamp(seconds: float) -> str:
    """RFC 3339, to the second; empty for no time."""
    if not 0 < seconds <= LAST_TIME:
        return ""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _condition(condition: Condition) -> dict[str, Any]:
    status = {"type": condition.type, "status": "True" if condition.status else "False"}
    since = timestamp(condition.since)
    return status | _filled({"reason": condition.reason, "message": condition.message, "lastTransitionTime": since})


def _container(status: ContainerStatus) -> dict[str, Any]:
    started = status.started if status.kind is not Kind.INIT else status.state == "running"
    return {
        "name": status.name,
        "image": status.image,
        "imageID": status.image_id,
        **_filled({"containerID": _runtime_id(status.container_id)}),
        "ready": status.ready,
        "started": started,
        "restartCount": status.restarts,
        "state": _state(status),
        "lastState": {"terminated": _terminated(status.last)} if status.last else {},
    }


def _state(status: ContainerStatus) -> dict[str, Any]:
    if status.state == "running":
        return {"running": _filled({"startedAt": timestamp(status.started_at)})}
    if status.state == "waiting":
        return {"waiting": _filled({"reason": status.reason, "message": status.message})}
    end = Exit(
        exit_code=status.exit_code,
        reason=status.reason,
        message=status.message,
        started_at=status.started_at,
        finished_at=status.finished_at,
        container_id=status.container_id,
    )
    return {"terminated": _terminated(end)}


def _terminated(end: Exit) -> dict[str, Any]:
    told = _filled(
        {
            "reason": end.reason,
            "message": end.message,
            "startedAt": timestamp(end.started_at),
            "finishedAt": timestamp(end.finished_at),
            "containerID": _runtime_id(end.container_id),
        }
    )
    return {"exitCode": end.exit_code, **told}


def _runtime_id(container_id: str) -> str:
    """With the runtime's name before it, as the API writes it."""
    return f"containerd://{container_id}" if container_id else ""


def _filled(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value not in ("", [], {}, None)}
