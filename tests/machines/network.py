"""The network of a fleet: a bridge, a private subnet that collides with nothing, and NAT out of it."""

import hashlib
import json
import re
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path

from machines.host import MachineError, run, succeeds, write_whole
from machines.state import STATE, Fleet

CANDIDATES = IPv4Network("10.214.0.0/16")
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
FORWARDING_BEFORE = STATE / "ip_forward"  # what the host had before the first fleet came


def bridge_name(name: str) -> str:
    """The name of a fleet's bridge: short enough for an interface, whatever the fleet is called."""
    return f"kn-{_digest(name)[:8]}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def choose_subnet(taken: Iterable[IPv4Network]) -> IPv4Network:
    """The first /24 that overlaps nothing taken; raises MachineError when none is left."""
    networks = list(taken)
    for candidate in CANDIDATES.subnets(new_prefix=24):
        if not any(candidate.overlaps(network) for network in networks):
            return candidate
    raise MachineError(f"every /24 of {CANDIDATES} overlaps a route of this host; choose one with --subnet")


def taken_subnets(fleets: Iterable[Fleet]) -> list[IPv4Network]:
    """What a new subnet may not overlap: the host's routes, its name servers and the other fleets."""
    routes = json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]))
    found = [IPv4Network(route["dst"], strict=False) for route in routes if route["dst"] != "default"]
    found += [IPv4Network(server) for server in name_servers() if ":" not in server]
    return found + [IPv4Network(fleet.subnet) for fleet in fleets]


def resolv_conf() -> str:
    """The host's resolv.conf, as far as it works from elsewhere: the one behind a resolver on the loopback."""
    for path in (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")):
        text = path.read_text() if path.is_file() else ""
        if any(not server.startswith("127.") and server != "::1" for server in _name_servers(text)):
            return text
    raise MachineError("no name server in /etc/resolv.conf can be reached from a machine: they are all on the loopback")


def name_servers() -> list[str]:
    """The addresses of the name servers that the machines get."""
    return _name_servers(resolv_conf())


def _name_servers(text: str) -> list[str]:
    return re.findall(r"^nameserver\s+([0-9a-fA-F:.]+)", text, re.MULTILINE)


def ensure(fleet: Fleet) -> None:
    """Makes what is missing of the bridge, the forwarding and the NAT."""
    link = ["ip", "link"]
    if not _exists(fleet.bridge):
        # Without an address of its own a bridge takes one from its ports, another as they come and go.
        run([*link, "add", fleet.bridge, "address", f"02:{_colons(_digest(fleet.name)[:10])}", "type", "bridge"])
    prefix = IPv4Network(fleet.subnet).prefixlen
    run(["ip", "address", "replace", f"{fleet.gateway}/{prefix}", "dev", fleet.bridge])
    run([*link, "set", fleet.bridge, "up"])
    if not FORWARDING_BEFORE.exists():
        write_whole(FORWARDING_BEFORE, FORWARDING.read_text())
    FORWARDING.write_text("1")
    for rule in _rules(fleet):
        if not succeeds(_iptables("-C", rule)):
            run(_iptables("-I", rule))


def remove(fleet: Fleet, others: Iterable[Fleet]) -> None:
    """Removes what ensure() made, and forwarding with the last fleet."""
    for rule in _rules(fleet):
        while succeeds(_iptables("-C", rule)):
            run(_iptables("-D", rule))
    if _exists(fleet.bridge):
        run(["ip", "link", "delete", fleet.bridge])
    if not any(others) and FORWARDING_BEFORE.exists():
        FORWARDING.write_text(FORWARDING_BEFORE.read_text())
        FORWARDING_BEFORE.unlink()


def check_free(bridge: str) -> None:
    """Raises MachineError when the host already has an interface of this name, which cannot be ours."""
    if _exists(bridge):
        raise MachineError(f"an interface {bridge} is there that no fleet owns; remove it: ip link delete {bridge}")


def _exists(bridge: str) -> bool:
    return Path(f"/sys/class/net/{bridge}").exists()


def _colons(digits: str) -> str:
    return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))


def _rules(fleet: Fleet) -> list[list[str]]:
    """Table, chain and match of each rule; the comment marks it as the fleet's."""
    comment = ["-m", "comment", "--comment", f"kubenode-machines {fleet.name}"]
    answers = ["-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED"]
    masquerade = ["-s", fleet.subnet, "!", "-d", fleet.subnet]
    return [
        ["nat", "POSTROUTING", *masquerade, *comment, "-j", "MASQUERADE"],
        ["filter", "FORWARD", "-o", fleet.bridge, *answers, *comment, "-j", "ACCEPT"],
        ["filter", "FORWARD", "-i", fleet.bridge, *comment, "-j", "ACCEPT"],
    ]


def _iptables(operation: str, rule: list[str]) -> list[str]:
    table, *rest = rule
    return ["iptables", "-w", "-t", table, operation, *rest]
