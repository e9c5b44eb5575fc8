"""What it takes that a node has a volume, or has it no more."""

from __future__ import annotations

from kubenode.model.csi import Attachment, Capabilities
from kubenode.model.csi_actions import AttachVolume, CsiPlan, DetachVolume
from kubenode.model.csi_rules import ATTACH, kubernetes_mode
from kubenode.model.csi_situation import AttachmentSituation

MULTI_NODE = ("MULTI_NODE_READER_ONLY", "MULTI_NODE_SINGLE_WRITER", "MULTI_NODE_MULTI_WRITER")


def plan_attached(wanted: Attachment, seen: AttachmentSituation, can: Capabilities) -> CsiPlan:
    """A driver without PUBLISH_UNPUBLISH_VOLUME has its volumes everywhere: nothing is to be done."""
    title = f"Volume {wanted.volume_id}"
    if ATTACH not in can.controller:
        return CsiPlan()
    if seen.missing:
        return CsiPlan(refused=f"{title} cannot be attached: the driver has no such volume.")
    if wanted.read_only and "PUBLISH_READONLY" not in can.controller:
        return CsiPlan(refused=f"{title} cannot be attached read-only: this driver has no PUBLISH_READONLY.")
    if seen.attached:
        wrong = _differences(wanted, seen)
        refused = (
            f"{title} is attached to {wanted.node_id} and not as asked: {'; '.join(wrong)}. Detach it first."
            if wrong
            else ""
        )
        return CsiPlan(refused=refused)
    others = [node for node in seen.nodes or () if node != wanted.node_id]
    if others and wanted.capability.access_mode not in MULTI_NODE:
        return CsiPlan(
            refused=f"{title} is attached to {', '.join(others)}, and {kubernetes_mode(wanted.capability.access_mode)} "
            "is for one node alone. Detach it there first."
        )
    unknown = seen.attached is None
    return CsiPlan(
        (AttachVolume(wanted, _why(seen, "it is not attached to it")),),
        after=shown_attachment(wanted),
        warnings=_unsure(wanted.volume_id, wanted.node_id) if unknown and seen.record is None else (),
        certain=not unknown,
    )


def plan_detached(volume_id: str, node_id: str, seen: AttachmentSituation, can: Capabilities, here: str) -> CsiPlan:
    """node_id: none for all nodes. here: the id of the node on which this runs, where it is known."""
    if ATTACH not in can.controller or seen.attached is False:
        return CsiPlan()
    if seen.mounted_at and node_id in ("", here):
        return CsiPlan(
            refused=f"Volume {volume_id} is mounted here at {', '.join(seen.mounted_at)}, so it is not detached. "
            "Unmount it (csi_mount) first."
        )
    unknown = seen.attached is None
    before: dict[str, object] = {"volume_id": volume_id, "node_id": node_id}
    if seen.record is not None and seen.record.attached:
        before = shown_attachment(seen.record.wanted)
    elif not node_id:
        before = {"volume_id": volume_id, "node_ids": list(seen.nodes or ())}
    return CsiPlan(
        (DetachVolume(volume_id, node_id, _why(seen, "it is attached")),),
        before=before,
        warnings=_unsure(volume_id, node_id) if unknown and seen.record is None else (),
        certain=not unknown,
    )


def shown_attachment(wanted: Attachment) -> dict[str, object]:
    """In its user's words."""
    return {
        "volume_id": wanted.volume_id,
        "node_id": wanted.node_id,
        "access_mode": kubernetes_mode(wanted.capability.access_mode),
        "volume_mode": "Block" if wanted.capability.block else "Filesystem",
        "read_only": wanted.read_only,
    }


def _why(seen: AttachmentSituation, known: str) -> str:
    if seen.attached is not None:
        return known
    return "it was begun, and how that ended is not known" if seen.record else "nothing tells whether it is attached"


def _differences(wanted: Attachment, seen: AttachmentSituation) -> list[str]:
    if seen.record is None or not seen.record.attached:
        return []
    has, asked = shown_attachment(seen.record.wanted), shown_attachment(wanted)
    return [f"{key} is {has[key]}, asked is {asked[key]}" for key in asked if has[key] != asked[key]]


def _unsure(volume_id: str, node_id: str) -> tuple[str, ...]:
    where = f"node {node_id}" if node_id else "any node"
    sentence = (
        f"The driver does not tell whether volume {volume_id} is attached to {where}, and no record on this node does: "
        "it may be that nothing has to be changed."
    )
    return (sentence,)
