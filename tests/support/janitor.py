"""Cleans up after one real runtime, whatever becomes of the tests: `janitor.py`, in a session of its own.

It makes the runtime's folder and prints its path. Lines "pid N" on its input name processes to be ended. When its input
ends, because the tests are done or were killed, it ends these, and then removes the folder and all cgroups made there.
Standard library only.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

GONE_WITHIN = 10.0  # seconds that killed processes and their cgroups get to go
TASKS = "state/io.containerd.runtime.v2.task/k8s.io"


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="kubenode-test-"))
    print(folder, flush=True)
    kill([os.pidfd_open(int(line.removeprefix("pid "))) for line in sys.stdin])
    for cgroup in cgroups(folder):
        remove_cgroup(cgroup)
    shutil.rmtree(folder, ignore_errors=True)
    return 1 if folder.exists() else 0


def kill(processes: Iterable[int]) -> None:
    """Kills the processes of these pidfds and waits for their end; that of a PID namespace's first takes all along."""
    for process in processes:
        try:
            signal.pidfd_send_signal(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
        select.select([process], [], [], GONE_WITHIN)


def cgroups(folder: Path) -> Iterator[Path]:
    """Those under the runtime's own root, named like its folder, and those of pods that were given no parent."""
    without_parent = [f"k8s.io/{task.name}" for task in (folder / TASKS).glob("*")]
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    for hierarchy in [Path(target) for _, target, kind, *_ in mounts if kind in ("cgroup", "cgroup2")]:
        for name in (folder.name, *without_parent):
            if (hierarchy / name).is_dir():
                yield hierarchy / name


def remove_cgroup(cgroup: Path) -> None:
    """Removes it with all below. The kernel lets go of one a moment after its last process, and v1 tells nobody."""
    deadline = time.monotonic() + GONE_WITHIN
    for directory, _, _ in os.walk(cgroup, topdown=False):
        while time.monotonic() < deadline:
            try:
                Path(directory).rmdir()
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.02)
            else:
                break


if __name__ == "__main__":
    # The terminal's ^C is for the tests; this one goes when they are gone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(main())
