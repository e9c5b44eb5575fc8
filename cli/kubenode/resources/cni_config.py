"""A network list in the directory of networks: checked, then written, or taken away."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from kubenode.apply.cni import carry_out
from kubenode.clients.cni.client import Cni
from kubenode.clients.cni.directory import load, read_list
from kubenode.clients.cni.network import Network
from kubenode.model.cni import Problem, Severity, check
from kubenode.model.cni_changes import Attached
from kubenode.observe import cni as observe
from kubenode.plan.cni_config import LIST, ConfigPlan, Wanted, plan_config, refusal, versionless
from kubenode.resources.cni_options import CniOptions, open_cni
from kubenode.resources.options import OptionError
from kubenode.resources.result import ResourceError, Result

# Others may read a network and none may change it: its plugins run as root.
_MODES = re.compile(r"0?6[04][04]|0?4[04][04]")
_FILENAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]*")
_MOST_ORDER = 99
_FORCE = (
    "Detach these first (cni_attachment with state: absent, or remove their pods), or set force: they stay attached."
)


class Options(CniOptions, frozen=True, kw_only=True):
    state: Literal["present", "absent"] = "present"
    name: str = ""
    definition: dict[str, Any] | None = None
    filename: str = ""
    order: int | None = None
    mode: str = "0600"
    fail_on: Literal["error", "warning", "none"] = "error"
    force: bool = False
    backup: bool = False
    backup_path: str = "/var/backups/kubenode/cni"


async def run(options: Options, *, check: bool) -> Result:
    """Raises ResourceError with `problems` where these forbid it, with `attachments` where these do."""
    cni = open_cni(options)
    wanted = _wanted(options)
    plan = _planned(wanted, Path(options.conf_dir))
    values: dict[str, object] = {"path": plan.path}
    problems: list[Problem] = []
    if wanted.document is not None:
        network = _parsed(wanted.document, plan.path)
        values |= {"name": network.name, "version": network.version}
        problems = await _problems(cni, network, plan, options)
        values["problems"] = problems
        _refuse_problems(problems, options, values)
    elif wanted.name:
        values["name"] = wanted.name
    attachments = _used(cni, plan, wanted)
    values["attachments"] = [_told(one) for one in attachments]
    forbidden = refusal(plan, attachments)
    if forbidden and not options.force:
        told = f"To remove it was refused: {forbidden} {_FORCE}"
        raise ResourceError(told, **Result(values=values).returned())
    if not check and (copies := carry_out(plan.actions)):
        values |= {"backup_file": copies[0], "backup_files": copies}
    warnings = [*(str(one) for one in problems), *([f"It was forced: {forbidden}"] if forbidden else [])]
    return Result(values=values, steps=plan.actions, before=plan.before, after=plan.after, warnings=warnings)


def _planned(wanted: Wanted, directory: Path) -> ConfigPlan:
    return plan_config(wanted, str(directory), observe.network_files(directory), is_there=directory.is_dir())


def _wanted(options: Options) -> Wanted:
    """Raises OptionError."""
    if options.filename and not _FILENAME.fullmatch(options.filename):
        raise OptionError(f"filename: {options.filename!r} must be a file's name, without a directory.")
    if options.order is not None and not 0 <= options.order <= _MOST_ORDER:
        raise OptionError(f"order: {options.order} must be from 0 to {_MOST_ORDER}.")
    if not _MODES.fullmatch(options.mode):
        raise OptionError(f"mode: {options.mode!r} cannot be a network's: write '0600', '0640' or '0644', in quotes.")
    backup = _backup_directory(options) if options.backup else ""
    if options.state == "absent":
        name = options.name or str((options.definition or {}).get("name") or "")
        if not name and not options.filename:
            raise OptionError("name: say which network goes: by name, by its definition, or by filename.")
        return Wanted(name=name, filename=options.filename, backup=backup)
    if options.definition is None:
        raise OptionError("definition: a network is needed.")
    if options.filename and (not options.filename.endswith(LIST) or options.order is not None):
        why = "is the whole name, so order cannot be given too" if options.order is not None else f"must end in {LIST}"
        raise OptionError(f"filename: {options.filename!r} {why}.")
    name = options.definition.get("name") or options.name
    if options.name and name != options.name:
        raise OptionError(f"name: {options.name!r} is not the name in the definition, {name!r}.")
    return Wanted(
        name=str(name),
        document={**options.definition, "name": name},
        filename=options.filename,
        order=options.order,
        mode=f"{int(options.mode, 8):04o}",
        backup=backup,
    )


def _backup_directory(options: Options) -> str:
    place = Path(options.backup_path)
    if not place.is_absolute():
        raise OptionError(f"backup_path: {options.backup_path!r} must be an absolute path.")
    if place.resolve().is_relative_to(Path(options.conf_dir).resolve()):
        raise OptionError(f"backup_path: {place} is in the directory of networks: copies belong elsewhere.")
    return str(place)


def _parsed(document: object, path: str) -> Network:
    """As it will be read there. Raises NetworkError."""
    return read_list(msgspec.json.encode(document), Path(path))


async def _problems(cni: Cni, network: Network, plan: ConfigPlan, options: Options) -> list[Problem]:
    """What is wrong with it, beside the networks that are there afterwards."""
    touched = set(plan.before or {})
    beside = [one for one in load(Path(options.conf_dir)).networks if one.file not in touched]
    document = msgspec.json.decode(network.document)
    return [*versionless(document, network.file), *check(network, beside, await cni.binaries(network))]


def _refuse_problems(problems: Sequence[Problem], options: Options, values: Mapping[str, object]) -> None:
    refused = {"error": [Severity.ERROR], "warning": [Severity.ERROR, Severity.WARNING], "none": []}[options.fail_on]
    found = [str(one) for one in problems if one.severity in refused]
    if found:
        raise ResourceError(f"The network was refused: {' '.join(found)}", **Result(values=values).returned())


def _used(cni: Cni, plan: ConfigPlan, wanted: Wanted) -> list[Attached]:
    """The attachments of networks that go, and of the one that is wanted, whose namespaces are there."""
    names = {*plan.lost, wanted.name}
    cached = [observe.attached(one) for one in cni.attachments() if one.network in names]
    there = observe.namespaces(one.netns for one in cached)
    return [one for one in cached if one.netns in there]


def _told(one: Attached) -> dict[str, str]:
    return {"network": one.network, "container_id": one.container_id, "ifname": one.ifname, "netns": one.netns}
