"""What is known of a fleet between two runs, in one file that is replaced whole."""

import json
import re
from dataclasses import asdict, dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from machines.host import MachineError, write_whole
from machines.process import Process

STATE = Path("/var/lib/kubenode-machines")

# Host names and the names of sockets in the state directory are made from it.
NAME = re.compile(r"[a-z]([a-z0-9-]{0,14}[a-z0-9])?")


@dataclass(frozen=True)
class Machine:
    """One machine; process is what keeps it running, once started, and ready says that it came up whole."""

    name: str
    address: str
    process: Process | None = None
    ready: bool = False

    @property
    def up(self) -> bool:
        """Whether it came up and has not died since."""
        return self.ready and self.process is not None and self.process.alive


@dataclass
class Fleet:
    """Machines that know each other, on one bridge. base is the path of their common lower file system."""

    name: str
    suite: str
    base: str
    bridge: str
    subnet: str
    machines: list[Machine] = field(default_factory=list)

    @property
    def directory(self) -> Path:
        """Where everything of the fleet is kept."""
        return directory(self.name)

    @property
    def gateway(self) -> IPv4Address:
        """The host's address on the bridge."""
        return IPv4Network(self.subnet)[1]

    def machine(self, name: str) -> Machine:
        """The machine of that name; raises MachineError when there is none."""
        for machine in self.machines:
            if machine.name == name:
                return machine
        names = ", ".join(machine.name for machine in self.machines)
        raise MachineError(f"{self.name} has no machine {name}; it has {names}")

    def note(self, name: str, process: Process, ready: bool) -> None:
        """Notes, on disk too, how a machine runs now."""
        self.machines = [
            replace(machine, process=process, ready=ready) if machine.name == name else machine
            for machine in self.machines
        ]
        self.save()

    def save(self) -> None:
        """Writes the state file."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(_file(self.name), json.dumps(asdict(self), indent=2) + "\n")


def numbered(name: str, count: int, subnet: IPv4Network) -> list[Machine]:
    """Machines NAME-1 and on; the host has the first address of the subnet, they the next."""
    return [Machine(f"{name}-{number}", str(subnet[1 + number])) for number in range(1, count + 1)]


def load(name: str) -> Fleet | None:
    """The fleet as last saved, None when there is none."""
    try:
        text = _file(name).read_text()
    except FileNotFoundError:
        return None
    return decode(text)


def decode(text: str) -> Fleet:
    """The fleet in the text of a state file."""
    fields = json.loads(text)
    machines = [
        Machine(**entry | {"process": Process(**entry["process"]) if entry["process"] else None})
        for entry in fields.pop("machines")
    ]
    return Fleet(**fields, machines=machines)


def all_fleets() -> list[Fleet]:
    """Every fleet on this host."""
    names = sorted(path.parent.name for path in STATE.glob("*/state.json"))
    return [fleet for name in names if (fleet := load(name)) is not None]


def directory(name: str) -> Path:
    """The state directory of a fleet; raises MachineError for a name that cannot be one."""
    if not NAME.fullmatch(name):
        raise MachineError(f"{name!r} cannot be a name: take up to 16 of a-z, 0-9 and -, with a letter first")
    return STATE / name


def _file(name: str) -> Path:
    return directory(name) / "state.json"
