"""Fleets of machines, brought up and taken down; both may be interrupted anywhere and run again."""

import signal
from ipaddress import IPv4Network
from pathlib import Path

from machines import base, boot, cgroups, network, rootfs, ssh, state
from machines.host import MachineError, locked, remove_tree, say, step
from machines.process import end
from machines.state import STATE, Fleet

POWER_OFF_WITHIN = 30.0  # seconds, before a machine is killed


def up(name: str, count: int, suite: str, mirror: str | None, subnet: str) -> Fleet:
    """Makes and boots the machines that are not up yet; raises MachineError when they cannot be."""
    directory = state.directory(name)
    with locked(directory):
        fleet = state.load(name) or _create(name, count, base.ensure(suite, mirror), suite, subnet)
        _check_same(fleet, count, suite)
        with locked(STATE):
            network.ensure(fleet)
        down = [machine for machine in fleet.machines if not machine.running]
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
    if not directory.exists():
        say(f"{name} is down already")
        return
    with locked(directory):
        fleet = state.load(name)
        if fleet is not None:
            with step(f"stopping {', '.join(machine.name for machine in fleet.machines)}"):
                _stop(fleet)
            rootfs.harvest(fleet)
            with locked(STATE):
                network.remove(fleet, [other for other in state.all_fleets() if other.name != name])
            for machine in fleet.machines:
                rootfs.remove(fleet, machine)
        remove_tree(directory)
    _remove_if_empty(STATE)


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
    with locked(STATE):
        network.check_free(network.bridge_name(name))
        taken = network.taken_subnets(state.all_fleets())
        chosen = network.choose_subnet(taken) if subnet == "auto" else IPv4Network(subnet)
        if clash := [str(one) for one in taken if one.overlaps(chosen)]:
            raise MachineError(f"{chosen} overlaps {clash[0]}, which this host uses; choose another, or auto")
        fleet = state.new_fleet(name, suite, lower, network.bridge_name(name), chosen, count)
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


def _stop(fleet: Fleet) -> None:
    ssh.close_connections(fleet)
    # systemd-nspawn passes the signal on as systemd's order to shut down.
    end([machine.process for machine in fleet.machines if machine.process], signal.SIGTERM, POWER_OFF_WITHIN)
    for machine in fleet.machines:
        cgroups.kill(machine.name)


def _remove_if_empty(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:
        return
