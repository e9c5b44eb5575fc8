"""A volume attached to a node, as a controller does it, or detached."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kubenode.apply.csi_volume_plans import attach, carry_out_attachment
from kubenode.clients.errors import Unimplemented
from kubenode.model.csi import Attachment
from kubenode.model.csi_actions import AttachVolume, CsiPlan, DetachVolume
from kubenode.model.csi_records import AttachmentRecord
from kubenode.model.csi_rules import ATTACH
from kubenode.model.csi_situation import RECORD, AttachmentSituation
from kubenode.observe import csi as seen_of
from kubenode.observe.csi_volumes import look_at_attachment, recorded_volume
from kubenode.plan.csi_attachments import plan_attached, plan_detached
from kubenode.resources.csi_options import MULTI_WRITER, Driver, UseOptions, agreed, open_driver, used
from kubenode.resources.options import OptionError
from kubenode.resources.result import Result


class Options(UseOptions, frozen=True, kw_only=True):
    state: str = "attached"
    node_id: str = ""
    all_nodes: bool = False
    read_only: bool = False
    secrets: Mapping[str, str] = msgspec.field(default_factory=dict)


async def run(options: Options, *, check: bool) -> Result:
    attached = options.state == "attached"
    if options.all_nodes and (attached or options.node_id):
        raise OptionError("all_nodes: a volume is detached from all nodes; then no node_id is named.")
    async with open_driver(options) as driver:
        here = await _here(driver)
        if not attached and not options.volume_id and not recorded_volume(driver.session, options.name, ""):
            return _nothing_known(options, driver, here)
        wanted = _wanted(options, driver, here)
        seen = await look_at_attachment(driver.session, driver.can, wanted)
        if attached:
            plan = agreed(plan_attached(wanted, seen, driver.can))
        else:
            plan = agreed(plan_detached(wanted.volume_id, wanted.node_id, seen, driver.can, here))
        record = seen.record if seen.attached else None
        if not check:
            record = await _carried_out(driver, wanted, plan, seen, options)
        return _told(driver, wanted, plan, seen, record)


def _nothing_known(options: Options, driver: Driver, here: str) -> Result:
    """Of a volume that was deleted nothing is left to be detached."""
    wanted = Attachment(volume_id=options.volume_id, node_id=options.node_id or here)
    plan = CsiPlan(warnings=(f"No record on this node tells of a volume {options.name}: nothing is detached.",))
    return _told(driver, wanted, plan, AttachmentSituation(), None)


async def _here(driver: Driver) -> str:
    try:
        return (await driver.session.ask(lambda: seen_of.node_info(driver.session.csi))).node_id
    except Unimplemented:
        return ""


def _wanted(options: Options, driver: Driver, here: str) -> Attachment:
    volume = used(options, driver.session, multi_writer=MULTI_WRITER in driver.can.controller)
    node_id = "" if options.all_nodes else options.node_id or here
    if not node_id and not options.all_nodes:
        raise OptionError("node_id: no node is served at this endpoint that could tell its id: name it.")
    return Attachment(
        volume_id=volume.volume_id,
        node_id=node_id,
        capability=volume.capability,
        read_only=options.read_only,
        volume_context=volume.volume_context,
    )


async def _carried_out(
    driver: Driver, wanted: Attachment, plan: CsiPlan, seen: AttachmentSituation, options: Options
) -> AttachmentRecord | None:
    """What is attached afterwards."""
    session = driver.session
    for action in plan.actions:
        assert isinstance(action, AttachVolume | DetachVolume)
        return await carry_out_attachment(session, action, options.secrets)
    if options.state != "attached" or ATTACH not in driver.can.controller:
        return None
    # The context is told by this call alone; and a driver that does not tell what is attached sees to it once more.
    if seen.record is None or not seen.record.attached or seen.verified_by == RECORD:
        return await attach(session, wanted, options.secrets)
    return seen.record


def _told(
    driver: Driver, wanted: Attachment, plan: CsiPlan, seen: AttachmentSituation, record: AttachmentRecord | None
) -> Result:
    values: dict[str, object] = {
        "volume_id": wanted.volume_id,
        "node_id": wanted.node_id,
        "attach_required": ATTACH in driver.can.controller,
        "verified_by": seen.verified_by,
        "certain": plan.certain,
    }
    if record is not None:
        values["publish_context"] = record.publish_context
    elif ATTACH not in driver.can.controller:
        values["publish_context"] = {}
    return Result(values=values, steps=plan.actions, before=plan.before, after=plan.after, warnings=plan.warnings)
