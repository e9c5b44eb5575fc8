"""What it takes that a volume is at its target, or is there no more. What is somebody else's is refused."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

import msgspec

from kubenode.model.csi import Mount
from kubenode.model.csi_actions import (
    Action,
    CsiPlan,
    ExpandFileSystem,
    GiveToGroup,
    PublishVolume,
    StageVolume,
    UnpublishVolume,
    UnstageVolume,
    size_text,
)
from kubenode.model.csi_records import MountRecord
from kubenode.model.csi_rules import POD_INFO, STAGE, Step, kubernetes_mode, mount_steps
from kubenode.model.csi_situation import MountSituation


def plan_mounted(wanted: MountRecord, seen: MountSituation, can: AbstractSet[str], *, ours: bool) -> CsiPlan:
    """can: the node's capabilities. ours: we, not the driver, give the files to the group.

    A mount without a staging path is not staged, whatever the driver can: that is one that lives with its pod.
    """
    mount, group = wanted.mount, wanted.fs_group if ours else None
    title = f"Volume {mount.volume_id}"
    if seen.shown is None:
        if seen.content:
            return CsiPlan(
                refused=f"{title} is not mounted at {mount.target_path}: there is something in it, which the mount "
                "would hide. Name another target, or move it away."
            )
        fresh = _mounting(mount, can, _why_not_mounted(seen), _grown_to(seen))
        return CsiPlan((*fresh, *_grouped(mount, group, "it is mounted anew")), after=shown_mount(wanted))
    refused = _not_ours(mount, seen)
    if refused or seen.silent:
        return CsiPlan(refused=refused or f"{title} at {mount.target_path} does not answer: see the driver's own log.")
    why = [f"what is there cannot be used: {seen.problem}"] if seen.problem else list(_differences(wanted, seen))
    restage = STAGE in can and bool(mount.staging_path) and (bool(seen.problem) or _staged_otherwise(mount, seen))
    if why and restage and seen.users and not seen.problem:
        return CsiPlan(
            refused=f"{title} cannot be mounted at {mount.target_path} as asked ({'; '.join(why)}): it is also at "
            f"{', '.join(seen.users)}, and all have one staged volume. Unmount these first."
        )
    before = shown_mount(seen.record or _seen_so(wanted, seen))
    if why:
        reason = "; ".join(why)
        again = [*_unmounting(mount, reason, unstage=restage and not seen.users)]
        anew = _mounting(mount, can, reason, _grown_to(seen), staged=not restage)
        steps = (*again, *anew, *_grouped(mount, group, "it is mounted anew"))
        if seen.problem:
            before["problem"] = seen.problem
        return CsiPlan(steps, before, shown_mount(wanted))
    return _kept(wanted, seen, can, group, before)


def _kept(
    wanted: MountRecord, seen: MountSituation, can: AbstractSet[str], group: int | None, before: dict[str, object]
) -> CsiPlan:
    """It is there as wanted; what is in it may have to grow, or to be given to the group."""
    mount, actions = wanted.mount, list[Action]()
    grown_to = _grown_to(seen)
    if Step.EXPAND in mount_steps(mount, can) and mount.expand_to > grown_to:
        why = f"it was grown to {size_text(grown_to)}" if grown_to else "its file system was not grown yet"
        actions.append(ExpandFileSystem(mount, why))
    after = dict(before)
    if actions:
        after["size"] = size_text(mount.expand_to)
    if group is not None and seen.wrong_group:
        actions.append(GiveToGroup(mount.target_path, group, seen.wrong_group))
        before["fs_group"], after["fs_group"] = f"not {group}: {seen.wrong_group}", group
    return CsiPlan(tuple(actions), before, after)


def plan_unmounted(mount: Mount, seen: MountSituation, can: AbstractSet[str]) -> CsiPlan:
    """mount: as the record, or else its user, has it. A target of which nothing tells is left alone."""
    if seen.shown is not None and (refused := _not_ours(mount, seen)):
        return CsiPlan(refused=refused)
    if seen.shown is None and not seen.known:
        return CsiPlan()
    unstage = STAGE in can and bool(mount.staging_path) and not seen.users
    why = "it is mounted" if seen.shown is not None else "it is not mounted, and something is left of it"
    record = seen.record or MountRecord(mount)
    return CsiPlan(tuple(_unmounting(mount, why, unstage=unstage)), before=shown_mount(record))


def shown_mount(record: MountRecord) -> dict[str, object]:
    """In its user's words; what is not said is left out."""
    mount, use = record.mount, record.mount.capability
    told: dict[str, object] = {
        "volume_id": mount.volume_id,
        "target_path": mount.target_path,
        "staging_path": mount.staging_path,
        "access_mode": kubernetes_mode(use.access_mode),
        "volume_mode": "Block" if use.block else "Filesystem",
        "fs_type": use.fs_type,
        "mount_options": list(use.mount_flags),
        "volume_context": mount.volume_context,
        "size": size_text(mount.expand_to) if mount.expand_to else "",
    }
    made = {key: value for key, value in told.items() if value}
    made["read_only"] = mount.read_only
    if record.fs_group is not None:
        made["fs_group"] = record.fs_group
    return made


def _grown_to(seen: MountSituation) -> int:
    """Bytes; 0: not yet."""
    return seen.record.mount.expand_to if seen.record else 0


def _mounting(
    mount: Mount, can: AbstractSet[str], why: str, grown_to: int, *, staged: bool = False
) -> Iterator[Action]:
    """staged: as it is to be; else it is staged, which is the same as nothing where it is so."""
    steps = mount_steps(mount, can)
    if Step.STAGE in steps and mount.staging_path and not staged:
        yield StageVolume(_staged(mount), why)
    yield PublishVolume(mount, why)
    if Step.EXPAND in steps and mount.expand_to > grown_to:
        yield ExpandFileSystem(mount, f"{size_text(mount.expand_to)} are asked for")


def _unmounting(mount: Mount, why: str, *, unstage: bool) -> Iterator[Action]:
    yield UnpublishVolume(mount.volume_id, mount.target_path, why)
    if unstage:
        yield UnstageVolume(mount.volume_id, mount.staging_path, "nothing else on this node uses it")


def _grouped(mount: Mount, group: int | None, why: str) -> tuple[Action, ...]:
    return () if group is None else (GiveToGroup(mount.target_path, group, why),)


def _why_not_mounted(seen: MountSituation) -> str:
    if seen.record is None:
        return "nothing is mounted there"
    return "it was mounted, and is no more" if seen.record.shown.root else "mounting it was begun, and did not end"


def _not_ours(mount: Mount, seen: MountSituation) -> str:
    """Why what is mounted at the target is not this volume, as a sentence; empty where it is."""
    record, shown = seen.record, seen.shown
    assert shown is not None
    what = f"{shown.source} ({shown.filesystem})"
    if record is not None and (not record.shown.root or record.shown == shown):
        if record.mount.volume_id == mount.volume_id:
            return ""
        what = f"volume {record.mount.volume_id}"
    elif seen.handle:
        if seen.handle == mount.volume_id:
            return ""
        what = f"volume {seen.handle}"
    elif seen.from_staging:
        return ""
    return (
        f"Something else is mounted at {mount.target_path}: {what}, not volume {mount.volume_id}. Unmount that first, "
        "or name another target."
    )


def _differences(wanted: MountRecord, seen: MountSituation) -> Iterator[str]:
    """What only another mount changes."""
    mount = wanted.mount
    has_read_only = seen.record.mount.read_only if seen.record else seen.read_only
    if has_read_only != mount.read_only:
        yield f"it is {'read-only' if has_read_only else 'writable'}"
    if seen.record is None:
        return
    has, asked = shown_mount(seen.record), shown_mount(wanted)
    for key in ("access_mode", "volume_mode", "fs_type", "mount_options", "staging_path", "volume_context"):
        if has.get(key) != asked.get(key):
            yield f"{key} is {has.get(key, 'not set')}"
    if seen.record.mount.capability.volume_mount_group != mount.capability.volume_mount_group:
        yield f"its group is {seen.record.mount.capability.volume_mount_group or 'not set'}"


def _staged_otherwise(mount: Mount, seen: MountSituation) -> bool:
    if seen.record is None:
        return False
    has, asked = _staged(seen.record.mount), _staged(mount)
    return (has.capability, has.volume_context) != (asked.capability, asked.volume_context)


def _staged(mount: Mount) -> Mount:
    """As it is staged: without what is told of the pod, as several may use it."""
    context = {key: value for key, value in mount.volume_context.items() if key not in POD_INFO}
    return msgspec.structs.replace(mount, volume_context=context)


def _seen_so(wanted: MountRecord, seen: MountSituation) -> MountRecord:
    """Of a mount without a record only this is known."""
    mount = msgspec.structs.replace(wanted.mount, read_only=seen.read_only, expand_to=0)
    return msgspec.structs.replace(wanted, mount=mount)
