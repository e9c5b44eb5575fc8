"""All that can be told of one pod, from what its worker, its manifest and the events say. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubenode.agent.tables import unseen, with_source
from kubenode.model.actions import Failure
from kubenode.model.describe import Link, PodDetail
from kubenode.model.events import Event
from kubenode.model.names import PodKey
from kubenode.model.observed import ObservedPod
from kubenode.model.settings import Settings
from kubenode.model.source import Item, ItemState, Snapshot
from kubenode.model.static_pod import DesiredPod
from kubenode.model.status import PodStatus
from kubenode.plan.explain import explain, explain_leftover, explain_unseen, explanation
from kubenode.plan.situation import Situation
from kubenode.plan.status import leftover_status, pod_status
from kubenode.plan.v1 import v1_pod
from kubenode.plan.witnesses import witnessed

NO_AGENT = "no agent runs on this node, so nobody saw what happened"


def pod_detail(
    desired: DesiredPod | None,
    observed: ObservedPod,
    failures: Mapping[str, Failure],
    settings: Settings,
    now: float,
    snapshot: Snapshot,
    *,
    events: Iterable[Event] | None = None,
    error: str = "",
) -> PodDetail:
    """`events` None: nobody saw any. `error`: why the runtime could not be asked; what is told may be old then."""
    told = tuple(events or ())
    status, links = _judged(desired, observed, failures, settings, now, snapshot)
    links = witnessed(links, status, told)
    if error:
        status = unseen(status, error)
        links = explain_unseen(status)
    return PodDetail(
        node=settings.node_name,
        pod=v1_pod(desired, status),
        status=status,
        explanation=explanation(str(observed.key), links, status),
        events=told,
        error=NO_AGENT if events is None else "",
    )


def _judged(
    desired: DesiredPod | None,
    observed: ObservedPod,
    failures: Mapping[str, Failure],
    settings: Settings,
    now: float,
    snapshot: Snapshot,
) -> tuple[PodStatus, tuple[Link, ...]]:
    if desired is None:
        status = leftover_status(observed, failures)
        return status, explain_leftover(status)
    situation = Situation.of(desired, observed, failures, settings, now)
    status = with_source(pod_status(situation), _owner(snapshot, desired.key))
    return status, explain(situation, status)


def _owner(snapshot: Snapshot, key: PodKey) -> Item | None:
    """The manifest behind the pod: not one that another came before."""
    mine = [item for item in snapshot.items if item.desired is not None and item.desired.key == key]
    return next((item for item in mine if item.state is not ItemState.SUPERSEDED), None)
