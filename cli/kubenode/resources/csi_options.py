"""The options that all modules for storage drivers share, and the way to a driver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from kubenode.clients.csi import CsiClient
from kubenode.clients.csi_errors import retrying
from kubenode.clients.csi_records import Records
from kubenode.clients.csi_session import CsiSession
from kubenode.model.csi import Capabilities, PluginInfo, VolumeCapability
from kubenode.model.csi_actions import CsiPlan
from kubenode.model.csi_records import VolumeRecord
from kubenode.model.csi_rules import access_mode, kubernetes_mode
from kubenode.model.quantity import whole
from kubenode.observe import csi as seen
from kubenode.observe.csi_drivers import find_driver
from kubenode.observe.csi_volumes import recorded_volume
from kubenode.resources.options import OptionError, Options
from kubenode.resources.result import ResourceError

STATE_DIRECTORY = "/var/lib/kubenode/csi"
MULTI_WRITER = "SINGLE_NODE_MULTI_WRITER"
LARGEST = (1 << 63) - 1


class CsiOptions(Options, frozen=True, kw_only=True):
    """How a driver is reached. Seconds: `timeout` of one call, `retry_timeout` of all tries of one."""

    endpoint: str = ""
    driver: str = ""
    kubelet_root: str = "/var/lib/kubelet"
    state_directory: str = STATE_DIRECTORY
    timeout: int = 120
    retry_timeout: int = 60


class UseOptions(CsiOptions, frozen=True, kw_only=True):
    """A volume, and how it is used; what is not said is as it was made on this node."""

    name: str = ""
    volume_id: str = ""
    access_mode: str = ""
    volume_mode: str = ""
    fs_type: str | None = None
    mount_options: tuple[str, ...] | None = None
    volume_context: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Driver:
    """One that answered, and what it can."""

    session: CsiSession
    info: PluginInfo
    can: Capabilities


@asynccontextmanager
async def open_driver(options: CsiOptions) -> AsyncIterator[Driver]:
    """The driver, ready. Where nobody listens that is an error at once; what is not ready yet is waited for."""
    endpoint = options.endpoint
    if not endpoint and not options.driver:
        raise OptionError("endpoint: name the driver's socket, or the driver.")
    if not endpoint:
        endpoint = await find_driver(Path(options.kubelet_root), options.driver)
    async with CsiClient(endpoint, request_timeout=options.timeout) as csi:
        info = await seen.plugin_info(csi)
        if options.driver and info.name != options.driver:
            raise ResourceError(f"The driver at {csi.endpoint} is {info.name}, not {options.driver}: name another.")
        await seen.wait_ready(csi, within=options.retry_timeout)
        can = await retrying(lambda: seen.capabilities(csi), within=options.retry_timeout)
        records = Records(Path(options.state_directory), info.name)
        yield Driver(CsiSession(csi, records, options.retry_timeout), info, can)


def bytes_of(name: str, text: str) -> int:
    """A size as the option `name` has it; 0 for none. Raises OptionError."""
    if not text:
        return 0
    try:
        number = whole(text)
    except ValueError as error:
        raise OptionError(f"{name}: {error}.") from None
    if not 0 < number <= LARGEST:
        raise OptionError(f"{name}: {text} is no size of a volume.")
    return number


def uses(
    access_modes: Sequence[str], *, block: bool, fs_type: str, mount_options: Sequence[str], multi_writer: bool
) -> tuple[VolumeCapability, ...]:
    """A capability for each access mode. multi_writer: the service that is asked has SINGLE_NODE_MULTI_WRITER."""
    if block and (fs_type or mount_options):
        raise OptionError("volume_mode: a block volume has no fs_type and no mount_options.")
    return tuple(
        VolumeCapability(
            access_mode=access_mode(mode, multi_writer=multi_writer),
            block=block,
            fs_type=fs_type,
            mount_flags=tuple(mount_options),
        )
        for mode in access_modes
    )


def volume_id_of(records: Records, name: str) -> str:
    """The id of the volume that a record here has under that name, or else the word itself, which is an id then."""
    record = records.get(VolumeRecord, name)
    return (record.volume.volume_id if record else "") or name


@dataclass(frozen=True, slots=True)
class Used:
    """The volume of UseOptions, with what is known of it."""

    volume_id: str
    record: VolumeRecord | None
    capability: VolumeCapability
    volume_context: dict[str, str]


def used(options: UseOptions, session: CsiSession, *, multi_writer: bool) -> Used:
    """Raises OptionError where the volume is not known."""
    record = recorded_volume(session, options.name, options.volume_id)
    volume_id = options.volume_id or (record.volume.volume_id if record else "")
    if not volume_id:
        raise OptionError(
            f"name: no record on this node tells of a volume {options.name}: name the volume_id."
            if options.name
            else "name: say which volume, by its name or by its volume_id."
        )
    made = record.wanted.capabilities[0] if record and record.wanted.capabilities else VolumeCapability()
    block = options.volume_mode == "Block" if options.volume_mode else made.block
    (capability,) = uses(
        [options.access_mode or kubernetes_mode(made.access_mode)],
        block=block,
        fs_type=made.fs_type if options.fs_type is None and not block else options.fs_type or "",
        mount_options=made.mount_flags if options.mount_options is None and not block else options.mount_options or (),
        multi_writer=multi_writer,
    )
    context = options.volume_context
    if context is None:
        context = record.volume.volume_context if record else {}
    return Used(volume_id, record, capability, context)


def agreed(plan: CsiPlan) -> CsiPlan:
    """The plan, where there is one. Raises ResourceError with the reason of a refusal."""
    if plan.refused:
        raise ResourceError(plan.refused)
    return plan
