"""Reports from what workers and sources know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from kubenode.model.actions import Failure
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedPod
from kubenode.model.reports import PodsReport, manifest_state, object_state
from kubenode.model.settings import Settings
from kubenode.model.source import Item, Snapshot
from kubenode.model.static_pod import DesiredPod
from kubenode.model.status import PodStatus
from kubenode.plan.situation import Situation
from kubenode.plan.status import leftover_status, pod_status


def pods_report(settings: Settings, snapshot: Snapshot, statuses: Iterable[PodStatus]) -> PodsReport:
    """Statuses with the state of the manifest behind each."""
    owners = {item.desired.key: item for item in snapshot.items if item.desired is not None}
    rows = [with_source(status, owners.get(PodKey(status.namespace, status.name))) for status in statuses]
    return PodsReport(
        node=settings.node_name,
        pods=tuple(sorted(rows, key=lambda row: (row.namespace, row.name))),
        manifests=tuple(manifest_state(item) for item in snapshot.items),
        objects=tuple(object_state(item) for item in snapshot.object_items),
        complete=snapshot.complete,
        errors=snapshot.errors,
    )


def status_of(
    desired: DesiredPod | None,
    observed: ObservedPod,
    failures: Mapping[str, Failure],
    settings: Settings,
    now: float,
    *,
    settled: bool,
    error: str = "",
) -> PodStatus:
    """One pod's status; `error` says why the runtime could not be asked about it."""
    if desired is None:
        status = leftover_status(observed, failures)
    else:
        status = pod_status(Situation.of(desired, observed, failures, settings, now))
    return unseen(status, error) if error else msgspec.structs.replace(status, settled=settled)


def unseen(status: PodStatus, error: str) -> PodStatus:
    """The status of a pod that the runtime could not be asked about."""
    unknown = {"phase": "Unknown", "column": "Unknown", "reason": "RuntimeUnavailable", "message": error}
    return msgspec.structs.replace(status, **unknown)


def with_source(status: PodStatus, item: Item | None) -> PodStatus:
    """The status with the manifest behind it."""
    if item is None:
        return status
    return msgspec.structs.replace(
        status,
        source=str(item.origin),
        source_state=item.state.value,
        source_reason=item.reason,
        source_line=item.line,
    )
