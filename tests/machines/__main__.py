"""The command line: `python3 -m machines` with the directory above on the path, or `python3 tests/machines`."""

import argparse
import sys
from ipaddress import IPv4Network
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from machines import base, fleet, ssh, state
from machines.host import MachineError, packages, require_host, say

MAX_COUNT = 100


def main() -> int:
    """Runs one command; the exit status is 1 when it could not be done."""
    options, words = _split(sys.argv[1:])
    arguments = _parser().parse_args(options)
    if arguments.command == "packages":
        say(" ".join(packages()))
        return 0
    try:
        require_host()
        _run(arguments, words)
    except (MachineError, OSError) as error:
        print(f"machines: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("machines: interrupted; run it again, or take the machines down", file=sys.stderr)
        return 130
    return 0


def _run(arguments: argparse.Namespace, words: list[str]) -> None:
    match arguments.command:
        case "up":
            suite = arguments.suite or base.default_suite()
            there = fleet.up(arguments.name, arguments.count, suite, arguments.mirror, arguments.subnet)
            say(f"inventory: {ssh.inventory_path(there)}")
        case "down":
            fleet.down(arguments.name)
        case "ssh":
            there = fleet.existing(arguments.name)
            ssh.become(there, there.machine(arguments.machine or there.machines[0].name), words)
        case "inventory":
            say(str(ssh.inventory_path(fleet.existing(arguments.name))))
        case "list":
            for there in state.all_fleets():
                for machine in there.machines:
                    say(f"{there.name}\t{machine.name}\t{machine.address}\t{'up' if machine.up else 'down'}")
        case "clean":
            fleet.clean()


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """What stands before the first --, and the command for a machine after it."""
    separator = words.index("--") if "--" in words else len(words)
    return words[:separator], words[separator + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="machines", description="Real systemd machines for tests and the demo.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="make and boot machines NAME-1 and on")
    up.add_argument("name")
    up.add_argument("--count", type=_count, default=1, help="how many (1)")
    up.add_argument("--suite", help="the release: bookworm, or the host's own where that is not Debian")
    up.add_argument("--mirror", help="URL to bootstrap from, when not the host's own")
    up.add_argument("--subnet", type=_subnet, default="auto", help="an IPv4 /24 or so, or auto for a free one (auto)")
    down = commands.add_parser("down", help="power machines off and remove all of them but the caches")
    down.add_argument("name")
    shell = commands.add_parser("ssh", help="a shell, or a command after --, on a machine")
    shell.add_argument("name")
    shell.add_argument("machine", nargs="?", help="NAME-1 when left out")
    inventory = commands.add_parser("inventory", help="print the path of the Ansible inventory")
    inventory.add_argument("name")
    commands.add_parser("list", help="print every machine: fleet, name, address, up or down")
    commands.add_parser("packages", help="print the apt packages that the host needs")
    commands.add_parser("clean", help="remove the caches too")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_COUNT:
        raise argparse.ArgumentTypeError(f"{text} is not a count from 1 to {MAX_COUNT}")
    return int(text)


def _subnet(text: str) -> str:
    if text == "auto":
        return text
    try:
        return str(IPv4Network(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
