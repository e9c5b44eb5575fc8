"""A volume on this node: staged and at its target, or not at all."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from kubenode.apply.csi_mount_plans import MountSecrets, carry_out_mount, carry_out_unmount
from kubenode.clients.errors import Unimplemented
from kubenode.model.csi import Mount
from kubenode.model.csi_actions import CsiPlan, ExpandFileSystem
from kubenode.model.csi_records import AttachmentRecord, MountRecord, VolumeRecord, attachment_key
from kubenode.model.csi_rules import POD_INFO, STAGE, STATS, GroupPolicy, GroupWork, group_work, kubernetes_mode
from kubenode.model.csi_situation import MountSituation
from kubenode.observe import csi as seen_of
from kubenode.observe.csi_mounts import Group, Place, look_at_mount, seen_at
from kubenode.observe.csi_volumes import recorded_volume
from kubenode.plan.csi_mounts import plan_mounted, plan_unmounted
from kubenode.resources.csi_mount_paths import PathOptions, Paths, pod_context
from kubenode.resources.csi_options import MULTI_WRITER, Driver, Used, agreed, bytes_of, open_driver, used
from kubenode.resources.options import OptionError
from kubenode.resources.result import ResourceError, Result


class Options(PathOptions, frozen=True, kw_only=True):
    state: str = "mounted"
    read_only: bool = False
    publish_context: dict[str, str] | None = None
    size: str = ""
    fs_group: int | None = None
    fs_group_policy: GroupPolicy = GroupPolicy.READ_WRITE_ONCE_WITH_FS_TYPE
    fs_group_change_policy: str = "Always"
    node_name: str = ""
    stats: bool = False
    secrets: Mapping[str, str] = msgspec.field(default_factory=dict)
    stage_secrets: Mapping[str, str] | None = None
    publish_secrets: Mapping[str, str] | None = None
    expand_secrets: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The mount as it is to be; `group` when the files are ours to give."""

    record: MountRecord
    paths: Paths
    group: Group | None = None
    volume: VolumeRecord | None = None


async def run(options: Options, *, check: bool) -> Result:
    async with open_driver(options) as driver:
        if not driver.can.node and not await _serves_nodes(driver):
            raise ResourceError(
                f"No node is served at {driver.session.csi.endpoint}, only a controller: name the socket of the "
                "driver's node."
            )
        if options.state == "mounted":
            return await _mounted(driver, options, check=check)
        return await _unmounted(driver, options, check=check)


async def _mounted(driver: Driver, options: Options, *, check: bool) -> Result:
    session, can = driver.session, driver.can.node
    wanted = await _wanted(driver, options)
    mount = wanted.record.mount
    seen = await look_at_mount(session.records, _place(driver, options, wanted.paths), mount, wanted.group)
    wanted = _with_size(wanted, seen, options)
    plan = agreed(plan_mounted(wanted.record, seen, can, ours=wanted.group is not None))
    if not check:
        await _mount(driver, wanted, plan, seen, options)
    there = not check or seen.shown is not None
    values = _values(wanted.record.mount, seen, mounted=there, staged=STAGE in can and bool(mount.staging_path))
    if options.stats and there and STATS in can:
        stats = await session.ask(
            lambda: seen_of.volume_stats(session.csi, mount.volume_id, mount.target_path, mount.staging_path)
        )
        values["stats"] = [
            {"unit": str(one.unit), "total": one.total, "used": one.used, "available": one.available}
            for one in stats.usage
        ]
    return Result(values=values, steps=plan.actions, before=plan.before, after=plan.after, warnings=plan.warnings)


async def _mount(driver: Driver, wanted: Wanted, plan: CsiPlan, seen: MountSituation, options: Options) -> None:
    session, mount = driver.session, wanted.record.mount
    if plan.actions:
        secrets = MountSecrets(
            options.secrets if options.stage_secrets is None else options.stage_secrets,
            options.secrets if options.publish_secrets is None else options.publish_secrets,
            options.secrets if options.expand_secrets is None else options.expand_secrets,
        )
        data = wanted.paths.kubelet_data(driver.info.name, mount.volume_id, options.node_name or _host())
        await carry_out_mount(session, plan.actions, wanted.record, data, secrets)
    now = await asyncio.to_thread(seen_at, mount.target_path)
    if now is None:
        raise ResourceError(
            f"The driver says that volume {mount.volume_id} is mounted at {mount.target_path}, and no mount is there. "
            "A driver in a container must have that directory with bidirectional mount propagation."
        )
    record = msgspec.structs.replace(wanted.record, shown=now)
    if record != seen.record or plan.actions:
        session.records.put(record)
    grown = any(isinstance(action, ExpandFileSystem) for action in plan.actions)
    if grown and wanted.volume is not None and wanted.volume.node_expansion_required:
        session.records.put(msgspec.structs.replace(wanted.volume, node_expansion_required=False))


async def _unmounted(driver: Driver, options: Options, *, check: bool) -> Result:
    session, can, name = driver.session, driver.can.node, driver.info.name
    volume = recorded_volume(session, options.name, options.volume_id)
    made_block = bool(volume and volume.wanted.capabilities and volume.wanted.capabilities[0].block)
    block = options.volume_mode == "Block" if options.volume_mode else made_block
    known = options.volume_id or (volume.volume.volume_id if volume else "") or options.ephemeral_handle()
    record = session.records.get(MountRecord, options.target(known, block=block))
    known = known or (record.mount.volume_id if record else "")
    paths = options.paths(name, known, block=block)
    mount = record.mount if record and record.mount.volume_id == known else _bare(known, paths, options)
    seen = await look_at_mount(session.records, _place(driver, options, paths), mount)
    if not known and seen.handle:
        paths = options.paths(name, seen.handle, block=block)
        mount = _bare(seen.handle, paths, options)
        seen = await look_at_mount(session.records, _place(driver, options, paths), mount)
    if not mount.volume_id and seen.shown is not None:
        raise ResourceError(
            f"Something is mounted at {mount.target_path}, and nothing tells which volume it is: name its volume_id."
        )
    plan = agreed(plan_unmounted(mount, seen, can))
    if plan.actions and not check:
        data = paths.kubelet_data(name, mount.volume_id, options.node_name or _host())
        await carry_out_unmount(session, plan.actions, mount.target_path, data)
    still = STAGE in can and bool(mount.staging_path) and bool(seen.users)
    values = _values(mount, seen, mounted=check and seen.shown is not None, staged=still)
    return Result(values=values, steps=plan.actions, before=plan.before, after=plan.after, warnings=plan.warnings)


def _bare(volume_id: str, paths: Paths, options: Options) -> Mount:
    """A mount of which only this is known."""
    return Mount(volume_id, paths.target, "" if options.ephemeral else paths.staging)


async def _wanted(driver: Driver, options: Options) -> Wanted:
    can = driver.can.node
    volume = _volume(driver, options)
    block = volume.capability.block
    paths = options.paths(driver.info.name, volume.volume_id, block=block)
    work = _group_work(driver, options, volume)
    capability = volume.capability
    if work is GroupWork.DRIVER:
        capability = msgspec.structs.replace(capability, volume_mount_group=str(options.fs_group))
    staged = STAGE in can and not options.ephemeral
    known = driver.session.records.get(MountRecord, paths.target)
    mount = Mount(
        volume_id=volume.volume_id,
        target_path=paths.target,
        staging_path=paths.staging if staged else "",
        capability=capability,
        read_only=options.read_only,
        volume_context=_context(options, volume, known) | pod_context(options),
        publish_context=await _publish_context(driver, options, volume.volume_id),
    )
    group = None
    if work is GroupWork.OURS and options.fs_group is not None:
        group = Group(options.fs_group, options.fs_group_change_policy == "OnRootMismatch")
    fs_group = None if work is GroupWork.NOBODY else options.fs_group
    return Wanted(MountRecord(mount, fs_group=fs_group), paths, group, volume.record)


def _context(options: Options, volume: Used, known: MountRecord | None) -> dict[str, str]:
    """As it was given, as its volume has it, or as it was mounted with."""
    if options.volume_context is None and volume.record is None and known and known.mount.volume_id == volume.volume_id:
        return {key: value for key, value in known.mount.volume_context.items() if key not in POD_INFO}
    return volume.volume_context


def _volume(driver: Driver, options: Options) -> Used:
    multi_writer = MULTI_WRITER in driver.can.node
    handle = options.ephemeral_handle()
    if not handle:
        return used(options, driver.session, multi_writer=multi_writer)
    return used(msgspec.structs.replace(options, volume_id=handle), driver.session, multi_writer=multi_writer)


def _group_work(driver: Driver, options: Options, volume: Used) -> GroupWork:
    if options.fs_group is None:
        return GroupWork.NOBODY
    if options.fs_group < 0:
        raise OptionError("fs_group: a group has a number from 0 up.")
    return group_work(
        options.fs_group_policy,
        driver.can.node,
        fs_type=volume.capability.fs_type,
        access_modes=() if options.ephemeral else (kubernetes_mode(volume.capability.access_mode),),
        read_only=options.read_only,
        block=volume.capability.block,
    )


async def _publish_context(driver: Driver, options: Options, volume_id: str) -> dict[str, str]:
    """As it was given, or as csi_attachment got it on this machine."""
    if options.publish_context is not None or options.ephemeral:
        return options.publish_context or {}
    node = await driver.session.ask(lambda: seen_of.node_info(driver.session.csi))
    record = driver.session.records.get(AttachmentRecord, attachment_key(volume_id, node.node_id))
    return record.publish_context if record else {}


def _with_size(wanted: Wanted, seen: MountSituation, options: Options) -> Wanted:
    """What it has to grow to: as asked, or as its volume grew; else what it was grown to before."""
    size, volume = bytes_of("size", options.size), wanted.volume
    if not size and volume is not None and volume.node_expansion_required:
        size = volume.volume.capacity_bytes
    known = seen.record.mount if seen.record else None
    before = known.expand_to if known and known.volume_id == wanted.record.mount.volume_id else 0
    mount = msgspec.structs.replace(wanted.record.mount, expand_to=max(size, before))
    return Wanted(msgspec.structs.replace(wanted.record, mount=mount), wanted.paths, wanted.group, volume)


def _place(driver: Driver, options: Options, paths: Paths) -> Place:
    return Place(driver.info.name, options.kubelet_root, paths.target_data)


async def _serves_nodes(driver: Driver) -> bool:
    """A driver without any capability of a node may serve nodes all the same."""
    try:
        await driver.session.ask(driver.session.csi.node_get_capabilities)
    except Unimplemented:
        return False
    return True


def _host() -> str:
    """As the kubelet names a node that nobody named."""
    return platform.node().lower()


def _values(mount: Mount, seen: MountSituation, *, mounted: bool, staged: bool) -> dict[str, object]:
    return {
        "volume_id": mount.volume_id,
        "target_path": mount.target_path,
        "staging_path": mount.staging_path,
        "mounted": mounted,
        "staged": staged,
        "used_at": list(seen.users),
    }
