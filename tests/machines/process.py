"""Processes that outlive this program: known by PID and start time, so that a recycled PID is never taken for ours."""

import os
import select
import signal
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process; start_time is in clock ticks since boot, field 22 of /proc/PID/stat."""

    pid: int
    start_time: int

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        """The live process that has this PID now; a zombie counts as gone."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return None
        # The command's name, in parentheses, may hold spaces and parentheses itself.
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    def open(self) -> int | None:
        """A pidfd of the process, for the caller to close; None when it is gone."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if Process.of(self.pid) == self:
            return handle
        os.close(handle)
        return None

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return Process.of(self.pid) == self


def end(processes: Iterable[Process], sent: signal.Signals, seconds: float) -> None:
    """Signals the processes and returns when all are gone, or after so many seconds."""
    with ExitStack() as opened:
        handles = []
        for process in processes:
            if (handle := process.open()) is not None:
                opened.callback(os.close, handle)
                send(handle, sent)
                handles.append(handle)
        await_exit(handles, seconds)


def send(handle: int, sent: signal.Signals) -> None:
    """Signals the process of a pidfd, which may be gone."""
    try:
        signal.pidfd_send_signal(handle, sent)
    except ProcessLookupError:
        return


def await_exit(handles: Iterable[int], seconds: float) -> None:
    """Returns when the processes of all the pidfds are gone, or after so many seconds."""
    poll = select.poll()
    waiting = set(handles)
    for handle in waiting:
        poll.register(handle, select.POLLIN)
    deadline = time.monotonic() + seconds
    while waiting and (left := deadline - time.monotonic()) > 0:
        for handle, _ in poll.poll(left * 1000):
            poll.unregister(handle)
            waiting.discard(handle)
