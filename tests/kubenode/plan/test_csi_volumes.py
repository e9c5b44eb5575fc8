"""What a volume needs to be as it is wanted: exactly these actions, or a refusal that says why."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from kubenode.model.csi import (
    Capabilities,
    ContentSource,
    ListedVolume,
    Topology,
    Volume,
    VolumeCapability,
    VolumeSource,
    VolumeStatus,
    WantedVolume,
)
from kubenode.model.csi_records import VolumeRecord
from kubenode.model.csi_situation import BY_OPTION, BY_RECORD, VolumeSituation
from kubenode.plan.csi_volumes import Asked, plan_absent, plan_present

GIB = 1 << 30
ALL = Capabilities(
    plugin=frozenset({"CONTROLLER_SERVICE", "ONLINE", "VOLUME_ACCESSIBILITY_CONSTRAINTS"}),
    controller=frozenset({"CREATE_DELETE_VOLUME", "EXPAND_VOLUME", "MODIFY_VOLUME", "CLONE_VOLUME"}),
)
BARE = Capabilities(controller=frozenset({"CREATE_DELETE_VOLUME"}))
CLONE = ContentSource(volume=VolumeSource("v0"))
MADE = WantedVolume("data", required_bytes=GIB, parameters={"kind": "fast"}, mutable_parameters={"iops": "1"})
RECORD = VolumeRecord(MADE, Volume("v1", GIB), made=True)
BEGUN = VolumeRecord(MADE)


def asked(**fields: Any) -> Asked:
    wanted = WantedVolume("data", **{"required_bytes": GIB, **fields})
    parameters = wanted.parameters or None
    return Asked(wanted, parameters=parameters, mutable_parameters=wanted.mutable_parameters or None)


def there(size: int = GIB, *, record: VolumeRecord | None = RECORD, **fields: Any) -> VolumeSituation:
    nodes = fields.pop("nodes", ())
    topology = fields.pop("topology", ())
    listed = ListedVolume(Volume("v1", size, accessible_topology=topology), VolumeStatus(nodes))
    return VolumeSituation(record, listed, BY_RECORD, "ControllerGetVolume", **fields)


@pytest.mark.parametrize(
    ("wanted", "seen", "can", "verbs"),
    [
        pytest.param(asked(), there(), ALL, [], id="as it is"),
        pytest.param(asked(required_bytes=GIB // 2), there(), ALL, [], id="it has more"),
        pytest.param(asked(required_bytes=0), there(0), ALL, [], id="no size is asked for"),
        pytest.param(asked(), there(0), ALL, [], id="the driver tells no size and the record does"),
        pytest.param(
            asked(required_bytes=2 * GIB), there(0), ALL, ["grow volume data (v1) from 1Gi to 2Gi"], id="grow by record"
        ),
        pytest.param(asked(), there(0, record=None), ALL, ["grow volume data (v1) to 1Gi"], id="no size is known"),
        pytest.param(asked(), there(0, record=None), BARE, [], id="no size is known, and nothing grows"),
        pytest.param(
            asked(required_bytes=2 * GIB, mutable_parameters={"iops": "2"}),
            there(nodes=("a",)),
            ALL,
            ["grow volume data (v1) from 1Gi to 2Gi", "give volume data (v1) the parameters iops=2"],
            id="grow and change",
        ),
        pytest.param(asked(parameters={"kind": "fast"}, mutable_parameters={"iops": "1"}), there(), ALL, [], id="same"),
        pytest.param(
            asked(parameters={"kind": "x"}), there(record=replace(RECORD, made=False)), ALL, [], id="not ours"
        ),
        pytest.param(asked(), VolumeSituation(), BARE, ["create volume data of 1Gi"], id="new"),
        pytest.param(asked(), VolumeSituation(BEGUN), BARE, ["create volume data of 1Gi"], id="begun"),
        pytest.param(
            asked(requisite=(Topology({"zone": "a"}),)),
            there(topology=(Topology({"zone": "a", "rack": "1"}),)),
            ALL,
            [],
        ),
    ],
)
def test_what_is_done(wanted: Asked, seen: VolumeSituation, can: Capabilities, verbs: list[str]) -> None:
    plan = plan_present(wanted, seen, can)
    assert plan.refused == ""
    assert [action.verb for action in plan.actions] == verbs
    assert (plan.before == plan.after) == (not verbs)


@pytest.mark.parametrize(
    ("wanted", "seen", "can", "why"),
    [
        (asked(parameters={"kind": "slow"}), there(), ALL, "parameter kind is 'fast', asked is 'slow'"),
        (asked(limit_bytes=GIB), there(2 * GIB), ALL, "2Gi, more than limit_size"),
        (asked(source=CLONE), there(), ALL, "its content is its own, asked is volume v0"),
        (asked(), there(unsupported="not for this access"), ALL, "not for this access"),
        (asked(requisite=(Topology({"zone": "b"}),)), there(topology=(Topology({"zone": "a"}),)), ALL, "topology"),
        (asked(required_bytes=2 * GIB), there(), BARE, "no EXPAND_VOLUME"),
        (asked(mutable_parameters={"iops": "2"}), there(), BARE, "no MODIFY_VOLUME"),
        (
            asked(required_bytes=2 * GIB),
            there(nodes=("a",)),
            replace(ALL, plugin=frozenset({"OFFLINE"})),
            "only while they are detached, and it is attached to a",
        ),
        (asked(source=CLONE), VolumeSituation(), BARE, "no CLONE_VOLUME"),
        (asked(mutable_parameters={"iops": "1"}), VolumeSituation(), BARE, "no MODIFY_VOLUME"),
        (asked(preferred=(Topology({"zone": "a"}),)), VolumeSituation(), BARE, "takes no topology"),
        (asked(), VolumeSituation(), Capabilities(), "no CREATE_DELETE_VOLUME"),
        (asked(), VolumeSituation(identified_by=BY_OPTION), ALL, "give a name, and no volume_id"),
    ],
)
def test_what_cannot_be_is_refused(wanted: Asked, seen: VolumeSituation, can: Capabilities, why: str) -> None:
    plan = plan_present(wanted, seen, can)
    assert why in plan.refused
    assert plan.actions == ()


def test_one_change_is_one_line_of_the_difference() -> None:
    plan = plan_present(asked(required_bytes=2 * GIB), there(), ALL)
    assert isinstance(plan.before, dict)
    assert isinstance(plan.after, dict)
    assert {key for key in plan.after if plan.after[key] != plan.before.get(key)} == {"size"}
    assert (plan.before["size"], plan.after["size"]) == ("1Gi", "2Gi")


@pytest.mark.parametrize(
    ("others", "certain", "warning"),
    [((), True, ""), (("v7",), False, "has 1 of which none tells"), (None, False, "cannot list its volumes")],
)
def test_what_cannot_be_known_is_said(others: tuple[str, ...] | None, certain: bool, warning: str) -> None:
    seen = VolumeSituation(others=others)
    for plan in (plan_present(asked(), seen, BARE), plan_absent(asked(), seen)):
        assert plan.certain == certain
        assert [warning in one for one in plan.warnings] == [True] * (not certain)


@pytest.mark.parametrize(
    ("seen", "verbs"),
    [
        (VolumeSituation(), []),
        (VolumeSituation(RECORD), []),
        (VolumeSituation(BEGUN), ["delete volume data"]),
        (there(), ["delete volume data (v1)"]),
    ],
)
def test_what_is_deleted(seen: VolumeSituation, verbs: list[str]) -> None:
    plan = plan_absent(asked(), seen)
    assert [action.verb for action in plan.actions] == verbs
    assert (plan.before is None) == (not verbs)


def test_what_is_used_is_not_deleted() -> None:
    seen = there(nodes=("a", "b"), mounted_at=("/srv",))
    assert "attached to a, b and mounted at /srv" in plan_absent(asked(), seen).refused


def test_a_capability_is_told_in_kubernetes_words() -> None:
    use = VolumeCapability("SINGLE_NODE_SINGLE_WRITER", block=True)
    plan = plan_present(asked(capabilities=(use,)), VolumeSituation(), BARE)
    assert isinstance(plan.after, dict)
    assert (plan.after["access_modes"], plan.after["volume_mode"]) == (["ReadWriteOncePod"], "Block")
