"""What is wrong with a node's networks: rules over networks and plugins that somebody else has read.

The rules are CNI 1.1's and those of the reference plugins host-local and portmap.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any, Protocol

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
# The well-known ones; a plugin may have others.
CAPABILITIES = frozenset(
    "portMappings ipRanges bandwidth dns ips mac infinibandGUID deviceID aliases cgroupPath".split()
)
# What each is for, and what does not work when it is not declared.
_WITHOUT = {"portmap": ("portMappings", "ports of pods are not mapped"), "bandwidth": ("bandwidth", "no limits apply")}


class PluginView(Protocol):
    """A plugin of a network: its type, its whole configuration, the capabilities that it declares."""

    @property
    def type(self) -> str: ...
    @property
    def configuration(self) -> Mapping[str, Any]: ...
    @property
    def capabilities(self) -> frozenset[str]: ...


class NetworkView(Protocol):
    """A network, its file and its version."""

    @property
    def name(self) -> str: ...
    @property
    def file(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def plugins(self) -> Sequence[PluginView]: ...


class BinaryView(Protocol):
    """An installed plugin: the versions that it supports, or why it cannot be used."""

    @property
    def type(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def versions(self) -> Sequence[str]: ...
    @property
    def problem(self) -> str: ...


class Severity(StrEnum):
    """ERROR: attaching fails, or two containers get one address. WARNING: something else may not work."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. field: a JSON path in the file; str() is a sentence with what to do."""

    severity: Severity
    file: str
    field: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.field}: {self.message}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class AddressRange:
    """Addresses that host-local gives out, first and last included, of a subnet; but never its gateway's."""

    network: str
    file: str
    field: str
    subnet: IpNetwork
    first: int
    last: int
    gateway: int

    def overlaps(self, other: AddressRange) -> bool:
        """Whether one address can come out of both."""
        same = self.subnet.version == other.subnet.version
        return same and self.first <= other.last and other.first <= self.last


def check(
    network: NetworkView, others: Iterable[NetworkView] = (), binaries: Iterable[BinaryView] = ()
) -> list[Problem]:
    """All that is wrong with a network, beside the others of its directory, with the plugins that are installed.

    Without binaries nothing is said about these.
    """
    beside = [other for other in others if other.file != network.file]
    own, wrong = _ranges(network)
    return [
        *_names(network, beside),
        *_installed(network, {binary.type: binary for binary in binaries}),
        *_capabilities(network),
        *wrong,
        *_within(own),
        *_between(own, [one for other in beside for one in _ranges(other)[0]]),
    ]


def address_ranges(network: NetworkView) -> list[AddressRange]:
    """The ranges of a network's host-local plugins that can be read."""
    return _ranges(network)[0]


def _names(network: NetworkView, beside: Iterable[NetworkView]) -> Iterator[Problem]:
    for other in beside:
        if other.name == network.name:
            message = f"the name {network.name!r} is also that of {other.file}, and only one of them is used"
            yield Problem(Severity.ERROR, network.file, "$.name", message, "Rename one, or remove it.")


def _installed(network: NetworkView, binaries: Mapping[str, BinaryView]) -> Iterator[Problem]:
    for field, kind in _needed(network):
        binary = binaries.get(kind)
        if binary is None:
            continue
        if binary.problem:
            yield Problem(Severity.ERROR, network.file, field, f"{kind} cannot be used", binary.problem)
        elif network.version not in binary.versions:
            message = f"{binary.path} does not support {network.version}, only {', '.join(binary.versions)}"
            remedy = "Use a cniVersion that all plugins support, or install newer plugins."
            yield Problem(Severity.ERROR, network.file, field, message, remedy)


def _needed(network: NetworkView) -> Iterator[tuple[str, str]]:
    """The path and name of each plugin, those for addresses included."""
    for index, plugin in enumerate(network.plugins):
        yield f"$.plugins[{index}].type", plugin.type
        ipam = plugin.configuration.get("ipam")
        if isinstance(ipam, dict) and isinstance(ipam.get("type"), str) and ipam["type"]:
            yield f"$.plugins[{index}].ipam.type", ipam["type"]


def _capabilities(network: NetworkView) -> Iterator[Problem]:
    for index, plugin in enumerate(network.plugins):
        field = f"$.plugins[{index}].capabilities"
        for name in sorted(plugin.capabilities - CAPABILITIES):
            message = f"{name!r} is no well-known capability"
            remedy = f"Check its spelling, if {plugin.type} does not define it: {', '.join(sorted(CAPABILITIES))}."
            yield Problem(Severity.WARNING, network.file, f"{field}.{name}", message, remedy)
        name, effect = _WITHOUT.get(plugin.type, ("", ""))
        if name and name not in plugin.capabilities and "runtimeConfig" not in plugin.configuration:
            message = f"{plugin.type} does not declare {name}, so {effect}"
            yield Problem(Severity.WARNING, network.file, field, message, f'Add {{"{name}": true}}.')


def _within(ranges: Sequence[AddressRange]) -> Iterator[Problem]:
    for one, other in combinations(ranges, 2):
        if one.overlaps(other):
            message = f"{one.subnet} has addresses that {other.field} has too"
            yield Problem(Severity.ERROR, one.file, one.field, message, "Give each range addresses of its own.")


def _between(own: Iterable[AddressRange], others: Sequence[AddressRange]) -> Iterator[Problem]:
    for one in own:
        for other in others:
            if one.subnet.version != other.subnet.version or not one.subnet.overlaps(other.subnet):
                continue
            whose = f"{other.subnet} of network {other.network} ({other.file}, {other.field})"
            if one.overlaps(other):
                message, severity = f"{one.subnet} gives out addresses that {whose} gives out too", Severity.ERROR
            else:
                message, severity = f"{one.subnet} overlaps {whose}, without a common address", Severity.WARNING
            yield Problem(severity, one.file, one.field, message, "Use another subnet for one of the networks.")


def _ranges(network: NetworkView) -> tuple[list[AddressRange], list[Problem]]:
    """The ranges that can be read, and what is wrong with the others."""
    ranges, problems = [], []
    for field, value in _range_values(network):
        try:
            ranges.append(_range(network, field, value))
        except ValueError as error:
            remedy = "Correct it: host-local refuses it."
            problems.append(Problem(Severity.ERROR, network.file, field, str(error), remedy))
    return ranges, problems


def _range_values(network: NetworkView) -> Iterator[tuple[str, object]]:
    for index, plugin in enumerate(network.plugins):
        ipam = plugin.configuration.get("ipam")
        if not isinstance(ipam, dict) or ipam.get("type") != "host-local":
            continue
        path = f"$.plugins[{index}].ipam"
        if "subnet" in ipam:
            yield path, ipam
        sets = ipam.get("ranges") or []
        for outer, one in enumerate(sets if isinstance(sets, list) else [sets]):
            for inner, value in enumerate(one if isinstance(one, list) else [one]):
                yield f"{path}.ranges[{outer}][{inner}]", value


def _range(network: NetworkView, field: str, value: object) -> AddressRange:
    """Raises ValueError that says what is wrong."""
    if not isinstance(value, dict):
        raise ValueError("a range must be an object with a subnet")
    subnet = _subnet(value.get("subnet"))
    lowest, highest = int(subnet.network_address), int(subnet.broadcast_address)
    first = _bound(value, "rangeStart", subnet, lowest)
    last = _bound(value, "rangeEnd", subnet, highest)
    if not lowest <= first <= last <= highest:
        raise ValueError(f"rangeStart and rangeEnd must be addresses of {subnet}, in this order")
    gateway = _bound(value, "gateway", subnet, lowest + 1)
    return AddressRange(network.name, network.file, field, subnet, first, last, gateway)


def _subnet(value: object) -> IpNetwork:
    if not isinstance(value, str) or "/" not in value:
        raise ValueError(f"the subnet {value!r} must be a text such as 10.88.0.0/16")
    try:
        subnet = ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(f"{value!r} is no subnet such as 10.88.0.0/16, without host bits") from None
    if subnet.prefixlen > subnet.max_prefixlen - 2:
        raise ValueError(f"the subnet {value} is too small: it has no address besides its gateway")
    return subnet


def _bound(value: Mapping[str, Any], key: str, subnet: IpNetwork, default: int) -> int:
    text = value.get(key)
    if text is None or text == "":
        return default
    try:
        address = ipaddress.ip_address(str(text))
    except ValueError:
        raise ValueError(f"{key} {text!r} is no address") from None
    if address.version != subnet.version:
        raise ValueError(f"{key} {text} is no address of {subnet}")
    return int(address)
