"""One hand on a node at a time: a lock file that the agent, or a sync without one, holds."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kubenode.clients.disk import make_private_directory
from kubenode.clients.errors import KubenodeError


class NodeBusy(KubenodeError):
    """Somebody else acts on this node, or nobody may: says who, and what to do."""


@contextmanager
def node_lock(path: Path) -> Iterator[None]:
    """Hold the node. Raises NodeBusy. The kernel lets go of it when the holder dies, however it dies."""
    try:
        make_private_directory(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NodeBusy(f"{path} cannot be opened: {error.strerror}. Run it as root.") from None
    try:
        _take(handle, path)
        yield
    finally:
        os.close(handle)


def _take(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(handle, 32, 0).decode(errors="replace").strip()
        raise NodeBusy(
            f"process {holder or 'unknown'} already acts on this node (it holds {path}). "
            "Wait for it, or stop it; with the agent running, its admin socket answers instead."
        ) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)


def upstream_kubelet(proc: Path = Path("/proc")) -> int | None:
    """The process id of a kubelet that runs here; None where there is none.

    One with process ids of its own is another node's, which runs in a container of this machine.
    """
    for entry in proc.iterdir():
        if entry.name.isdecimal():
            try:
                if (entry / "comm").read_text().strip() == "kubelet" and _shares_process_ids(entry, proc):
                    return int(entry.name)
            except OSError:
                continue
    return None


def _shares_process_ids(entry: Path, proc: Path) -> bool:
    """Whether the process is in our namespace of process ids, as far as that can be seen."""
    try:
        return (entry / "ns" / "pid").readlink() == (proc / "self" / "ns" / "pid").readlink()
    except OSError:
        return True


def refuse_beside_kubelet() -> None:
    """Raises NodeBusy where an upstream kubelet runs: two agents would undo each other's work."""
    if (pid := upstream_kubelet()) is not None:
        raise NodeBusy(
            f"a kubelet runs on this node (process {pid}), so nothing is changed here. "
            "A plan can be looked at with --dry-run; to let kubenode act, stop the kubelet first."
        )
