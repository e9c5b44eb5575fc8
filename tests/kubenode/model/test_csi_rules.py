"""The kubelet's rules for CSI volumes, and values as messages tell them."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from kubenode.clients.csi import filled, plain
from kubenode.clients.stubs import csi_pb2 as pb
from kubenode.model import csi_rules as rules
from kubenode.model.csi import (
    ContentSource,
    Mount,
    Snapshot,
    SnapshotSource,
    Topology,
    VolumeCapability,
    WantedVolume,
    read,
)
from kubenode.model.csi_rules import GroupPolicy, GroupWork, Step, VolumeData

ALL = frozenset({rules.STAGE, rules.EXPAND, rules.STATS})
MOUNT = Mount(volume_id="v", target_path="/t")
RWO, RWX, RWOP = ("ReadWriteOnce",), ("ReadWriteMany",), ("ReadWriteOncePod",)
FILE, NONE, ONCE = GroupPolicy.FILE, GroupPolicy.NONE, GroupPolicy.READ_WRITE_ONCE_WITH_FS_TYPE


@pytest.mark.parametrize(
    ("mode", "multi_writer", "word"),
    [
        ("ReadWriteOnce", False, "SINGLE_NODE_WRITER"),
        ("ReadWriteOnce", True, "SINGLE_NODE_MULTI_WRITER"),
        ("ReadWriteOncePod", False, "SINGLE_NODE_WRITER"),
        ("ReadWriteOncePod", True, "SINGLE_NODE_SINGLE_WRITER"),
        ("ReadOnlyMany", True, "MULTI_NODE_READER_ONLY"),
        ("ReadWriteMany", False, "MULTI_NODE_MULTI_WRITER"),
    ],
)
def test_access_modes(mode: str, multi_writer: bool, word: str) -> None:
    assert rules.access_mode(mode, multi_writer=multi_writer) == word


def test_an_access_mode_that_there_is_not_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"no access mode RWO: use one of ReadWriteOnce,"):
        rules.access_mode("RWO", multi_writer=False)


@pytest.mark.parametrize(
    ("policy", "fs_type", "modes", "read_only", "work"),
    [
        (NONE, "ext4", RWO, False, GroupWork.NOBODY),
        (FILE, "", RWX, False, GroupWork.OURS),
        (FILE, "ext4", RWO, True, GroupWork.NOBODY),
        (ONCE, "ext4", RWO, False, GroupWork.OURS),
        (ONCE, "ext4", RWOP, False, GroupWork.OURS),
        (ONCE, "ext4", (*RWX, *RWO), False, GroupWork.OURS),
        (ONCE, "ext4", (), False, GroupWork.OURS),
        (ONCE, "ext4", RWX, False, GroupWork.NOBODY),
        (ONCE, "", RWO, False, GroupWork.NOBODY),
        (ONCE, "ext4", RWO, True, GroupWork.NOBODY),
    ],
)
def test_who_gives_a_volume_to_its_group(
    policy: GroupPolicy, fs_type: str, modes: tuple[str, ...], read_only: bool, work: GroupWork
) -> None:
    assert rules.group_work(policy, ALL, fs_type=fs_type, access_modes=modes, read_only=read_only) is work


@pytest.mark.parametrize("policy", list(GroupPolicy))
def test_a_driver_that_can_does_it_whatever_the_policy(policy: GroupPolicy) -> None:
    assert rules.group_work(policy, ALL | {rules.MOUNT_GROUP}) is GroupWork.DRIVER


def test_a_block_volume_has_no_group() -> None:
    assert rules.group_work(FILE, ALL | {rules.MOUNT_GROUP}, block=True) is GroupWork.NOBODY


@pytest.mark.parametrize(
    ("can", "expand_to", "read_only", "steps"),
    [
        (frozenset(), 0, False, (Step.PUBLISH,)),
        (frozenset(), 5, False, (Step.PUBLISH,)),
        (ALL, 0, False, (Step.STAGE, Step.PUBLISH)),
        (ALL, 5, False, (Step.STAGE, Step.PUBLISH, Step.EXPAND)),
        (ALL, 5, True, (Step.STAGE, Step.PUBLISH)),
    ],
)
def test_what_mounting_takes(can: frozenset[str], expand_to: int, read_only: bool, steps: tuple[Step, ...]) -> None:
    mount = msgspec.structs.replace(MOUNT, expand_to=expand_to, read_only=read_only)
    assert rules.mount_steps(mount, can) == steps


@pytest.mark.parametrize(
    ("can", "last", "steps"),
    [
        (ALL, True, (Step.UNPUBLISH, Step.UNSTAGE)),
        (ALL, False, (Step.UNPUBLISH,)),
        (frozenset(), True, (Step.UNPUBLISH,)),
    ],
)
def test_what_unmounting_takes(can: frozenset[str], last: bool, steps: tuple[Step, ...]) -> None:
    assert rules.unmount_steps(can, last=last) == steps


def test_paths_are_the_kubelets() -> None:
    digest = "e3b98a4da31a127d4bde6e43033f66ba274cab0eb7eb1c70ec41402bf6273dd8"  # sha256 of "t"
    root = "/var/lib/kubelet"
    assert rules.staging_path(root, "d.io", "t") == f"{root}/plugins/kubernetes.io/csi/d.io/{digest}/globalmount"
    assert rules.target_path(root, "u", "pv") == f"{root}/pods/u/volumes/kubernetes.io~csi/pv/mount"
    assert rules.block_target_path(root, "pv", "u") == f"{root}/plugins/kubernetes.io/csi/volumeDevices/publish/pv/u"
    assert rules.block_staging_path(root, "pv") == f"{root}/plugins/kubernetes.io/csi/volumeDevices/staging/pv"
    assert rules.block_data_directory(root, "pv") == f"{root}/plugins/kubernetes.io/csi/volumeDevices/pv/data"
    assert rules.attachment_name("t", "", "") == rules.ephemeral_handle("t", "") == f"csi-{digest}"


def test_volume_data_has_the_kubelets_words() -> None:
    data = VolumeData(
        driver_name="d",
        volume_handle="h",
        spec_vol_id="pv",
        node_name="n",
        attachment_id="a",
        volume_lifecycle_mode="Persistent",
    )
    assert msgspec.to_builtins(data) == {
        "driverName": "d",
        "volumeHandle": "h",
        "specVolID": "pv",
        "nodeName": "n",
        "attachmentID": "a",
        "volumeLifecycleMode": "Persistent",
    }


def test_what_is_wanted_is_what_the_message_says() -> None:
    wanted = WantedVolume(
        name="n",
        capabilities=(
            VolumeCapability(fs_type="ext4", mount_flags=("noatime",), volume_mount_group="7"),
            VolumeCapability(block=True, access_mode="MULTI_NODE_MULTI_WRITER"),
        ),
        required_bytes=1 << 40,
        source=ContentSource(snapshot=SnapshotSource(snapshot_id="s")),
        requisite=(Topology(segments={"zone": "a"}),),
    )
    made = filled(pb.CreateVolumeRequest, wanted.wire())
    assert made.capacity_range.required_bytes == 1 << 40
    mounted, block = made.volume_capabilities
    assert (mounted.mount.fs_type, list(mounted.mount.mount_flags)) == ("ext4", ["noatime"])
    assert mounted.mount.volume_mount_group == "7"
    assert block.WhichOneof("access_type") == "block"
    assert block.access_mode.mode == pb.VolumeCapability.AccessMode.MULTI_NODE_MULTI_WRITER
    assert made.volume_content_source.snapshot.snapshot_id == "s"
    assert dict(made.accessibility_requirements.requisite[0].segments) == {"zone": "a"}


def test_no_size_is_no_range() -> None:
    assert not filled(pb.CreateVolumeRequest, WantedVolume(name="n").wire()).HasField("capacity_range")


def test_a_snapshot_is_what_the_message_said() -> None:
    message = pb.Snapshot(snapshot_id="s", source_volume_id="v", size_bytes=1 << 40, ready_to_use=True)
    message.creation_time.FromJsonString("2026-02-03T04:05:06Z")
    assert read(plain(message), Snapshot) == Snapshot(
        snapshot_id="s",
        source_volume_id="v",
        size_bytes=1 << 40,
        ready_to_use=True,
        creation_time=datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
    )
