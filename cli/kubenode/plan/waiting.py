"""Why a container is not there: Kubernetes' reason, and the sentence behind it."""

from __future__ import annotations

from kubenode.model.actions import Failure
from kubenode.model.observed import ObservedContainer
from kubenode.model.pod import Container
from kubenode.plan.backoff import LONGEST_PULL, restart_delay, retry_at
from kubenode.plan.environment import environment
from kubenode.plan.failures import CGROUP, HOSTS, SANDBOX, VOLUMES, container_subject, image_subject
from kubenode.plan.images import needed_images, never_pulled, non_root_violation
from kubenode.plan.lifecycle import exit_code, init_succeeded, initialized
from kubenode.plan.preparation import prepare
from kubenode.plan.probes import is_started
from kubenode.plan.problems import UnrunnableError
from kubenode.plan.situation import Situation
from kubenode.plan.specs import container_spec, sandbox_spec
from kubenode.plan.volumes import container_mounts

Why = tuple[str, str]

CREATING, INITIALIZING = "ContainerCreating", "PodInitializing"


def why_waiting(manifest: Container, situation: Situation) -> Why:
    """Of a container that is yet to be made or started."""
    if (why := why_not_prepared(situation)) or (why := why_no_sandbox(situation)):
        return why
    if not _its_turn(manifest, situation):
        return INITIALIZING, ""
    for found in (why_no_image, why_not_configured, why_not_created):
        if why := found(manifest, situation):
            return why
    return (INITIALIZING if situation.desired.pod.spec.init_containers else CREATING), ""


def why_not_restarted(manifest: Container, current: ObservedContainer, situation: Situation) -> Why:
    """Of a container that ended and is to run again."""
    reason, message = why_waiting(manifest, situation)
    if message:
        return reason, message
    delay = restart_delay(current, situation.settings.max_backoff_seconds)
    left = current.finished_at + delay - situation.now
    ended_how = f"the last run ended with exit code {exit_code(current)}"
    detail = f" ({current.message})" if current.message else ""
    if left > 0:
        return "CrashLoopBackOff", f"{ended_how}{detail}; starts again in {left:.0f} s"
    return current.reason or "Error", f"{ended_how}{detail}"


def why_not_prepared(situation: Situation) -> Why | None:
    """What the pod still lacks on the node: volumes, cgroup. Of a pod that has its sandbox only what is missing."""
    if missing := prepare(situation).missing:
        return "FailedMount", "; ".join(f"volume {name}: {why}" for name, why in sorted(missing.items()))
    if not _up(situation):
        for subject in (VOLUMES, CGROUP):
            if failure := situation.failures.get(subject):
                return failure.reason, failure.message
    return None


def why_no_sandbox(situation: Situation) -> Why | None:
    if _up(situation):
        return None
    if failure := situation.failures.get(SANDBOX) or situation.failures.get(HOSTS):
        return failure.reason, failure.message
    node, begun = situation.observed.node, situation.started_at
    try:
        sandbox_spec(situation.desired, 0, situation.settings, node, begun)
    except UnrunnableError as error:
        return error.reason, error.message
    return None


def why_no_image(manifest: Container, situation: Situation) -> Why | None:
    """Its own image, or one that it mounts."""
    for image in needed_images(manifest, situation.desired.pod.spec):
        if failure := situation.failures.get(image_subject(image.reference)):
            return _pull_reason(failure, situation.now), failure.message
        if never_pulled(image, situation.observed.images):
            return "ErrImageNeverPull", f"image {image.reference} is not on the node and imagePullPolicy is Never"
    return None


def why_not_configured(manifest: Container, situation: Situation) -> Why | None:
    """What the manifest refers to and is not there, or does not fit."""
    desired, settings, node, ips = situation.desired, situation.settings, situation.observed.node, situation.ips
    try:
        spec = container_spec(manifest, 0, None, desired, settings, node, ips, 0)
        container_mounts(manifest, desired, environment(manifest, desired, ips, node), settings)
    except UnrunnableError as error:
        return error.reason, error.message
    image = situation.observed.images.get(manifest.image)
    violation = non_root_violation(spec.run_as_user, spec.run_as_non_root, image)
    return ("CreateContainerConfigError", violation) if violation else None


def why_not_created(manifest: Container, situation: Situation) -> Why | None:
    failure = situation.failures.get(container_subject(manifest.name))
    return (failure.reason, failure.message) if failure else None


def _up(situation: Situation) -> bool:
    return situation.sandbox is not None and situation.sandbox.ready


def _its_turn(manifest: Container, situation: Situation) -> bool:
    """Init containers come one after the other, all others after them."""
    if initialized(situation):
        return True
    for earlier in situation.desired.pod.spec.init_containers:
        if earlier is manifest:
            return True
        current = situation.latest.get(earlier.name)
        sidecar_up = current is not None and earlier.restart_policy == "Always" and is_started(earlier, current)
        if not sidecar_up and not init_succeeded(situation, earlier):
            return False
    return True


def _pull_reason(failure: Failure, now: float) -> str:
    waiting = failure.count > 1 and now < retry_at(failure, LONGEST_PULL)
    return "ImagePullBackOff" if waiting else failure.reason
