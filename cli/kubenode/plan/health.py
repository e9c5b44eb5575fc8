"""Verdicts on a node's health, one a question, from facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kubenode.model.facts import AgentFacts, Amount, RuntimeFacts
from kubenode.model.quantity import whole
from kubenode.model.reports import Check, Level, ManifestState, ObjectState, PodsReport

# Below the threshold the node is about to evict; below this many times the threshold somebody should look.
WARN_AT = 1.25


def worst(checks: Iterable[Check]) -> Level:
    levels = [check.level for check in checks]
    return next((level for level in (Level.CRITICAL, Level.WARNING) if level in levels), Level.OK)


def runtime_checks(facts: RuntimeFacts) -> Iterator[Check]:
    if facts.error:
        yield Check(name="runtime", level=Level.CRITICAL, message=facts.error)
        return
    if facts.ready:
        yield Check(name="runtime", level=Level.OK, message=f"{facts.name} is ready")
    else:
        yield Check(
            name="runtime",
            level=Level.CRITICAL,
            message=f"{facts.name} says it is not ready: {facts.ready_message}",
            remedy="See its log: journalctl -u containerd.",
        )
    if facts.network_ready:
        yield Check(name="network", level=Level.OK, message="ready")
    else:
        yield Check(
            name="network",
            level=Level.CRITICAL,
            message=f"not ready: {facts.network_message}",
            remedy="Put a CNI configuration into /etc/cni/net.d (role kubenode.node.cni does).",
        )


def agent_checks(facts: AgentFacts) -> Iterator[Check]:
    if facts.error or not facts.kind:
        message = facts.error or "no agent runs on this node"
        yield Check(name="agent", level=Level.CRITICAL, message=message, remedy="Start it: systemctl start kubenode.")
        return
    if facts.warnings:
        yield Check(name="agent", level=Level.WARNING, message="; ".join(facts.warnings))
    else:
        yield Check(name="agent", level=Level.OK, message=f"{facts.kind} runs")
    if facts.pleg_age is not None:
        yield _pleg(facts, facts.pleg_age)


def _pleg(facts: AgentFacts, age: float) -> Check:
    remedy = "The runtime may hang: journalctl -u containerd."
    if not facts.pleg_healthy:
        message = f"the last relist succeeded {age:.0f} s ago"
        return Check(name="pleg", level=Level.CRITICAL, message=message, remedy=remedy)
    if facts.stuck:
        message = f"turns that do not end: {', '.join(facts.stuck)}"
        return Check(name="pleg", level=Level.WARNING, message=message, remedy=remedy)
    return Check(name="pleg", level=Level.OK, message=f"the last relist succeeded {age:.0f} s ago")


def manifest_checks(report: PodsReport) -> Iterator[Check]:
    """Invalid manifests are warnings: what ran goes on running."""
    bad = [manifest for manifest in report.manifests if manifest.state != "valid"]
    if report.errors:
        yield Check(name="manifests", level=Level.WARNING, message="; ".join(report.errors))
    elif bad:
        yield Check(
            name="manifests",
            level=Level.WARNING,
            message="; ".join(_manifest(manifest) for manifest in bad),
            remedy="Correct or remove the file; kubenode pods shows each.",
        )
    else:
        yield Check(name="manifests", level=Level.OK, message=f"{len(report.manifests)} valid")


def object_checks(report: PodsReport) -> Iterator[Check]:
    """ConfigMaps and Secrets; a node without any is not asked about them."""
    bad = [one for one in report.objects if one.state != "valid"]
    if bad:
        message = "; ".join(f"{_object(one)} is {one.state}: {one.reason}" for one in bad)
        remedy = "Correct or remove the file; kubenode pods shows each."
        yield Check(name="objects", level=Level.WARNING, message=message, remedy=remedy)
    elif report.objects:
        yield Check(name="objects", level=Level.OK, message=f"{len(report.objects)} valid")


def _object(one: ObjectState) -> str:
    place = f"{one.source}:{one.line}" if one.line else one.source
    return f"{place} {one.object}".rstrip()


def _manifest(manifest: ManifestState) -> str:
    place = f"{manifest.source}:{manifest.line}" if manifest.line else manifest.source
    return f"{place} is {manifest.state}: {manifest.reason}"


def pod_checks(report: PodsReport) -> Iterator[Check]:
    failing = [pod for pod in report.pods if pod.reason and pod.phase != "Succeeded"]
    if failing:
        message = "; ".join(f"{pod.namespace}/{pod.name} {pod.reason}" for pod in failing)
        yield Check(name="pods", level=Level.WARNING, message=message, remedy="kubenode pods tells the reason of each.")
    else:
        yield Check(name="pods", level=Level.OK, message=f"{len(report.pods)} as they should be")


def resource_checks(amounts: Mapping[str, Amount], thresholds: Mapping[str, str]) -> Iterator[Check]:
    """`thresholds` by eviction signal: a percentage of the capacity, or a quantity."""
    for signal, text in sorted(thresholds.items()):
        amount = amounts.get(signal)
        if amount is None:
            continue
        limit = _limit(text, amount.capacity)
        left = f"{_shown(signal, amount.available)} of {_shown(signal, amount.capacity)} left, threshold {text}"
        if amount.available <= limit:
            remedy = "Free some, or move pods away."
            yield Check(name=signal, level=Level.CRITICAL, message=left, remedy=remedy)
        else:
            level = Level.WARNING if amount.available <= limit * WARN_AT else Level.OK
            yield Check(name=signal, level=level, message=left)


def hung_disk(root: object, images: str, seconds: float) -> Check:
    """Where a file system that is asked for what it has left does not answer."""
    places = " or ".join(str(place) for place in (root, images) if place)
    message = f"the file system of {places} did not answer within {seconds:g} s"
    remedy = "Look for a dead network mount, and unmount it."
    return Check(name="nodefs.available", level=Level.CRITICAL, message=message, remedy=remedy)


def _limit(text: str, capacity: int) -> int:
    return int(capacity * float(text[:-1]) / 100) if text.endswith("%") else whole(text)


def _shown(signal: str, value: int) -> str:
    if signal.endswith("inodesFree") or signal.startswith("pid"):
        return str(value)
    return f"{value / 2**30:.1f} GiB"
