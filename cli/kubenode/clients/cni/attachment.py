"""One interface of one container, and what a plugin is told about it. Pure.

CNI 1.1, "CNI operations" and "Deriving execution configuration from plugin configuration".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from kubenode.clients.cni.network import NAME, Json, Network, Plugin
from kubenode.clients.errors import InvalidArgument

# With its end, the kernel's IFNAMSIZ of 16.
IFNAME_LENGTH = 15
_IFNAME = re.compile(r"[^/:\s\x00-\x1f\x7f]+")
# Plugins look for iptables and the like; nothing else of our environment is theirs.
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Attachment:
    """An interface.

    netns: path of the network namespace; only DEL does without
    args: CNI_ARGS
    capability_args: what plugins get of the capabilities that they declare, e.g. {"portMappings": […]}
    """

    container_id: str
    ifname: str
    netns: str = ""
    args: tuple[tuple[str, str], ...] = ()
    capability_args: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        return self.container_id, self.ifname


def verify(operation: str, attachment: Attachment) -> None:
    """Raises InvalidArgument for what no plugin would take, or would take for something else."""
    problem = _problem(operation, attachment)
    if problem:
        subject = f"{attachment.container_id} {attachment.ifname}".strip()
        raise InvalidArgument(endpoint="CNI", operation=operation, subject=subject, detail=problem)


def _problem(operation: str, attachment: Attachment) -> str:
    ifname = attachment.ifname
    if not NAME.fullmatch(attachment.container_id):
        return f"{attachment.container_id!r} is no container's id (letters, digits, '_', '.' and '-')"
    if not _IFNAME.fullmatch(ifname) or ifname in (".", ".."):
        return f"{ifname!r} is no interface's name (no blanks, '/' or ':')"
    if len(ifname.encode()) > IFNAME_LENGTH:
        return f"the interface's name {ifname!r} is longer than {IFNAME_LENGTH} bytes"
    if operation != "DEL" and not attachment.netns:
        return "no network namespace was given"
    for key, value in attachment.args:
        if not key or set(";=\0") & set(key) or set(";\0") & set(value):
            return f"the argument {key!r} must be a key and a value without ';', the key without '='"
    return "the network namespace's path has a NUL" if "\0" in attachment.netns else ""


def environment(command: str, path: Sequence[str], attachment: Attachment | None = None) -> dict[str, str]:
    """All that a plugin finds in its environment. `path`: the directories of plugins."""
    variables = {"PATH": _SEARCH_PATH, "CNI_COMMAND": command, "CNI_PATH": ":".join(path)}
    if attachment is not None:
        variables |= {
            "CNI_CONTAINERID": attachment.container_id,
            "CNI_NETNS": attachment.netns,
            "CNI_IFNAME": attachment.ifname,
            "CNI_ARGS": ";".join(f"{key}={value}" for key, value in attachment.args),
        }
    return variables


def request(
    network: Network, plugin: Plugin, attachment: Attachment | None = None, previous: Json | None = None, **more: Any
) -> bytes:
    """What a plugin reads on its input: its own configuration and what is put in."""
    document = {**plugin.configuration, "name": network.name, "cniVersion": network.version, **more}
    if previous is not None:
        document["prevResult"] = previous
    given = attachment.capability_args if attachment else {}
    runtime = {name: given[name] for name in sorted(plugin.capabilities) if name in given}
    if runtime:
        document["runtimeConfig"] = runtime
    return msgspec.json.encode(document)
