"""Fleets of machines, brought up and taken down; both may be interrupted anywhere and run again."""

from ipaddress import IPv4Network
from pathlib import Path

from machines import base, boot, network, rootfs, ssh, state
from machines.host import MachineError, locked, remove_tree, say, step
from machines.state import STATE, Fleet

HOST_ADDRESSES = 3  # of a subnet, that no machine gets: its own, the host's and the broadcast


def up(name: str, count: int, suite: str, mirror: str | None, subnet: str) -> Fleet:
    """Makes and boots the machines that are not up yet; raises MachineError when they cannot be."""
    there = state.load(name)
    lower = Path(there.base) if there else base.ensure(suite, mirror)
    with locked(STATE):
        fleet = state.load(name) or _create(name, count, lower, suite, subnet)
        _check_same(fleet, count, suite)
        network.ensure(fleet)
        down = [machine for machine in fleet.machines if not machine.up]
        if not down:
            say(f"{name} is up already")
            return fleet
        ssh.ensure_key(fleet)
        for machine in down:
            rootfs.prepare(fleet, machine)
        ssh.write_client_files(fleet)
        with step(f"booting {', '.join(machine.name for machine in down)}"):
            boot.boot(fleet, down)
    return fleet


def down(name: str) -> None:
    """Powers the machines off and removes all that up() made; without any it does nothing."""
    directory = state.directory(name)
    with locked(STATE):
        if not directory.exists():
            say(f"{name} is down already")
        if fleet := state.load(name):
            with step(f"stopping {', '.join(machine.name for machine in fleet.machines)}"):
                ssh.close_connections(fleet)
                boot.end(fleet)
            rootfs.harvest(fleet)
            network.remove(fleet, [other for other in state.all_fleets() if other.name != name])
            # The state file goes last, so that a run that is killed here can be run again.
            for machine in fleet.machines:
                rootfs.remove(fleet, machine)
        remove_tree(directory)


def existing(name: str) -> Fleet:
    """The fleet of that name; raises MachineError when there is none."""
    fleet = state.load(name)
    if fleet is None:
        raise MachineError(f"there are no machines {name}; bring them up: machines up {name}")
    return fleet


def clean() -> None:
    """Removes the caches; raises MachineError while machines stand on them."""
    if names := [fleet.name for fleet in state.all_fleets()]:
        raise MachineError(f"machines still stand on the cache; take them down first: {', '.join(names)}")
    base.clean()


def _create(name: str, count: int, lower: Path, suite: str, subnet: str) -> Fleet:
    network.check_free(network.bridge_name(name))
    taken = network.taken_subnets(state.all_fleets())
    chosen = network.choose_subnet(taken) if subnet == "auto" else IPv4Network(subnet)
    if clash := [str(one) for one in taken if one.overlaps(chosen)]:
        raise MachineError(f"{chosen} overlaps {clash[0]}, which this host uses; choose another, or auto")
    if chosen.num_addresses < count + HOST_ADDRESSES:
        raise MachineError(f"{chosen} has too few addresses for {count} machines; give a bigger --subnet, or auto")
    machines = state.numbered(name, count, chosen)
    fleet = Fleet(name, suite, str(lower), network.bridge_name(name), str(chosen), machines)
    fleet.save()
    return fleet


def _check_same(fleet: Fleet, count: int, suite: str) -> None:
    if (len(fleet.machines), fleet.suite) != (count, suite):
        there = f"{len(fleet.machines)} of {fleet.suite}"
        raise MachineError(f"{fleet.name} is there with {there}; take it down to have {count} of {suite}")
    if not Path(fleet.base).is_dir():
        raise MachineError(
            f"{fleet.base}, on which {fleet.name} stands, is gone; take it down: machines down {fleet.name}"
        )
