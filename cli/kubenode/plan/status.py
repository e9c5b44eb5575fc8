"""What a pod's condition is, in Kubernetes' terms, from desired, observed and past failures."""

from __future__ import annotations

from kubenode.model.actions import Failure
from kubenode.model.observed import ObservedContainer, State
from kubenode.model.pod import Container
from kubenode.model.status import ContainerStatus, PodStatus
from kubenode.plan.backoff import LONGEST_PULL, restart_delay, retry_at
from kubenode.plan.containers import Situation, ended, exit_code, finished, restartable
from kubenode.plan.failures import CLEAN_UP, SANDBOX, container_subject, image_subject
from kubenode.plan.images import never_pulled, non_root_violation


def pod_status(situation: Situation) -> PodStatus:
    """The status without its source, which the caller knows."""
    desired, pod = situation.desired, situation.desired.pod
    containers = tuple(_container(manifest, situation) for manifest in pod.spec.containers)
    phase = _phase(situation, containers)
    waiting = next((status for status in containers if status.state == "waiting"), None)
    failure = situation.failures.get(CLEAN_UP)
    started = [status.started_at for status in containers if status.started_at]
    return PodStatus(
        namespace=desired.key.namespace,
        name=desired.key.name,
        uid=desired.uid,
        phase=phase,
        reason=waiting.reason if waiting else (failure.reason if failure else ""),
        message=waiting.message if waiting else (failure.message if failure else ""),
        ready=sum(status.state == "running" for status in containers),
        containers=containers,
        restarts=sum(status.restarts for status in containers),
        started_at=min(started, default=0.0),
        ips=situation.sandbox.ips if situation.sandbox else (),
    )


def _phase(situation: Situation, containers: tuple[ContainerStatus, ...]) -> str:
    if finished(situation):
        return "Succeeded" if all(_succeeded(status) for status in containers) else "Failed"
    latest = [situation.latest.get(status.name) for status in containers]
    never_ran = any(one is None or (one.state is State.CREATED and not one.restart_count) for one in latest)
    return "Pending" if never_ran else "Running"


def _succeeded(status: ContainerStatus) -> bool:
    return status.state == "terminated" and not status.exit_code


def _container(manifest: Container, situation: Situation) -> ContainerStatus:
    current = situation.latest.get(manifest.name)
    if current is None:
        reason, message = _why_waiting(manifest, situation)
        return ContainerStatus(
            name=manifest.name, state="waiting", reason=reason, message=message, image=manifest.image
        )
    if current.state is State.CREATED:
        return _described(current, "waiting", *_why_waiting(manifest, situation))
    if current.state is State.RUNNING:
        return _described(current, "running", "", "")
    if restartable(current, situation.desired.pod.spec.restart_policy):
        return _described(current, "waiting", *_why_not_restarted(manifest, current, situation))
    return _described(current, "terminated", current.reason or "Completed", current.message)


def _described(current: ObservedContainer, state: str, reason: str, message: str) -> ContainerStatus:
    return ContainerStatus(
        name=current.name,
        state=state,
        reason=reason,
        message=message,
        restarts=current.restart_count,
        container_id=current.id,
        image=current.image,
        exit_code=exit_code(current) if ended(current) else 0,
        started_at=current.started_at,
        finished_at=current.finished_at,
    )


def _why_not_restarted(manifest: Container, current: ObservedContainer, situation: Situation) -> tuple[str, str]:
    reason, message = _why_waiting(manifest, situation)
    if reason != "ContainerCreating":
        return reason, message
    delay = restart_delay(current, situation.settings.max_backoff_seconds)
    left = current.finished_at + delay - situation.now
    ended_how = f"the last run ended with exit code {exit_code(current)}"
    detail = f" ({current.message})" if current.message else ""
    if left > 0:
        return "CrashLoopBackOff", f"{ended_how}{detail}; starts again in {left:.0f} s"
    return current.reason or "Error", f"{ended_how}{detail}"


def _why_waiting(manifest: Container, situation: Situation) -> tuple[str, str]:
    """Kubernetes' reason why the container is not there, and the sentence behind it."""
    failures, images = situation.failures, situation.observed.images
    sandbox_up = situation.sandbox is not None and situation.sandbox.ready
    if (failure := failures.get(SANDBOX)) and not sandbox_up:
        return failure.reason, failure.message
    if failure := failures.get(image_subject(manifest.image)):
        return _pull_reason(failure, situation.now), failure.message
    if failure := failures.get(container_subject(manifest.name)):
        return failure.reason, failure.message
    if manifest.image in images and never_pulled(manifest, images):
        return "ErrImageNeverPull", f"image {manifest.image} is not on the node and imagePullPolicy is Never"
    context, pod_context = manifest.security_context, situation.desired.pod.spec.security_context
    must = pod_context.run_as_non_root if context.run_as_non_root is None else context.run_as_non_root
    user = pod_context.run_as_user if context.run_as_user is None else context.run_as_user
    if violation := non_root_violation(user, bool(must), images.get(manifest.image)):
        return "CreateContainerConfigError", violation
    return "ContainerCreating", ""


def _pull_reason(failure: Failure, now: float) -> str:
    waiting = failure.count > 1 and now < retry_at(failure, LONGEST_PULL)
    return "ImagePullBackOff" if waiting else failure.reason
