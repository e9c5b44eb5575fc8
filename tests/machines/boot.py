"""Starts machines under systemd-nspawn and waits until they say that they are up."""

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from machines import cgroups, launch, process, ssh
from machines.host import MachineError, say, tail
from machines.process import Process
from machines.state import Fleet, Machine

READY_WITHIN = 90.0  # seconds, for all the machines together
POWER_OFF_WITHIN = 20.0  # seconds, before a machine is killed

PROPAGATE = Path("/run/systemd/nspawn/propagate")


def boot(fleet: Fleet, machines: Sequence[Machine]) -> None:
    """Starts the machines side by side and returns when each is up, with sshd.

    Raises MachineError, with the end of the console's log, when one dies or is not up in time.
    """
    deadline = time.monotonic() + READY_WITHIN
    # Before there is a socket to which what was left of an earlier run could say that it is ready.
    for machine in machines:
        _kill(machine)
    started = {}
    with ExitStack() as opened:
        notices = {machine.name: opened.enter_context(_notice(fleet, machine)) for machine in machines}
        for machine in machines:
            started[machine.name] = _start(fleet, machine)
        _await_ready(fleet, notices, started, deadline)
    _await_settled(fleet, machines, deadline)
    for name, keeper in started.items():
        fleet.note(name, keeper, ready=True)


def console(fleet: Fleet, name: str) -> Path:
    """The file that has what a machine wrote to its console."""
    return fleet.directory / name / "console.log"


def end(fleet: Fleet) -> None:
    """Powers all the machines off; one that takes too long, or that nobody noted, is killed."""
    # systemd-nspawn passes SIGTERM on as the order to shut down.
    process.end([machine.process for machine in fleet.machines if machine.process], signal.SIGTERM, POWER_OFF_WITHIN)
    for machine in fleet.machines:
        _kill(machine)


def _kill(machine: Machine) -> None:
    if machine.process:
        process.end([machine.process], signal.SIGKILL, cgroups.GONE_WITHIN)
    cgroups.kill(machine.name)
    left = PROPAGATE / machine.name  # by a systemd-nspawn that was killed
    if left.exists():
        left.rmdir()


@contextmanager
def _notice(fleet: Fleet, machine: Machine) -> Iterator[socket.socket]:
    """A socket on which systemd-nspawn passes on that the machine's systemd has finished starting."""
    path = _notice_path(fleet, machine)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notice:
        notice.bind(str(path))
        yield notice
    path.unlink()


def _notice_path(fleet: Fleet, machine: Machine) -> Path:
    return fleet.directory / machine.name / "notify"


def _start(fleet: Fleet, machine: Machine) -> Process:
    entrances = [str(path) for path in cgroups.create(machine.name)]
    environment = {
        "PATH": os.environ["PATH"],
        "NOTIFY_SOCKET": str(_notice_path(fleet, machine)),
        "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1",
        "SYSTEMD_NSPAWN_LOCK": "0",  # the base is shared, and only read
    }
    with console(fleet, machine.name).open("ab") as log:
        started = subprocess.Popen(
            [sys.executable, launch.__file__, *entrances, "--", *_nspawn(fleet, machine)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
    keeper = Process.of(started.pid)
    if keeper is None or started.stdin is None:
        raise _failure(fleet, machine.name, "ended at once")
    fleet.note(machine.name, keeper, ready=False)
    with started.stdin as gate:
        gate.write(b"go")
    return keeper


def _nspawn(fleet: Fleet, machine: Machine) -> list[str]:
    directory = fleet.directory / machine.name
    return [
        "systemd-nspawn",
        "--quiet",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--notify-ready=yes",
        f"--machine={machine.name}",
        f"--directory={fleet.base}",
        f"--overlay={fleet.base}:{directory / 'upper'}:/",
        f"--bind={directory / 'containerd'}:/var/lib/containerd",
        f"--network-bridge={fleet.bridge}",
        "--capability=all",
        "--system-call-filter=@raw-io bpf keyctl",
        "--bind=/dev/kmsg",
        "--resolv-conf=off",
        "--timezone=off",
        "--link-journal=no",
        "--console=read-only",
        "systemd.show_status=no",
        "systemd.journald.forward_to_console=yes",
    ]


def _await_ready(fleet: Fleet, notices: dict[str, socket.socket], started: dict[str, Process], deadline: float) -> None:
    waiting = set(notices)
    with selectors.DefaultSelector() as selector, ExitStack() as opened:
        for name, notice in notices.items():
            selector.register(notice, selectors.EVENT_READ, name)
            selector.register(_watch(fleet, name, started[name], opened), selectors.EVENT_READ, name)
        while waiting:
            events = selector.select(max(0.0, deadline - time.monotonic()))
            if not events:
                raise _failure(fleet, min(waiting), f"was not up after {READY_WITHIN:.0f} s")
            for key, _ in events:
                if key.fileobj is not notices[key.data]:
                    raise _failure(fleet, key.data, "died while it started")
                if b"READY=1" in notices[key.data].recv(4096).splitlines():
                    waiting.discard(key.data)


def _watch(fleet: Fleet, name: str, keeper: Process, opened: ExitStack) -> int:
    handle = keeper.open()
    if handle is None:
        raise _failure(fleet, name, "died while it started")
    opened.callback(os.close, handle)
    return handle


def _await_settled(fleet: Fleet, machines: Sequence[Machine], deadline: float) -> None:
    """Asks each over SSH, which proves that sshd answers; a failed unit is told, and is no reason to stop."""
    ask = ["systemctl", "is-system-running", "--wait", "||", "systemctl", "--failed", "--plain", "--no-legend"]
    asked = [
        subprocess.Popen(
            ssh.command(fleet, machine, ask),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for machine in machines
    ]
    for machine, question in zip(machines, asked, strict=True):
        try:
            answer, _ = question.communicate(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            question.kill()
            raise _failure(fleet, machine.name, f"had units still starting after {READY_WITHIN:.0f} s") from error
        state, _, failed = answer.strip().partition("\n")
        if state not in ("running", "degraded"):
            raise _failure(fleet, machine.name, f"did not settle; over SSH it said:\n{tail(answer)}\nsystemd-nspawn")
        if failed:
            say(f"{machine.name} is up, but units failed:\n{tail(failed)}")


def _failure(fleet: Fleet, name: str, what: str) -> MachineError:
    path = console(fleet, name)
    said = tail(path.read_text(errors="replace")) or "    (nothing)"
    return MachineError(f"{name} {what}; the end of its console, {path}:\n{said}")
