"""Which images are pulled, pinned and removed so that a node holds those that are wanted."""

from __future__ import annotations

from collections.abc import Iterable

from kubenode.model.held_images import (
    FetchImage,
    HeldImage,
    ImageAction,
    ImagePlan,
    PinImage,
    Remote,
    RemoveImage,
    RemoveName,
    WantedImage,
)
from kubenode.model.image_reference import ImageReference, parse

UNASKED = Remote()
ABSENT, UNTOLD = "absent", "what the registry has"


def find(images: Iterable[HeldImage], name: str) -> HeldImage | None:
    """The image that is here under this name or ID."""
    if is_id(name):
        wanted = name.removeprefix("sha256:")
        return next((image for image in images if image.id.removeprefix("sha256:") == wanted), None)
    wanted = parse(name).full
    return next((image for image in images if wanted in map(complete, image.names)), None)


def is_id(name: str) -> bool:
    digits = name.removeprefix("sha256:")
    return len(digits) == 64 and set(digits) <= set("0123456789abcdef")


def complete(name: str) -> str:
    """A name as all are compared; one that a runtime has and the grammar has not stays as it is."""
    try:
        return parse(name).full
    except ValueError:
        return name


def held_digest(image: HeldImage, reference: ImageReference) -> str:
    """The digest that the image has in the repository of the reference; empty for one that came from elsewhere."""
    for name in image.digests:
        repository, _, digest = name.partition("@")
        if complete(repository).rpartition(":")[0] == reference.name:
            return digest
    return ""


def is_asked(wanted: WantedImage, held: HeldImage | None) -> bool:
    """Whether the registry's word decides: it does for a tag that may have moved. What has a digest never moves."""
    return held is not None and wanted.policy == "Always" and not parse(wanted.reference).digest


def plan_present(wanted: WantedImage, held: HeldImage | None, remote: Remote = UNASKED) -> ImagePlan:
    """`remote` counts where `is_asked`."""
    if held is None and wanted.policy == "Never":
        return ImagePlan(wanted.reference, problem="it is not on the node, and its pull policy is Never")
    why = _pull_reason(wanted, held, remote)
    actions: tuple[ImageAction, ...] = (FetchImage(wanted.reference, why, wanted.auths),) if why else ()
    if wanted.pinned is not None and (held is None or held.pinned is not wanted.pinned) and (held or wanted.pinned):
        names = held.names if held and not why else ()
        why = "it is to be kept" if wanted.pinned else "it is not to be kept"
        actions = (*actions, PinImage(wanted.reference, wanted.pinned, why, names))
    elif wanted.pinned and why:
        # A tag that moves leaves its pin to the image that it was on.
        actions = (*actions, PinImage(wanted.reference, pinned=True, why="it is to be kept"))
    return ImagePlan(wanted.reference, held, actions)


def _pull_reason(wanted: WantedImage, held: HeldImage | None, remote: Remote) -> str:
    if held is None:
        return "the image is not on the node"
    if not is_asked(wanted, held):
        return ""
    if remote.problem:
        return "the pull policy is Always, and the registry did not tell the digest beforehand"
    here = held_digest(held, parse(wanted.reference))
    if here == remote.digest:
        return ""
    return f"the tag is {remote.digest} in the registry, and {here or held.id} here"


def plan_absent(name: str, held: HeldImage | None, *, all_tags: bool, force: bool) -> ImagePlan:
    """One name, or the image as a whole: when it has no other tag, when it is named by its ID, or with `all_tags`."""
    if held is None:
        return ImagePlan(name)
    others = () if all_tags or is_id(name) else _others(held, parse(name))
    if others:
        return ImagePlan(name, held, tuple(RemoveName(one, f"{others[0]} stays") for one in _going(held, name, others)))
    if held.pinned and not force:
        return ImagePlan(name, held, problem="it is pinned: unpin it first, or use force")
    if held.used_by and not force:
        users = ", ".join(held.used_by)
        return ImagePlan(name, held, problem=f"it is used by {users}: remove these first, or use force")
    return ImagePlan(name, held, (RemoveImage(held, "it is not wanted"),))


def _others(held: HeldImage, reference: ImageReference) -> tuple[str, ...]:
    """The tags that the image keeps."""
    return tuple(tag for tag in held.tags if complete(tag) != reference.full)


def _going(held: HeldImage, name: str, others: tuple[str, ...]) -> list[str]:
    """The name as the runtime has it; that of the digest goes with the last tag of its repository."""
    reference = parse(name)
    going = [one for one in held.names if complete(one) == reference.full]
    if reference.digest or any(parse(tag).name == reference.name for tag in others):
        return going
    return [*going, *(one for one in held.digests if parse(one).name == reference.name)]


def state(held: HeldImage | None, name: str, pinned: bool | None) -> str | dict[str, object]:
    """What a name stands for, to be compared; its pin only where that is asked about (`pinned` is not None)."""
    if held is None:
        return ABSENT
    digest = held.id if is_id(name) else held_digest(held, parse(name)) or held.id
    return {"digest": digest} if pinned is None else {"digest": digest, "pinned": held.pinned}


def foreseen(plan: ImagePlan, remote: Remote, pinned: bool | None) -> str | dict[str, object]:
    """What the name will stand for once the plan is carried out."""
    pulled = any(isinstance(action, FetchImage) for action in plan.actions)
    if any(isinstance(action, RemoveImage | RemoveName) for action in plan.actions):
        return ABSENT
    if not pulled:
        now = state(plan.held, plan.name, pinned)
        return now if isinstance(now, str) or pinned is None else {**now, "pinned": pinned}
    digest = parse(plan.name).digest or remote.digest or UNTOLD
    return {"digest": digest} if pinned is None else {"digest": digest, "pinned": pinned}
