"""Runs a command in the network, mount and process namespaces of another process: `launch.py PID COMMAND...`.

It writes the command's process id, as seen from here, on a line of its output, waits, and ends as the command did. The
command dies with it. Unlike nsenter it lets its caller know whom to signal. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
PR_SET_PDEATHSIG = 1


def main(pid: int, command: list[str]) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(os.pidfd_open(pid), CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    child = os.fork()
    if child == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.dup2(2, 1)
        os.execvp(command[0], command)
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    code = main(int(sys.argv[1]), sys.argv[2:])
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)
