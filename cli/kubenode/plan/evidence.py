"""The evidence about one container, link by link: image, configuration, start, exits, probes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kubenode.model.actions import Failure
from kubenode.model.describe import Link, LinkState
from kubenode.model.observed import ObservedContainer, ProbeKind, ProbeState, State
from kubenode.model.pod import Container
from kubenode.model.probes import Probe
from kubenode.model.status import ContainerStatus, Exit, Kind
from kubenode.plan.backoff import LONGEST_PULL, restart_delay, retry_at
from kubenode.plan.failures import container_subject, hook_subject, image_subject
from kubenode.plan.images import needed_images
from kubenode.plan.situation import Situation
from kubenode.plan.waiting import INITIALIZING, Why, why_no_image, why_not_configured, why_not_created

OK, FAILED, WAITING, NOT_REACHED = LinkState.OK, LinkState.FAILED, LinkState.WAITING, LinkState.NOT_REACHED
KILLED_BY_KERNEL = "OOMKilled"


def container_links(manifest: Container, status: ContainerStatus, situation: Situation, title: str) -> Iterator[Link]:
    """In the order in which a container comes to serve. `title` says which it is; every link is named after it."""
    if status.state == "terminated":
        yield _terminated(manifest, status, situation, title)
        return
    current = situation.latest.get(manifest.name)
    if status.state == "running" and current is not None:
        yield Link(name=f"{title}: image", state=OK, fact=f"{status.image or manifest.image} is on the node")
        yield from _running(manifest, status, current, situation, title)
        return
    if status.reason == INITIALIZING and not status.container_id and status.kind is not Kind.INIT:
        yield Link(name=title, state=NOT_REACHED)
        return
    yield _image(manifest, situation, title)
    yield _configuration(manifest, situation, title)
    yield _start(manifest, status, current, situation, title)


def _image(manifest: Container, situation: Situation, title: str) -> Link:
    name = f"{title}: image"
    why = why_no_image(manifest, situation)
    if why is None:
        return Link(name=name, state=OK, fact=_where_image(manifest, situation))
    if why[0] == "ErrImageNeverPull":
        remedy = "Bring the image to the node (ctr -n k8s.io images import FILE), or set imagePullPolicy: IfNotPresent."
        return Link(name=name, state=FAILED, fact=_sentence(why), remedy=remedy)
    wanted = needed_images(manifest, situation.desired.pod.spec)
    failures = (situation.failures.get(image_subject(one.reference)) for one in wanted)
    failure = next((one for one in failures if one), None)
    fact = f"{_sentence(why)}{_next_try(failure, situation, LONGEST_PULL)}"
    remedy = (
        f"Try it by hand: crictl pull {manifest.image}. Check its name, the registry's reach from this node, and "
        "imagePullSecrets."
    )
    return Link(name=name, state=FAILED, fact=fact, remedy=remedy)


def _where_image(manifest: Container, situation: Situation) -> str:
    there = situation.observed.images.get(manifest.image)
    return f"{manifest.image} is on the node" if there else f"{manifest.image} is to be pulled"


def _configuration(manifest: Container, situation: Situation, title: str) -> Link:
    why = why_not_configured(manifest, situation)
    name = f"{title}: configuration"
    if why is None:
        return Link(name=name, state=OK, fact="all that it refers to is there")
    remedy = f"Correct {situation.desired.origin}, or put what it refers to in its place; the agent looks by itself."
    return Link(name=name, state=FAILED, fact=_sentence(why), remedy=remedy)


def _start(
    manifest: Container,
    status: ContainerStatus,
    current: ObservedContainer | None,
    situation: Situation,
    title: str,
) -> Link:
    name = f"{title}: start"
    if why := why_not_created(manifest, situation):
        failure = situation.failures[container_subject(manifest.name)]
        remedy = "Check command, arguments, mounts and security context in the manifest; journalctl -u containerd."
        return Link(name=name, state=FAILED, fact=f"{_sentence(why)}{_next_try(failure, situation)}", remedy=remedy)
    if current is not None and current.state in (State.EXITED, State.UNKNOWN) and status.last is not None:
        return _will_restart(status, status.last, current, situation, title)
    return Link(name=name, state=WAITING, fact=f"{status.reason or 'it waits'} {status.message}".strip())


def _will_restart(
    status: ContainerStatus, last: Exit, current: ObservedContainer, situation: Situation, title: str
) -> Link:
    left = current.finished_at + restart_delay(current, situation.settings.max_backoff_seconds) - situation.now
    again = f"the next start comes in {left:.0f} s" if left > 0 else "it starts again now"
    fact = f"{_how_it_ended(last)}; restarted {status.restarts} times; {again}"
    state = WAITING if not last.exit_code and left <= 0 else FAILED
    return Link(name=f"{title}: exit", state=state, fact=fact, remedy=_exit_remedy(status, last, situation))


def _terminated(manifest: Container, status: ContainerStatus, situation: Situation, title: str) -> Link:
    end = Exit(exit_code=status.exit_code, reason=status.reason, message=status.message)
    if not status.exit_code:
        return Link(name=f"{title}: exit", state=OK, fact="it has done its work (exit code 0)")
    remedy = _exit_remedy(status, end, situation)
    policy = manifest.restart_policy or situation.desired.pod.spec.restart_policy
    fact = f"{_how_it_ended(end)}; by restartPolicy {policy} it is not run again"
    return Link(name=f"{title}: exit", state=FAILED, fact=fact, remedy=remedy)


def _how_it_ended(end: Exit) -> str:
    killed = ", killed for want of memory" if end.reason == KILLED_BY_KERNEL else ""
    said = f" ({end.message.strip()})" if end.message.strip() else ""
    return f"{end.reason}: it ended with exit code {end.exit_code}{killed}{said}"


def _exit_remedy(status: ContainerStatus, end: Exit, situation: Situation) -> str:
    previous = "" if status.state == "terminated" else " --previous"
    logs = f"kubenode logs {situation.desired.key} -c {status.name}{previous}"
    if end.reason == KILLED_BY_KERNEL:
        return f"Raise resources.limits.memory of {status.name}, or make it use less; its last lines: {logs}"
    if end.reason in ("StartError", "ContainerCannotRun"):
        return f"The command could not be run: check command and args of {status.name} in {situation.desired.origin}."
    return f"See its last lines: {logs}"


def _running(
    manifest: Container, status: ContainerStatus, current: ObservedContainer, situation: Situation, title: str
) -> Iterator[Link]:
    if failure := situation.failures.get(hook_subject(current.id)):
        remedy = f"Correct lifecycle.postStart of {manifest.name}; without it the container would stay."
        fact = f"{failure.reason}: {failure.message}"
        yield Link(name=f"{title}: postStart", state=FAILED, fact=fact, remedy=remedy)
        return
    seconds = max(0.0, situation.now - current.started_at)
    before = f"; the run before: {_how_it_ended(status.last)}" if status.last and status.last.exit_code else ""
    fact = f"it has run for {seconds:.0f} s, restarted {status.restarts} times{before}"
    if status.kind is Kind.INIT:
        yield Link(name=f"{title}: exit", state=WAITING, fact=f"{fact}; the pod waits for its end")
        return
    yield Link(name=f"{title}: start", state=OK, fact=fact)
    judged: tuple[tuple[ProbeKind, Probe | None, Callable[[ProbeState], LinkState]], ...] = (
        (ProbeKind.STARTUP, manifest.startup_probe, _needed),
        (ProbeKind.READINESS, manifest.readiness_probe, _needed),
        (ProbeKind.LIVENESS, manifest.liveness_probe, _tolerated),
    )
    for kind, probe, verdict in judged:
        if probe is not None:
            state = current.probes.get(kind, ProbeState())
            yield _probe(kind, probe, state, verdict(state), situation, title)


def _needed(state: ProbeState) -> LinkState:
    """Of a probe that has to pass once: before its first verdict it is waited for."""
    return {None: WAITING, True: OK, False: FAILED}[state.passed]


def _tolerated(state: ProbeState) -> LinkState:
    return FAILED if state.passed is False else OK


def _probe(
    kind: ProbeKind, probe: Probe, state: ProbeState, verdict: LinkState, situation: Situation, title: str
) -> Link:
    pace = f"asked every {probe.period_seconds} s, {probe.failure_threshold} failures count"
    name = f"{title}: {kind.value} probe"
    if verdict is OK:
        return Link(name=name, state=OK, fact=f"{'it passes' if state.passed else 'nothing against it yet'}; {pace}")
    if verdict is WAITING:
        delay = f"first after {probe.initial_delay_seconds} s, " if probe.initial_delay_seconds else ""
        return Link(name=name, state=WAITING, fact=f"no verdict yet; {delay}{pace}")
    since = f" for {situation.now - state.at:.0f} s" if 0 < state.at <= situation.now else ""
    container = title.rpartition(" ")[2]
    remedy = f"See what it says: kubenode logs {situation.desired.key} -c {container}; or correct the probe."
    return Link(name=name, state=FAILED, fact=f"it fails{since}: {state.message}; {pace}", remedy=remedy)


def _next_try(failure: Failure | None, situation: Situation, longest: float | None = None) -> str:
    if failure is None:
        return ""
    due = retry_at(failure) if longest is None else retry_at(failure, longest)
    left = due - situation.now
    return f"; the next try comes in {left:.0f} s" if left > 0 else "; it is tried again now"


def _sentence(why: Why) -> str:
    return f"{why[0]}: {why[1]}"
