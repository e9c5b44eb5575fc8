"""What it takes that a volume is at its target: exactly these steps, and nothing of what is somebody else's."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubenode.model.csi import Mount, VolumeCapability
from kubenode.model.csi_records import MountRecord, Shown
from kubenode.model.csi_situation import MountSituation
from kubenode.plan.csi_groups import group_problem, mode_for_group
from kubenode.plan.csi_mounts import plan_mounted, plan_unmounted

GIB = 1 << 30
STAGES = frozenset({"STAGE_UNSTAGE_VOLUME", "EXPAND_VOLUME"})
DIRECT = frozenset[str]()
MOUNT = Mount("v1", "/t", "/s")
SHOWN = Shown("ext4", "/dev/sdb", "/")
THERE = MountRecord(MOUNT, SHOWN)
OPTIONS = VolumeCapability(mount_flags=("noatime",))
STAGE, PUBLISH = "stage volume v1 at /s", "mount volume v1 at /t (writable)"
UNPUBLISH, UNSTAGE = "unmount volume v1 from /t", "unstage volume v1 at /s"
READ_ONLY = "mount volume v1 at /t (read-only)"
GROW, GIVE = "grow volume v1 at /t to 1Gi", "give the files in /t to group 7"


def wanted(group: int | None = None, **fields: Any) -> MountRecord:
    return MountRecord(replace(MOUNT, **fields), fs_group=group)


def mounted(record: MountRecord | None = THERE, **fields: Any) -> MountSituation:
    return MountSituation(record, **{"shown": SHOWN, "staged": True, **fields})


@pytest.mark.parametrize(
    ("what", "seen", "can", "verbs"),
    [
        pytest.param(wanted(), MountSituation(), STAGES, [STAGE, PUBLISH], id="new"),
        pytest.param(wanted(), MountSituation(), DIRECT, [PUBLISH], id="a driver that does not stage"),
        pytest.param(wanted(staging_path=""), MountSituation(), STAGES, [PUBLISH], id="lives with its pod"),
        pytest.param(wanted(read_only=True), MountSituation(), DIRECT, [READ_ONLY], id="read-only"),
        pytest.param(wanted(expand_to=GIB), MountSituation(), STAGES, [STAGE, PUBLISH, GROW], id="grows at once"),
        pytest.param(wanted(expand_to=GIB, read_only=True), MountSituation(), STAGES, [STAGE, READ_ONLY], id="not ro"),
        pytest.param(wanted(7), MountSituation(), DIRECT, [PUBLISH, GIVE], id="a group"),
        pytest.param(wanted(), mounted(), STAGES, [], id="as it is"),
        pytest.param(wanted(), mounted(None, handle="v1"), STAGES, [], id="the kubelet's file says so"),
        pytest.param(wanted(), mounted(None, from_staging=True), STAGES, [], id="the kernel says so"),
        pytest.param(wanted(), mounted(MountRecord(MOUNT)), STAGES, [], id="mounted, and killed before that was noted"),
        pytest.param(wanted(), MountSituation(THERE), STAGES, [STAGE, PUBLISH], id="after a restart of the node"),
        pytest.param(wanted(read_only=True), mounted(), STAGES, [UNPUBLISH, READ_ONLY], id="read-only now"),
        pytest.param(
            wanted(capability=OPTIONS), mounted(), STAGES, [UNPUBLISH, UNSTAGE, STAGE, PUBLISH], id="other options"
        ),
        pytest.param(
            wanted(), mounted(problem="Stale file handle"), STAGES, [UNPUBLISH, UNSTAGE, STAGE, PUBLISH], id="stale"
        ),
        pytest.param(
            wanted(),
            mounted(problem="Stale", users=("/u",)),
            STAGES,
            [UNPUBLISH, STAGE, PUBLISH],
            id="stale and shared",
        ),
        pytest.param(wanted(expand_to=GIB), mounted(), STAGES, [GROW], id="grows"),
        pytest.param(wanted(expand_to=GIB), mounted(), DIRECT, [], id="grows elsewhere"),
        pytest.param(
            wanted(expand_to=GIB), mounted(replace(THERE, mount=replace(MOUNT, expand_to=GIB))), STAGES, [], id="grown"
        ),
        pytest.param(wanted(7), mounted(wrong_group="/t: its group is 0"), STAGES, [GIVE], id="files of others"),
        pytest.param(wanted(7), mounted(replace(THERE, fs_group=7)), STAGES, [], id="files of the group"),
        pytest.param(wanted(publish_context={"a": "b"}), mounted(), STAGES, [], id="attached anew meanwhile"),
    ],
)
def test_what_mounting_takes(what: MountRecord, seen: MountSituation, can: frozenset[str], verbs: list[str]) -> None:
    plan = plan_mounted(what, seen, can, ours=True)
    assert plan.refused == ""
    assert [action.verb for action in plan.actions] == verbs
    assert (plan.before == plan.after) == (not verbs) or bool(seen.problem)


OTHERS = MountRecord(replace(MOUNT, volume_id="v2"), SHOWN)


@pytest.mark.parametrize(
    ("what", "seen", "why"),
    [
        (wanted(), MountSituation(content=True), "there is something in it"),
        (wanted(), mounted(None), "Something else is mounted at /t: /dev/sdb (ext4)"),
        (wanted(), mounted(OTHERS), "Something else is mounted at /t: volume v2, not volume v1"),
        (wanted(), mounted(None, handle="v2"), "volume v2, not volume v1"),
        (wanted(), mounted(shown=Shown("tmpfs", "mine", "/")), "Something else is mounted at /t: mine (tmpfs)"),
        (wanted(), mounted(problem="no answer", silent=True), "does not answer"),
        (wanted(capability=OPTIONS), mounted(users=("/u",)), "it is also at /u"),
    ],
)
def test_what_is_refused(what: MountRecord, seen: MountSituation, why: str) -> None:
    plan = plan_mounted(what, seen, STAGES, ours=False)
    assert why in plan.refused
    assert plan.actions == ()


@pytest.mark.parametrize(
    ("seen", "can", "verbs"),
    [
        pytest.param(mounted(), STAGES, [UNPUBLISH, UNSTAGE], id="the last"),
        pytest.param(mounted(), DIRECT, [UNPUBLISH], id="a driver that does not stage"),
        pytest.param(mounted(users=("/u",)), STAGES, [UNPUBLISH], id="others use it"),
        pytest.param(MountSituation(), STAGES, [], id="nothing is known"),
        pytest.param(MountSituation(staged=True), STAGES, [], id="staged by others"),
        pytest.param(MountSituation(MountRecord(MOUNT)), STAGES, [UNPUBLISH, UNSTAGE], id="half done"),
        pytest.param(MountSituation(handle="v1"), STAGES, [UNPUBLISH, UNSTAGE], id="half done by the kubelet"),
    ],
)
def test_what_unmounting_takes(seen: MountSituation, can: frozenset[str], verbs: list[str]) -> None:
    assert [action.verb for action in plan_unmounted(MOUNT, seen, can).actions] == verbs


def test_what_others_mounted_is_not_unmounted() -> None:
    plan = plan_unmounted(MOUNT, mounted(None), STAGES)
    assert "Something else is mounted" in plan.refused


@pytest.mark.parametrize(
    ("mode", "given"),
    [(0o100600, 0o660), (0o100755, 0o775), (0o104711, 0o4771), (0o40700, 0o2770), (0o40755, 0o2775), (0o120777, 0o777)],
)
def test_the_group_may_read_and_write_and_enter(mode: int, given: int) -> None:
    assert mode_for_group(mode) == given
    assert group_problem(mode & 0o170000 | given, 7, 7) == ""
    assert group_problem(mode, 0, 7) == "its group is 0"
