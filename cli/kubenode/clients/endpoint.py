"""Finds the container runtime's socket on this node."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

from kubenode.clients.errors import Unavailable

KNOWN = ("/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/cri-dockerd.sock")


def find_endpoint(configured: str = "", known: Sequence[str] = KNOWN) -> str:
    """The endpoint to use, as unix://…: the configured one, unlooked at, or else what is found.

    Of several sockets the first in the order of `known` on which somebody listens; if on none, the first that is there,
    so that the first call can say what is wrong with it. Docker's containerd listens too, yet serves no CRI: where
    cri-dockerd is wanted it has to be configured. Raises Unavailable when there is no socket at all.
    """
    if configured:
        return configured
    there = [path for path in known if Path(path).is_socket()]
    if not there:
        raise Unavailable(
            endpoint=", ".join(known),
            operation="Looking for a container runtime",
            detail="none of these sockets exists",
            remedy="Start one, e.g. systemctl start containerd, or set containerRuntimeEndpoint.",
        )
    return "unix://" + next(filter(_listening, there), there[0])


def _listening(path: str) -> bool:
    """Whether a connection is taken; never blocks."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except BlockingIOError:
            return True  # its queue is full: slow, but there
        except OSError:
            return False
    return True
