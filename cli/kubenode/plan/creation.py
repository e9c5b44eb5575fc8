"""What it takes to make one container and start it: image, files, container, hook."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kubenode.model.actions import BindSubPath, CreateContainer, Plan, PostStart, PullImage, StartContainer
from kubenode.model.observed import ObservedContainer
from kubenode.model.pod import Container
from kubenode.plan.backoff import LONGEST_PULL, retry_at
from kubenode.plan.credentials import registry_auths
from kubenode.plan.environment import environment, needs_pod_ip
from kubenode.plan.failures import container_subject, image_subject
from kubenode.plan.hooks import hook_of
from kubenode.plan.images import NeededImage, needed_images, never_pulled, non_root_violation, pull_reason
from kubenode.plan.problems import UnrunnableError
from kubenode.plan.situation import Situation
from kubenode.plan.specs import container_spec, sandbox_spec
from kubenode.plan.stops import stop_order
from kubenode.plan.volumes import container_mounts


@dataclass(frozen=True, slots=True)
class Place:
    """The sandbox that containers are made in: empty `sandbox_id` for the one that this plan makes."""

    sandbox_id: str
    attempt: int


def creation(
    manifest: Container,
    situation: Situation,
    place: Place,
    previous: ObservedContainer | None,
    why: str,
    delay: float | None = None,
) -> Plan:
    """Pull, create and start the container in the place.

    `delay` is the back-off in seconds that came before; nothing is planned where something is missing.
    """
    key, images, desired = situation.desired.key, situation.observed.images, situation.desired
    due = _due(manifest, situation)
    if situation.now < due:
        return Plan(key, (), due)
    wanted = needed_images(manifest, desired.pod.spec)
    if any(never_pulled(image, images) for image in wanted):
        return Plan(key)
    pulls = tuple(_pulls(manifest, wanted, situation))
    if not place.sandbox_id and needs_pod_ip(manifest) and not situation.ips:
        return Plan(key, pulls)
    node, ips, settings = situation.observed.node, situation.ips, situation.settings
    attempts = previous.restart_count + 1 if previous else 0
    try:
        order = stop_order(manifest.name, desired.pod.spec)
        spec = container_spec(manifest, attempts, delay, desired, settings, node, ips, order)
        _, parts = container_mounts(manifest, desired, environment(manifest, desired, ips, node), settings)
        sandbox = sandbox_spec(desired, place.attempt, settings, node, situation.started_at)
    except UnrunnableError:
        return Plan(key)
    image = images.get(manifest.image)
    if spec.run_as_non_root and spec.run_as_user is None and image is None:
        return Plan(key, pulls, situation.now)
    if non_root_violation(spec.run_as_user, spec.run_as_non_root, image):
        return Plan(key)
    binds = tuple(BindSubPath(manifest.name, part, why) for part in parts)
    create = CreateContainer(spec, sandbox, place.sandbox_id, why)
    start = StartContainer(manifest.name, "", why)
    return Plan(key, (*pulls, *binds, create, start, *post_start(manifest, "", situation, why)))


def _due(manifest: Container, situation: Situation) -> float:
    failures = situation.failures
    images = needed_images(manifest, situation.desired.pod.spec)
    pulls = (retry_at(failures.get(image_subject(image.reference)), LONGEST_PULL) for image in images)
    return max(retry_at(failures.get(container_subject(manifest.name))), *pulls)


def _pulls(manifest: Container, wanted: Iterable[NeededImage], situation: Situation) -> Iterator[PullImage]:
    for image in wanted:
        if why := pull_reason(image, situation.observed.images):
            auths = registry_auths(situation.desired, image.reference)
            yield PullImage(image.reference, why, manifest.name, auths)


def post_start(manifest: Container, container_id: str, situation: Situation, why: str) -> tuple[PostStart, ...]:
    hook = hook_of(manifest.lifecycle.post_start, manifest)
    ip = next(iter(situation.ips), "")
    return (PostStart(manifest.name, container_id, hook, why, ip),) if hook else ()
