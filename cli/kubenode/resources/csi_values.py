"""What modules return of storage: the specification's own names, every key always there."""

from __future__ import annotations

from typing import Any

from kubenode.model.csi import ContentSource, ListedVolume, Snapshot
from kubenode.model.csi_records import SnapshotRecord, VolumeRecord


def volume_values(listed: ListedVolume, record: VolumeRecord | None) -> dict[str, Any]:
    volume, condition = listed.volume, listed.status.volume_condition
    told: dict[str, Any] = {
        "name": record.wanted.name if record else "",
        "volume_id": volume.volume_id,
        "capacity_bytes": volume.capacity_bytes,
        "volume_context": volume.volume_context,
        "content_source": _source(volume.content_source),
        "accessible_topology": [one.segments for one in volume.accessible_topology],
        "published_node_ids": list(listed.status.published_node_ids),
        "node_expansion_required": record.node_expansion_required if record else False,
    }
    if condition is not None:
        told["volume_condition"] = {"abnormal": condition.abnormal, "message": condition.message}
    return told


def snapshot_values(snapshot: Snapshot, record: SnapshotRecord | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": record.name if record else "",
        "snapshot_id": snapshot.snapshot_id,
        "source_volume_id": snapshot.source_volume_id,
        "size_bytes": snapshot.size_bytes,
        "ready_to_use": snapshot.ready_to_use,
        "group_snapshot_id": snapshot.group_snapshot_id,
    }
    if snapshot.creation_time is not None:
        told["creation_time"] = snapshot.creation_time
    return told


def _source(source: ContentSource | None) -> dict[str, str]:
    if source is not None and source.snapshot is not None:
        return {"snapshot_id": source.snapshot.snapshot_id}
    if source is not None and source.volume is not None:
        return {"volume_id": source.volume.volume_id}
    return {}
