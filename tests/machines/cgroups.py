"""A cgroup for each machine, in every hierarchy of the host, named kubenode-machine-NAME.

A machine is started inside it and has a cgroup namespace, so what it sees as the root is this directory: machines, and
the pods in them, never meet in the host's tree. It also says which processes are the machine's, whatever forked them.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from machines.host import MachineError
from machines.process import await_exit, send

CONTROLLERS = {"cpu", "cpuset", "io", "memory", "pids"}  # of v2, that a container runtime needs

GONE_WITHIN = 10.0  # seconds that killed processes and their cgroups get to go


def hierarchies() -> list[Path]:
    """Where the host has its cgroup hierarchies mounted: one with v2 alone, one a controller set with v1."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return [Path(target) for _, target, kind, *_ in mounts if kind in ("cgroup", "cgroup2")]


def _trees(machine: str) -> list[Path]:
    return [tree for root in hierarchies() if (tree := _tree(root, machine)).is_dir()]


def _tree(root: Path, machine: str) -> Path:
    return root / f"kubenode-machine-{machine}"


def create(machine: str) -> list[Path]:
    """Makes the machine's cgroups; returns the cgroup.procs files by which a process enters them."""
    entrances = []
    for root in hierarchies():
        _enable_controllers(root)
        tree = _tree(root, machine)
        tree.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            # A v1 cpuset starts out with nothing, and takes no process so.
            if (root / "cpuset.sched_load_balance").exists() and (root / name).exists():
                (tree / name).write_text((root / name).read_text())
        entrances.append(tree / "cgroup.procs")
    return entrances


def _enable_controllers(root: Path) -> None:
    control = root / "cgroup.subtree_control"
    if control.exists():
        there = CONTROLLERS & set((root / "cgroup.controllers").read_text().split())
        wanted = there - set(control.read_text().split())
        control.write_text(" ".join(f"+{name}" for name in sorted(wanted)))


def kill(machine: str) -> None:
    """Kills every process of the machine and removes its cgroups; with none left it does nothing.

    Raises MachineError when some outlive it.
    """
    deadline = time.monotonic() + GONE_WITHIN
    while _processes(machine):
        if time.monotonic() > deadline:
            raise MachineError(
                f"{machine}: processes {sorted(_processes(machine))} do not die; look at /proc/PID/stack"
            )
        _kill_once(machine)
    for tree in _trees(machine):
        for directory in _bottom_up(tree):
            _remove(directory, deadline)


def _processes(machine: str) -> set[int]:
    return {pid for tree in _trees(machine) for directory in _bottom_up(tree) for pid in _pids(directory)}


def _pids(directory: Path) -> list[int]:
    try:
        return [int(line) for line in (directory / "cgroup.procs").read_text().split()]
    except FileNotFoundError:
        return []


def _bottom_up(tree: Path) -> Iterator[Path]:
    for directory, _, _ in os.walk(tree, topdown=False):
        yield Path(directory)


def _kill_once(machine: str) -> None:
    with ExitStack() as opened:
        handles = {}
        for pid in _processes(machine):
            try:
                handles[pid] = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            opened.callback(os.close, handles[pid])
        # Listed again once held: a PID that was recycled in between is not the machine's.
        ours = [handles[pid] for pid in _processes(machine) & handles.keys()]
        for handle in ours:
            send(handle, signal.SIGKILL)
        await_exit(ours, GONE_WITHIN)


def _remove(directory: Path, deadline: float) -> None:
    # The kernel lets go of a cgroup a moment after its last process is gone, and v1 tells nobody.
    while True:
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise MachineError(f"cannot remove the cgroup {directory}: {error.strerror}") from error
            time.sleep(0.02)
        else:
            return
