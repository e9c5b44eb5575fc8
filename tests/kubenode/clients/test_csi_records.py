"""What a node remembers of a driver's volumes: files that only their owner reads, one driver's beside another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenode.clients.csi_records import RecordError, Records
from kubenode.model.csi import Attachment, Mount, Volume, WantedVolume
from kubenode.model.csi_records import AttachmentRecord, MountRecord, SnapshotRecord, VolumeRecord

RECORDS: list[VolumeRecord | SnapshotRecord | AttachmentRecord | MountRecord] = [
    VolumeRecord(WantedVolume("data", parameters={"kind": "fast"}), Volume("v1", 5), made=True),
    VolumeRecord(WantedVolume(""), Volume("v2")),
    SnapshotRecord("data", ("v1",)),
    SnapshotRecord("data", ("v1", "v2"), grouped=True),
    AttachmentRecord(Attachment("v1", "a"), attached=True, publish_context={"device": "x"}),
    MountRecord(Mount("v1", "/srv/data")),
]


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_is_read_back_and_forgotten(tmp_path: Path, record: VolumeRecord) -> None:
    records = Records(tmp_path / "state", "driver.test")
    for one in RECORDS:
        records.put(one)
    assert records.get(type(record), record.key) == record
    assert record in records.all(type(record))
    records.drop(type(record), record.key)
    records.drop(type(record), record.key)
    assert records.get(type(record), record.key) is None
    assert len(list((tmp_path / "state").rglob("*.json"))) == len(RECORDS) - 1


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    Records(tmp_path / "state", "driver.test").put(RECORDS[0])
    modes = {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "state").rglob("*")}
    assert modes == {"0o700", "0o600"}


@pytest.mark.parametrize("name", ["../up", "..", ".", "a/b", "/etc", ""])
def test_a_driver_names_no_directory_but_its_own(tmp_path: Path, name: str) -> None:
    records, others = Records(tmp_path / "state", name), Records(tmp_path / "state", "other.test")
    records.put(RECORDS[0])
    (made,) = (path for path in tmp_path.rglob("*.json"))
    assert made.is_relative_to(tmp_path / "state")
    assert others.all(VolumeRecord) == []


def test_one_that_is_broken_is_named(tmp_path: Path) -> None:
    records = Records(tmp_path, "driver.test")
    records.put(RECORDS[0])
    (path,) = tmp_path.rglob("*.json")
    path.write_bytes(b'{"wanted": 1}')
    with pytest.raises(RecordError, match=str(path)):
        records.get(VolumeRecord, "data")
