"""What a snapshot, or a group snapshot, needs to be there or to be gone."""

from __future__ import annotations

import pytest

from kubenode.model.csi import Capabilities, GroupSnapshot, Snapshot
from kubenode.model.csi_records import SnapshotRecord
from kubenode.model.csi_situation import BY_OPTION, BY_RECORD, SnapshotSituation
from kubenode.plan.csi_snapshots import AskedSnapshot, plan_snapshot_absent, plan_snapshot_present

CAN = Capabilities(
    controller=frozenset({"CREATE_DELETE_SNAPSHOT"}),
    group_controller=frozenset({"CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT"}),
)
ONE = SnapshotRecord("s", ("v1",))
SEVERAL = SnapshotRecord("s", ("v1", "v2"), grouped=True)
MADE = SnapshotRecord("s", ("v1",), parameters={"kind": "fast"}, made=True, snapshot=Snapshot("s1", "v1"))
GROUP = GroupSnapshot("g1", (Snapshot("s1", "v1"), Snapshot("s2", "v2")))
THERE = SnapshotSituation(MADE, MADE.snapshot, None, BY_RECORD, "GetSnapshot")
TOGETHER = SnapshotSituation(None, None, GROUP, BY_RECORD, "GetVolumeGroupSnapshot")


@pytest.mark.parametrize(
    ("wanted", "seen", "verbs", "certain"),
    [
        pytest.param(ONE, SnapshotSituation(), ["create snapshot s of v1"], True, id="new"),
        pytest.param(ONE, SnapshotSituation(others=("s9",)), ["create snapshot s of v1"], False, id="perhaps there"),
        pytest.param(ONE, SnapshotSituation(ONE), ["create snapshot s of v1"], False, id="begun"),
        pytest.param(ONE, SnapshotSituation(MADE), ["create snapshot s of v1"], False, id="gone"),
        pytest.param(ONE, THERE, [], True, id="there"),
        pytest.param(SEVERAL, SnapshotSituation(), ["create group snapshot s of v1, v2"], True, id="a group"),
        pytest.param(SEVERAL, TOGETHER, [], True, id="a group that is there"),
    ],
)
def test_what_is_made(wanted: SnapshotRecord, seen: SnapshotSituation, verbs: list[str], certain: bool) -> None:
    plan = plan_snapshot_present(AskedSnapshot(wanted), seen, CAN)
    assert (plan.refused, [action.verb for action in plan.actions]) == ("", verbs)
    assert plan.certain == certain


@pytest.mark.parametrize(
    ("asked", "seen", "can", "why"),
    [
        (AskedSnapshot(SnapshotRecord("s", ("v2",))), THERE, CAN, "it is of v1, asked is v2"),
        (AskedSnapshot(ONE, parameters={"kind": "slow"}), THERE, CAN, "its parameters are"),
        (AskedSnapshot(SnapshotRecord("s", ("v1",), grouped=True)), TOGETHER, CAN, "it is of v1, v2, asked is v1"),
        (AskedSnapshot(SnapshotRecord("s")), SnapshotSituation(), CAN, "say of which volume"),
        (AskedSnapshot(ONE, "s7"), SnapshotSituation(identified_by=BY_OPTION), CAN, "has no snapshot s7"),
        (AskedSnapshot(ONE), SnapshotSituation(), Capabilities(), "no CREATE_DELETE_SNAPSHOT"),
        (AskedSnapshot(SEVERAL), SnapshotSituation(), Capabilities(), "no CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT"),
    ],
)
def test_what_is_refused(asked: AskedSnapshot, seen: SnapshotSituation, can: Capabilities, why: str) -> None:
    plan = plan_snapshot_present(asked, seen, can)
    assert why in plan.refused
    assert plan.actions == ()


@pytest.mark.parametrize(
    ("wanted", "seen", "verbs"),
    [
        (ONE, SnapshotSituation(), []),
        (ONE, SnapshotSituation(MADE), []),
        (ONE, SnapshotSituation(ONE), ["delete snapshot s"]),
        (ONE, THERE, ["delete snapshot s (s1)"]),
        (SnapshotRecord(""), SnapshotSituation(None, Snapshot("s1", "v1")), ["delete snapshot s1"]),
        (SEVERAL, TOGETHER, ["delete group snapshot s (g1)"]),
    ],
)
def test_what_is_deleted(wanted: SnapshotRecord, seen: SnapshotSituation, verbs: list[str]) -> None:
    assert [action.verb for action in plan_snapshot_absent(AskedSnapshot(wanted), seen).actions] == verbs
