"""What it takes that a node has a volume, or has it no more."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubenode.model.csi import Attachment, Capabilities, VolumeCapability
from kubenode.model.csi_records import AttachmentRecord
from kubenode.model.csi_situation import AttachmentSituation
from kubenode.plan.csi_attachments import plan_attached, plan_detached

CAN = Capabilities(controller=frozenset({"PUBLISH_UNPUBLISH_VOLUME"}))
WANTED = Attachment("v1", "a")
SHARED = replace(WANTED, capability=VolumeCapability("MULTI_NODE_MULTI_WRITER"))
RECORD = AttachmentRecord(WANTED, attached=True)
BEGUN = AttachmentRecord(WANTED)


def seen(attached: bool | None, nodes: tuple[str, ...] | None = None, **fields: Any) -> AttachmentSituation:
    return AttachmentSituation(**{"attached": attached, "nodes": nodes, **fields})


@pytest.mark.parametrize(
    ("wanted", "situation", "why", "certain"),
    [
        (WANTED, seen(False, ()), "it is not attached to it", True),
        (WANTED, seen(None), "nothing tells whether it is attached", False),
        (WANTED, seen(None, record=BEGUN), "it was begun, and how that ended is not known", False),
        (SHARED, seen(False, ("b",)), "it is not attached to it", True),
        (WANTED, seen(True, ("a",)), "", True),
        (WANTED, seen(True, None, record=RECORD), "", True),
    ],
)
def test_attaching(wanted: Attachment, situation: AttachmentSituation, why: str, certain: bool) -> None:
    plan = plan_attached(wanted, situation, CAN)
    assert (plan.refused, plan.certain) == ("", certain)
    assert [action.why for action in plan.actions] == ([why] if why else [])


@pytest.mark.parametrize(
    ("wanted", "situation", "why"),
    [
        (WANTED, seen(False, ("b", "c")), "attached to b, c, and ReadWriteOnce is for one node alone"),
        (WANTED, seen(False, (), missing=True), "no such volume"),
        (replace(WANTED, read_only=True), seen(False, ()), "no PUBLISH_READONLY"),
        (SHARED, seen(True, ("a",), record=RECORD), "access_mode is ReadWriteOnce, asked is ReadWriteMany"),
    ],
)
def test_what_cannot_be_attached(wanted: Attachment, situation: AttachmentSituation, why: str) -> None:
    assert why in plan_attached(wanted, situation, CAN).refused


def test_a_driver_that_attaches_nothing_has_nothing_to_do() -> None:
    for plan in (
        plan_attached(WANTED, seen(None), Capabilities()),
        plan_detached("v1", "a", seen(None), Capabilities(), "a"),
    ):
        assert (plan.actions, plan.refused, plan.certain) == ((), "", True)


@pytest.mark.parametrize(
    ("node", "situation", "verbs"),
    [
        ("a", seen(True, ("a",)), ["detach volume v1 from node a"]),
        ("", seen(True, ("a", "b")), ["detach volume v1 from all nodes"]),
        ("a", seen(None), ["detach volume v1 from node a"]),
        ("a", seen(False, ("b",)), []),
        ("b", seen(True, ("b",), mounted_at=("/t",)), ["detach volume v1 from node b"]),
    ],
)
def test_detaching(node: str, situation: AttachmentSituation, verbs: list[str]) -> None:
    plan = plan_detached("v1", node, situation, CAN, "a")
    assert [action.verb for action in plan.actions] == verbs


@pytest.mark.parametrize("node", ["a", ""])
def test_what_is_mounted_here_is_not_detached(node: str) -> None:
    assert "mounted here at /t" in plan_detached("v1", node, seen(True, mounted_at=("/t",)), CAN, "a").refused
