"""Keeps one machine running: `launch.py CGROUP.PROCS... -- COMMAND...`, once a word comes on stdin.

Whoever starts this notes its PID first and says so then; when they die before, nothing runs that nobody knows of.

The command is started inside the cgroups; it has to be in them before it forks. systemd-nspawn without a unit of its
own leaves it to its parent to start a machine that rebooted again, and says so by its exit status. SIGTERM is passed
on, and ends this.
"""

import os
import signal
import sys
from pathlib import Path

REBOOTED = 133  # systemd-nspawn's exit status for a machine that wants to come back

SIGNALS = {signal.SIGTERM, signal.SIGCHLD}


def main(words: list[str]) -> int:
    """Runs the command until it ends otherwise than by a reboot; returns its exit status."""
    if not os.read(sys.stdin.fileno(), 1):
        return 1
    separator = words.index("--")
    # Taken one at a time by sigwait(), so that SIGTERM never goes to a child that was reaped.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    while True:
        status, stopped = _run(words[:separator], words[separator + 1 :])
        if stopped or status != REBOOTED:
            return status


def _run(entrances: list[str], command: list[str]) -> tuple[int, bool]:
    child = os.fork()
    if child == 0:
        _become(entrances, command)
    stopped = False
    while True:
        if signal.sigwait(SIGNALS) == signal.SIGTERM:
            stopped = True
            os.kill(child, signal.SIGTERM)
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), stopped


def _become(entrances: list[str], command: list[str]) -> None:
    for entrance in entrances:
        Path(entrance).write_text("0")
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
