"""The volumes of a storage driver, its snapshots, and what room it has left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kubenode.model.csi import ListedVolume, Topology
from kubenode.model.csi_records import SnapshotRecord, VolumeRecord
from kubenode.model.csi_situation import RECORD
from kubenode.observe import csi as seen
from kubenode.observe.csi_snapshots import LIST as LIST_SNAPSHOTS
from kubenode.observe.csi_snapshots import list_snapshots
from kubenode.observe.csi_volumes import CALLS, LIST, list_volumes, look_at_volume
from kubenode.resources.csi_options import MULTI_WRITER, CsiOptions, Driver, open_driver, uses
from kubenode.resources.csi_values import snapshot_values, volume_values
from kubenode.resources.options import OptionError
from kubenode.resources.result import Result


class Options(CsiOptions, frozen=True, kw_only=True):
    name: str = ""
    volume_id: str = ""
    max_entries: int = 0
    volumes: bool = True
    snapshots: bool = False
    capacity: bool = False
    parameters: Mapping[str, str] = msgspec.field(default_factory=dict)
    access_mode: str = "ReadWriteOnce"
    volume_mode: str = "Filesystem"
    fs_type: str = ""
    topology: dict[str, str] | None = None
    secrets: Mapping[str, str] = msgspec.field(default_factory=dict)


async def run(options: Options, *, check: bool) -> Result:
    if options.max_entries < 0:
        raise OptionError("max_entries: it is a number from 0 up.")
    async with open_driver(options) as driver:
        values: dict[str, Any] = {}
        warnings: list[str] = []
        if options.volumes:
            found, values["verified_by"] = await _volumes(driver, options)
            values["volumes"] = found
            if values["verified_by"] == RECORD:
                warnings.append(f"{driver.info.name} has no {LIST}: told is what this node remembers.")
        if options.snapshots:
            values["snapshots"] = await _snapshots(driver, options, warnings)
        if options.capacity:
            values["capacity"] = await _capacity(driver, options)
        return Result(values=values, warnings=warnings)


async def _volumes(driver: Driver, options: Options) -> tuple[list[dict[str, Any]], str]:
    """And who told of them."""
    session, can = driver.session, driver.can
    if options.name or options.volume_id:
        one = await look_at_volume(session, can, options.name, options.volume_id, secrets=options.secrets)
        return ([volume_values(one.there, one.record)] if one.there else []), one.verified_by
    records = {one.volume.volume_id: one for one in session.records.all(VolumeRecord)}
    if LIST not in can.controller:
        known = [one for one in records.values() if one.volume.volume_id]
        return [volume_values(ListedVolume(volume=one.volume), one) for one in known], RECORD
    listed = await list_volumes(session, can, options.max_entries)
    return [volume_values(one, records.get(one.volume.volume_id)) for one in listed], CALLS[LIST]


async def _snapshots(driver: Driver, options: Options, warnings: list[str]) -> list[dict[str, Any]]:
    """All, or those of the volume that is asked for."""
    session = driver.session
    kept = [one for one in session.records.all(SnapshotRecord) if not one.grouped and one.snapshot.snapshot_id]
    source = options.volume_id
    if options.name:
        record = session.records.get(VolumeRecord, options.name)
        source = record.volume.volume_id if record else options.name
    if LIST_SNAPSHOTS not in driver.can.controller:
        warnings.append(f"{driver.info.name} has no {LIST_SNAPSHOTS}: told is what this node remembers.")
        return [snapshot_values(one.snapshot, one) for one in kept if source in ("", one.snapshot.source_volume_id)]
    records = {one.snapshot.snapshot_id: one for one in kept}
    listed = await list_snapshots(
        session, source_volume_id=source, secrets=options.secrets, max_entries=options.max_entries
    )
    return [snapshot_values(one, records.get(one.snapshot_id)) for one in listed]


async def _capacity(driver: Driver, options: Options) -> dict[str, Any]:
    (use,) = uses(
        [options.access_mode],
        block=options.volume_mode == "Block",
        fs_type=options.fs_type,
        mount_options=(),
        multi_writer=MULTI_WRITER in driver.can.controller,
    )
    topology = None if options.topology is None else Topology(options.topology)
    told = await driver.session.ask(
        lambda: seen.capacity(driver.session.csi, parameters=options.parameters, topology=topology, capability=use)
    )
    sizes = {"maximum_volume_size": told.maximum_volume_size, "minimum_volume_size": told.minimum_volume_size}
    known = {name: size for name, size in sizes.items() if size is not None}
    return {"available_capacity": told.available_capacity} | known
