"""How long to wait before the next try. Delays and times in seconds."""

from __future__ import annotations

from kubenode.model.actions import Failure
from kubenode.model.observed import ObservedContainer

# The kubelet's figures: 10 s, doubling; forgotten after a run of 10 min.
FIRST = 10.0
LONGEST_PULL = 300.0
FORGET_AFTER = 600.0
# A network that is not up yet or a busy mount is not the pod's fault: look again soon.
LONGEST_RUNTIME = 20.0


def restart_delay(container: ObservedContainer, longest: float) -> float:
    """The delay before the attempt after this one. The first restart is immediate; a long run clears the record.

    It needs only what the container itself carries, so it is the same before and after a restart of the agent.
    """
    ran = container.finished_at - container.started_at if container.started_at else 0.0
    if container.backoff_seconds is None or ran >= FORGET_AFTER:
        return 0.0
    return min(max(FIRST, 2 * container.backoff_seconds), longest)


def retry_at(failure: Failure | None, longest: float = LONGEST_RUNTIME) -> float:
    """When to try again after the last of some failures in a row; 0 when nothing failed."""
    if failure is None:
        return 0.0
    return failure.at + min(FIRST * 2.0 ** min(failure.count - 1, 16), longest)
