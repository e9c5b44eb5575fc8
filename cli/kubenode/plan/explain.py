"""Why a pod does not run or is not ready: a chain of evidence, from its manifest to its probes.

A link that failed or waits keeps the later ones of the chain from being reached; containers have their links side by
side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubenode.model.describe import Explanation, Link, LinkState
from kubenode.model.pod import Container, Pod
from kubenode.model.reports import ManifestState
from kubenode.model.source import ItemState
from kubenode.model.status import ContainerStatus, Kind, PodStatus
from kubenode.plan.evidence import container_links
from kubenode.plan.lifecycle import DEADLINE, EVICTED, past_deadline, verdict
from kubenode.plan.situation import Situation
from kubenode.plan.status import all_statuses
from kubenode.plan.waiting import why_no_sandbox, why_not_prepared

OK, FAILED, WAITING, NOT_REACHED = LinkState.OK, LinkState.FAILED, LinkState.WAITING, LinkState.NOT_REACHED
AGENT_LOG = "journalctl -u kubenode"


def explain(situation: Situation, status: PodStatus) -> tuple[Link, ...]:
    """The links of a pod that is desired. `status` is its own, with that of its manifest."""
    return tuple(_in_order(_links(situation, status)))


def explanation(pod: str, links: Iterable[Link], status: PodStatus | None = None) -> Explanation:
    """With the first failed link, else the first that waits, as the headline."""
    chain = tuple(links)
    bad = [link for state in (FAILED, WAITING) for link in chain if link.state is state]
    # A manifest that was edited to be invalid is worth a word, but its pod may be well all the same.
    hindered = [link for link in bad if link.name != "manifest" or status is None]
    well = status is not None and not hindered and _serves(status)
    first = next(iter(hindered), None)
    headline = f"{first.name}: {first.fact}" if first else _all_well(status, well, bad)
    return Explanation(pod=pod, well=well, headline=headline, links=chain)


def _all_well(status: PodStatus | None, well: bool, bad: list[Link]) -> str:
    if status is None or not well:
        return f"it is {status.phase if status else 'unknown'}"
    if status.phase == "Succeeded":
        done = "it has done its work"
    else:
        ready = status.ready == status.total
        done = "it runs and is ready" if ready else "it runs, and what has ended has done its work"
    return f"{done}; but of its manifest: {bad[0].fact}" if bad else done


def explain_manifest(manifest: ManifestState) -> Link:
    """Of a manifest that has no pod of its own."""
    place = f"{manifest.source}:{manifest.line}" if manifest.line else manifest.source
    remedy = f"Correct {place}; kubenode sync --dry-run tells whether it is valid then."
    if manifest.state == ItemState.SUPERSEDED:
        also = "give its pod another name" if manifest.pod else "rename the file if its pod is to run"
        remedy = f"Remove {manifest.source}, or {also}."
    return Link(name="manifest", state=FAILED, fact=f"{place} is {manifest.state}: {manifest.reason}", remedy=remedy)


def explain_leftover(status: PodStatus) -> tuple[Link, ...]:
    """Of a pod that nobody wants any more."""
    gone = Link(name="manifest", state=WAITING, fact="it is gone, and so the pod is being removed")
    if not status.reason:
        return (gone,)
    remedy = f"The agent tries again by itself; {AGENT_LOG} tells more."
    return gone, Link(name="removal", state=FAILED, fact=f"{status.reason}: {status.message}", remedy=remedy)


def explain_unseen(status: PodStatus) -> tuple[Link, ...]:
    """Of a pod that the runtime could not be asked about."""
    return (Link(name="runtime", state=FAILED, fact=status.message, remedy="kubenode health tells what is wrong."),)


def _serves(status: PodStatus) -> bool:
    if status.phase == "Succeeded":
        return True
    counted = [one for one in all_statuses(status) if one.kind is not Kind.INIT]
    return status.phase == "Running" and all(one.ready or _has_done_its_work(one) for one in counted)


def _has_done_its_work(status: ContainerStatus) -> bool:
    return status.state == "terminated" and not status.exit_code


def _in_order(links: Iterable[Link]) -> Iterator[Link]:
    """What comes after the first link that holds the pod up, in the same part of it, is not reached."""
    stopped: set[str] = set()
    told: set[str] = set()
    for link in links:
        part = _part(link)
        if "" in stopped and part:
            if part not in told:
                yield Link(name=part, state=NOT_REACHED)
            told.add(part)
            continue
        blocked = part in stopped
        yield Link(name=link.name, state=NOT_REACHED) if blocked else link
        if not blocked and link.state in (FAILED, WAITING) and link.name != "manifest":
            stopped.add("" if part.startswith("init ") else part)


def _part(link: Link) -> str:
    """The container that a link is about; empty for those of the pod."""
    return link.name.partition(": ")[0] if ": " in link.name else ""


def _links(situation: Situation, status: PodStatus) -> Iterator[Link]:
    yield _manifest(status)
    yield _admission(situation)
    yield from _deadline(situation)
    yield from _eviction(situation)
    if status.phase in ("Pending", "Running"):
        yield _volumes(situation)
        yield _sandbox(situation)
    manifests = {one.name: one for one in _all_manifests(situation.desired.pod)}
    for one in all_statuses(status):
        yield from container_links(manifests[one.name], one, situation, _title(one))
    if status.phase not in ("Pending", "Running") and status.reason and _well(situation):
        yield Link(name="clean-up", state=FAILED, fact=f"{status.reason}: {status.message}", remedy=AGENT_LOG)


def _well(situation: Situation) -> bool:
    return verdict(situation) is None


def _all_manifests(pod: Pod) -> list[Container]:
    return [*pod.spec.init_containers, *pod.spec.containers]


def _title(status: ContainerStatus) -> str:
    return {Kind.INIT: "init container", Kind.SIDECAR: "sidecar", Kind.APP: "container"}[status.kind] + (
        f" {status.name}"
    )


def _manifest(status: PodStatus) -> Link:
    place = f"{status.source}:{status.source_line}" if status.source_line else status.source
    if status.source_state == ItemState.HELD:
        fact = f"{place} is invalid now, and the pod of its last good version goes on: {status.source_reason}"
        return Link(name="manifest", state=FAILED, fact=fact, remedy=f"Correct {place}, or remove it with its pod.")
    return Link(name="manifest", state=OK, fact=f"{place or 'it'} is valid")


def _admission(situation: Situation) -> Link:
    refusal = situation.desired.refusal
    if refusal is None:
        return Link(name="admission", state=OK, fact="the node takes the pod")
    remedy = "Change what the pod asks for, or free it on the node: kubenode pods lists what runs there."
    return Link(name="admission", state=FAILED, fact=f"{refusal.reason}: {refusal.message}", remedy=remedy)


def _deadline(situation: Situation) -> Iterator[Link]:
    seconds = situation.desired.pod.spec.active_deadline_seconds
    if seconds is None:
        return
    if past_deadline(situation):
        fact = f"{DEADLINE}: its activeDeadlineSeconds, {seconds} s, are over"
        remedy = f"Raise activeDeadlineSeconds in {situation.desired.origin}, or leave it out."
        yield Link(name="deadline", state=FAILED, fact=fact, remedy=remedy)
    else:
        left = situation.started_at + seconds - situation.now
        yield Link(name="deadline", state=OK, fact=f"{left:.0f} of {seconds} s are left")


def _eviction(situation: Situation) -> Iterator[Link]:
    found = verdict(situation)
    if found is not None and found.reason == EVICTED:
        remedy = f"Correct {situation.desired.origin}: a pod that was evicted runs again once its manifest is another."
        yield Link(name="eviction", state=FAILED, fact=f"{EVICTED}: {found.message}", remedy=remedy)


def _volumes(situation: Situation) -> Link:
    if why := why_not_prepared(situation):
        remedy = (
            f"Put what is missing in its place, or correct the volume in {situation.desired.origin}; "
            "the agent looks again by itself."
        )
        return Link(name="volumes", state=FAILED, fact=f"{why[0]}: {why[1]}", remedy=remedy)
    count = len(situation.desired.pod.spec.volumes)
    return Link(name="volumes", state=OK, fact=f"{count} of {count} are there" if count else "it has none")


def _sandbox(situation: Situation) -> Link:
    if why := why_no_sandbox(situation):
        remedy = "kubenode health tells how the runtime and the network are; journalctl -u containerd tells more."
        return Link(name="sandbox", state=FAILED, fact=f"{why[0]}: {why[1]}", remedy=remedy)
    sandbox = situation.sandbox
    if sandbox is None or not sandbox.ready:
        return Link(name="sandbox", state=WAITING, fact="it is being made" if sandbox is None else "it is made anew")
    addresses = ", ".join(situation.ips) or "no address"
    return Link(name="sandbox", state=OK, fact=f"it is up, with {addresses}")
