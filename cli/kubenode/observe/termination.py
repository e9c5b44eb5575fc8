"""A container's last words: the file at its terminationMessagePath, or the end of its log.

Sizes are the kubelet's.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names

MESSAGE_BYTES = 4096
LOG_BYTES, LOG_LINES = 2048, 80
# Time stamp, stream and tag of a log line stand before the container's own words.
LOG_LINE_FIELDS = 3


def message(status: pb.ContainerStatus) -> str:
    """What an ended container left; empty where that is nothing, or cannot be read."""
    annotations = status.annotations
    inside = annotations.get(names.TERMINATION_MESSAGE_PATH, "")
    path = next((mount.host_path for mount in status.mounts if inside and mount.container_path == inside), "")
    text = _head(Path(path)) if path else ""
    on_error = annotations.get(names.TERMINATION_MESSAGE_POLICY, "") == "FallbackToLogsOnError"
    if not text and on_error and status.exit_code:
        text = log_tail(Path(status.log_path)) if status.log_path else ""
    return text


def _head(path: Path) -> str:
    """The container may have put anything in its place: only a plain file is read."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return file.read(MESSAGE_BYTES).decode(errors="replace")
    return ""


def log_tail(path: Path) -> str:
    with contextlib.suppress(OSError), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        # Each line is preceded by what the runtime writes, about 50 bytes.
        file.seek(max(0, size - LOG_BYTES - 60 * LOG_LINES))
        lines = file.read().splitlines(keepends=True)[-LOG_LINES:]
        words = b"".join(line.split(b" ", LOG_LINE_FIELDS)[-1] for line in lines if line.count(b" ") >= LOG_LINE_FIELDS)
        return words[-LOG_BYTES:].decode(errors="replace").strip()
    return ""
