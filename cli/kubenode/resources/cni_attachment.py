"""An interface of a network namespace on a network: attached as it is wanted, or detached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from kubenode.clients.cni.attachment import Attachment, verify
from kubenode.clients.cni.cache import CachedAttachment
from kubenode.clients.cni.client import Cni
from kubenode.clients.cni.directory import load
from kubenode.clients.cni.errors import NetworkError
from kubenode.clients.cni.network import Json, Network
from kubenode.clients.errors import ClientError, DeadlineExceeded, Unimplemented
from kubenode.model.cni_changes import Attach, Attached, Detach
from kubenode.observe import cni as observe
from kubenode.plan.cni_attachment import AttachmentPlan, Link, Seen, differs, plan_absent, plan_present
from kubenode.resources.cni_options import CniOptions, open_cni
from kubenode.resources.options import OptionError
from kubenode.resources.result import ResourceError, Result


class Options(CniOptions, frozen=True, kw_only=True):
    network: str
    container_id: str
    state: Literal["present", "absent"] = "present"
    ifname: str = "eth0"
    netns: str = ""
    pid: int | None = None
    args: dict[str, Any] = msgspec.field(default_factory=dict)
    capability_args: dict[str, Any] = msgspec.field(default_factory=dict)
    verify: Literal["none", "fail", "reattach"] = "none"


async def run(options: Options, *, check: bool) -> Result:
    """Raises ResourceError for what CHECK found wrong, if it is not to be attached anew."""
    cni = open_cni(options)
    attachment = _attachment(options)
    verify("ADD" if options.state == "present" else "DEL", attachment)
    cached = cni.known(options.network, attachment)
    if options.state == "absent":
        plan = plan_absent(observe.attached(cached) if cached else None)
        if plan.actions and not check:
            await cni.delete(options.network, _identity(attachment))
        return Result(values=_identified(options), steps=plan.actions, before=plan.before, after=None)
    return await _present(cni, options, attachment, cached, check=check)


async def _present(
    cni: Cni, options: Options, attachment: Attachment, cached: CachedAttachment | None, *, check: bool
) -> Result:
    network = load(Path(options.conf_dir)).network(options.network)
    _declared(network, attachment)
    seen, warnings = await _seen(attachment, cached, check=check)
    wanted = _wanted(network, attachment)
    checked = False
    if options.verify != "none" and cached and not differs(wanted, seen):
        checked, failure = await _check(cni, network, attachment, warnings)
        if failure and options.verify == "fail":
            told = Result(values={**_values(options, wanted, cached.result), "checked": True}).returned()
            raise ResourceError(str(failure), **told)
        seen = replace(seen, check_failure=str(failure or ""))
    plan = plan_present(wanted, seen)
    result = cached.result if cached and not plan.actions else None
    if plan.actions and not check:
        result = await _carry_out(cni, network, attachment, plan)
        if options.verify != "none":
            checked = await _check_anew(cni, network, attachment, warnings)
    values = {**_values(options, wanted, result), "checked": checked}
    changed = bool(plan.actions)
    before, after = (plan.before, plan.after) if changed else (None, None)
    return Result(values=values, steps=plan.actions, before=before, after=after, warnings=warnings)


def _attachment(options: Options) -> Attachment:
    """Raises OptionError."""
    if options.netns and options.pid is not None:
        raise OptionError("netns: give this or pid, not both.")
    if options.state == "present" and not options.netns and options.pid is None:
        raise OptionError("netns: a network namespace is needed, by this or by pid.")
    if options.pid is not None and options.pid < 1:
        raise OptionError(f"pid: {options.pid} is no process.")
    netns = options.netns
    if options.pid is not None:
        netns = f"/proc/{options.pid}/ns/net"
    elif netns and "/" not in netns:
        netns = str(observe.NAMESPACES / netns)
    elif netns and not netns.startswith("/"):
        raise OptionError(f"netns: {netns!r} must be an absolute path, or the name of a namespace.")
    args = tuple((key, _text(key, value)) for key, value in options.args.items())
    return Attachment(options.container_id, options.ifname, netns, args, options.capability_args)


def _text(key: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise OptionError(f"args.{key}: must be a text or a number.")


def _identity(attachment: Attachment) -> Attachment:
    """All else is as it was when it was attached."""
    return Attachment(attachment.container_id, attachment.ifname)


def _declared(network: Network, attachment: Attachment) -> None:
    """Raises OptionError for what would be dropped without a word."""
    for name in sorted(attachment.capability_args.keys() - network.capabilities):
        there = ", ".join(sorted(network.capabilities)) or "none"
        raise OptionError(
            f"capability_args.{name}: no plugin of network {network.name} ({network.file}) declares this capability, "
            f"so it would have no effect. Declared there: {there}."
        )


def _wanted(network: Network, attachment: Attachment) -> Attached:
    return Attached(
        network=network.name,
        container_id=attachment.container_id,
        ifname=attachment.ifname,
        netns=attachment.netns,
        args=dict(attachment.args),
        capability_args=dict(attachment.capability_args),
        config=msgspec.json.decode(network.document),
    )


async def _seen(attachment: Attachment, cached: CachedAttachment | None, *, check: bool) -> tuple[Seen, list[str]]:
    """What is there of the attachment. Raises NetworkError for a namespace that is not, but for check mode."""
    links = await observe.links(attachment.netns)
    warnings = []
    if links is None:
        gone = NetworkError(attachment.netns, "netns", "there is no such network namespace", "Make it first.")
        if not check:
            raise gone
        warnings.append(f"{gone} The task fails unless another one makes it before.")
    if cached is None:
        return Seen(), warnings
    told = observe.interface(cached)
    found = (links or {}).get(attachment.ifname)
    link = Link(expected=told is not None, mac=str((told or {}).get("mac") or ""), found=found)
    before = observe.attached(cached)
    # The path may have been another name of it, as that of a process which has ended since.
    renamed = not observe.namespaces([before.netns]) and link.recognised
    same = renamed or observe.same_namespace(before.netns, attachment.netns)
    return Seen(cached=before, same_netns=same, link=link), warnings


async def _check(
    cni: Cni, network: Network, attachment: Attachment, warnings: list[str]
) -> tuple[bool, ClientError | None]:
    """Whether CHECK was asked, and what it found wrong."""
    try:
        asked = await cni.check(network, attachment)
    except Unimplemented as error:
        warnings.append(f"It was not checked. {error}")
        return False, None
    except DeadlineExceeded:
        raise
    except ClientError as error:
        return True, error
    if not asked:
        warnings.append(f"It was not checked: network {network.name} says disableCheck.")
    return asked, None


async def _check_anew(cni: Cni, network: Network, attachment: Attachment, warnings: list[str]) -> bool:
    """Raises what CHECK finds wrong with what was just attached: another time would not help."""
    checked, failure = await _check(cni, network, attachment, warnings)
    if failure:
        raise failure
    return checked


async def _carry_out(cni: Cni, network: Network, attachment: Attachment, plan: AttachmentPlan) -> Json:
    result: Json = {}
    for action in plan.actions:
        match action:
            case Detach():
                await cni.delete(network.name, _identity(attachment), network)
            case Attach():
                result = await cni.add(network, attachment)
    return result


def _identified(options: Options) -> dict[str, object]:
    return {"network": options.network, "container_id": options.container_id, "ifname": options.ifname}


def _values(options: Options, wanted: Attached, result: Mapping[str, Any] | None) -> dict[str, object]:
    values: dict[str, object] = {**_identified(options), "netns": wanted.netns}
    if result is not None:
        given = [one.get("address") for one in result.get("ips") or [] if isinstance(one, dict)]
        values |= {"result": result, "ips": [one for one in given if isinstance(one, str)]}
    return values
