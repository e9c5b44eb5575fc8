"""What a volume needs to be as it is wanted: made, grown, given parameters, deleted. What cannot be is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from kubenode.model.csi import (
    Capabilities,
    ContentSource,
    ListedVolume,
    Topology,
    VolumeCapability,
    WantedVolume,
)
from kubenode.model.csi_actions import (
    Action,
    CreateVolume,
    CsiPlan,
    DeleteVolume,
    ExpandVolume,
    ModifyVolume,
    size_text,
)
from kubenode.model.csi_records import VolumeRecord
from kubenode.model.csi_rules import kubernetes_mode
from kubenode.model.csi_situation import BY_OPTION, VolumeSituation

MAKE = "CREATE_DELETE_VOLUME"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user said: None is not said, and then as it is."""

    wanted: WantedVolume
    volume_id: str = ""
    parameters: Mapping[str, str] | None = None
    mutable_parameters: Mapping[str, str] | None = None

    @property
    def title(self) -> str:
        return self.wanted.name or self.volume_id


def plan_present(asked: Asked, seen: VolumeSituation, can: Capabilities) -> CsiPlan:
    return _creation(asked, seen, can) if seen.there is None else _change(asked, seen, seen.there, can)


def plan_absent(asked: Asked, seen: VolumeSituation) -> CsiPlan:
    record, there = seen.record, seen.there
    if there is None:
        if record is None or record.volume.volume_id:
            return CsiPlan(warnings=_unsure(asked.title, seen, "and is left alone"), certain=_certain(seen))
        begun = DeleteVolume("", asked.title, record.wanted, "its creation was begun, and how that ended is not known")
        return CsiPlan(actions=(begun,), before=shown(record.wanted, record, None))
    volume_id = there.volume.volume_id
    title = titled(asked.wanted.name, volume_id)
    used = [f"attached to {', '.join(there.status.published_node_ids)}"] if there.status.published_node_ids else []
    used += [f"mounted at {', '.join(seen.mounted_at)}"] if seen.mounted_at else []
    if used:
        return CsiPlan(
            refused=f"Volume {title} is {' and '.join(used)}, so it is not deleted. Unmount it (csi_mount) and detach "
            "it (csi_attachment) first."
        )
    before = shown(record.wanted if record else asked.wanted, record, there)
    return CsiPlan(actions=(DeleteVolume(volume_id, title, None, "it is there"),), before=before)


def _creation(asked: Asked, seen: VolumeSituation, can: Capabilities) -> CsiPlan:
    wanted, record = asked.wanted, seen.record
    if seen.identified_by == BY_OPTION:
        return CsiPlan(
            refused=f"The driver has no volume {asked.volume_id}. The driver chooses the ids of volumes: to have one "
            "made give a name, and no volume_id."
        )
    missing = list(_missing(asked, can))
    if missing:
        return CsiPlan(refused=f"Volume {wanted.name} cannot be made by this driver: {'; '.join(missing)}.")
    if record is not None and record.volume.volume_id:
        why = f"this node's record names {record.volume.volume_id}, which the driver has no more"
    elif record is not None:
        why = "its creation was begun, and how that ended is not known"
    else:
        why = "there is none of that name" if _certain(seen) else "no record here tells of one of that name"
    return CsiPlan(
        actions=(CreateVolume(wanted, why),),
        after=shown(wanted, None, None),
        warnings=_unsure(wanted.name, seen, "and then found instead of created") if record is None else (),
        certain=_certain(seen) and record is None,
    )


def _missing(asked: Asked, can: Capabilities) -> Iterator[str]:
    wanted = asked.wanted
    if MAKE not in can.controller:
        yield f"it has no {MAKE}"
        return
    source = wanted.source
    if source is not None and source.volume is not None and "CLONE_VOLUME" not in can.controller:
        yield "it has no CLONE_VOLUME"
    if source is not None and source.snapshot is not None and "CREATE_DELETE_SNAPSHOT" not in can.controller:
        yield "it has no CREATE_DELETE_SNAPSHOT"
    if wanted.mutable_parameters and "MODIFY_VOLUME" not in can.controller:
        yield "it has no MODIFY_VOLUME, which mutable_parameters need"
    if (wanted.requisite or wanted.preferred) and "VOLUME_ACCESSIBILITY_CONSTRAINTS" not in can.plugin:
        yield "it has no VOLUME_ACCESSIBILITY_CONSTRAINTS, so that it takes no topology"


def _change(asked: Asked, seen: VolumeSituation, there: ListedVolume, can: Capabilities) -> CsiPlan:
    title = titled(asked.wanted.name, there.volume.volume_id)
    wrong = list(_differences(asked, seen, there))
    if wrong:
        return CsiPlan(
            refused=f"Volume {title} is there and not as asked: {'; '.join(wrong)}. None of this can be changed: "
            "ask for what it has, use another name, or remove it first."
        )
    actions: list[Action] = []
    refusals: list[str] = []
    for step in (_growth(asked, seen, there, can), _modification(asked, seen, there, can)):
        if isinstance(step, str):
            refusals.append(step)
        elif step is not None:
            actions.append(step)
    if refusals:
        return CsiPlan(refused=f"Volume {title} stays as it is: {'; '.join(refusals)}.")
    unknown = msgspec.structs.replace(asked.wanted, required_bytes=0, parameters={}, mutable_parameters={}, source=None)
    before = shown(seen.record.wanted if seen.record else unknown, seen.record, there)
    after = dict(before)
    for action in actions:
        if isinstance(action, ExpandVolume):
            after["size"] = size_text(action.required_bytes)
        elif isinstance(action, ModifyVolume):
            after["mutable_parameters"] = action.mutable_parameters
    return CsiPlan(tuple(actions), before, after)


def _differences(asked: Asked, seen: VolumeSituation, there: ListedVolume) -> Iterator[str]:
    """What no call can change."""
    wanted, size = asked.wanted, there.volume.capacity_bytes
    if size and wanted.limit_bytes and size > wanted.limit_bytes:
        yield f"it has {size_text(size)}, more than limit_size, and nothing becomes smaller"
    if seen.record is not None and seen.record.made and asked.parameters is not None:
        made = seen.record.wanted.parameters
        for key in sorted(made.keys() | asked.parameters.keys()):
            if made.get(key) != asked.parameters.get(key):
                yield f"the parameter {key} is {_told(made.get(key))}, asked is {_told(asked.parameters.get(key))}"
    known = seen.record is not None and seen.record.made
    source = there.volume.content_source or (seen.record.wanted.source if seen.record and known else None)
    if wanted.source is not None and source != wanted.source and (source is not None or known):
        yield f"its content is {_content(source)}, asked is {_content(wanted.source)}"
    topologies = there.volume.accessible_topology
    if wanted.requisite and topologies and not _reachable(topologies, wanted.requisite):
        yield "it is not accessible from any topology that is asked for"
    if seen.unsupported:
        yield seen.unsupported


def _growth(asked: Asked, seen: VolumeSituation, there: ListedVolume, can: Capabilities) -> ExpandVolume | str | None:
    now, required = there.volume.capacity_bytes, asked.wanted.required_bytes
    if not now and seen.record is not None:
        now = seen.record.wanted.required_bytes
    if not required or (now and now >= required):
        return None
    if "EXPAND_VOLUME" not in can.controller:
        if not now:
            return None
        return f"it has {size_text(now)}, and this driver has no EXPAND_VOLUME in its controller"
    nodes = there.status.published_node_ids
    if nodes and "ONLINE" not in can.plugin and "OFFLINE" in can.plugin:
        return f"this driver grows volumes only while they are detached, and it is attached to {', '.join(nodes)}"
    why = f"it has {size_text(now)}" if now else "the driver does not tell its size"
    volume_id = there.volume.volume_id
    return ExpandVolume(
        volume_id,
        titled(asked.wanted.name, volume_id),
        now,
        required,
        asked.wanted.limit_bytes,
        (seen.record.wanted if seen.record else asked.wanted).capabilities[0],
        why,
    )


def _modification(
    asked: Asked, seen: VolumeSituation, there: ListedVolume, can: Capabilities
) -> ModifyVolume | str | None:
    wanted = dict(asked.mutable_parameters or {})
    has = seen.record.wanted.mutable_parameters if seen.record else {}
    changed = sorted(key for key, value in wanted.items() if has.get(key) != value)
    if not changed:
        return None
    if "MODIFY_VOLUME" not in can.controller:
        return "this driver has no MODIFY_VOLUME, which mutable_parameters need"
    known = "; ".join(f"{key} is {_told(has.get(key))}" for key in changed)
    why = known if seen.record else "which ones it has is not known here"
    volume_id = there.volume.volume_id
    return ModifyVolume(volume_id, titled(asked.wanted.name, volume_id), {**has, **wanted}, why)


def shown(wanted: WantedVolume, record: VolumeRecord | None, there: ListedVolume | None) -> dict[str, object]:
    """A volume in its user's words; what is not said or not known is left out."""
    size = (there.volume.capacity_bytes if there else 0) or wanted.required_bytes
    first = wanted.capabilities[0] if wanted.capabilities else VolumeCapability()
    told: dict[str, object] = {
        "name": wanted.name,
        "volume_id": there.volume.volume_id if there else "",
        "size": size_text(size) if size else "",
        "volume_mode": "Block" if first.block else "Filesystem",
        "access_modes": [kubernetes_mode(one.access_mode) for one in wanted.capabilities],
        "fs_type": first.fs_type,
        "mount_options": list(first.mount_flags),
        "parameters": wanted.parameters,
        "mutable_parameters": record.wanted.mutable_parameters if record else wanted.mutable_parameters,
        "source": _content(wanted.source) if wanted.source else "",
        "topology_requisite": [one.segments for one in wanted.requisite],
        "topology_preferred": [one.segments for one in wanted.preferred],
    }
    return {key: value for key, value in told.items() if value}


def titled(name: str, volume_id: str) -> str:
    return f"{name} ({volume_id})" if name and name != volume_id else volume_id


def _certain(seen: VolumeSituation) -> bool:
    return seen.others is not None and not seen.others


def _unsure(name: str, seen: VolumeSituation, then: str) -> tuple[str, ...]:
    """CSI has no call that finds a volume by its name."""
    if _certain(seen) or not name:
        return ()
    if seen.others is None:
        known = "the driver cannot list its volumes"
    else:
        known = f"the driver has {len(seen.others)} of which none tells"
    sentence = (
        f"Volume {name}: no record on this node tells of it, and {known}. So one of that name may be there already, "
        f"{then}; give its volume_id if it is known."
    )
    return (sentence,)


def _reachable(has: tuple[Topology, ...], wanted: tuple[Topology, ...]) -> bool:
    """Whether one that it has contradicts one that is wanted in no segment."""
    return any(
        all(one.segments.get(key, value) == value for key, value in other.segments.items())
        for one in has
        for other in wanted
    )


def _content(source: ContentSource | None) -> str:
    if source is not None and source.snapshot is not None:
        return f"snapshot {source.snapshot.snapshot_id}"
    if source is not None and source.volume is not None:
        return f"volume {source.volume.volume_id}"
    return "its own"


def _told(value: str | None) -> str:
    return "not set" if value is None else repr(value)
