"""How much directories hold."""

from __future__ import annotations

import os
import stat
import time

from kubenode.plan.volume_usage import MEASURED_EVERY_SECONDS

BLOCK = 512


class DirectoryUsage:
    """Remembers each measure for a while. It blocks: call it in a thread, or in several."""

    def __init__(self) -> None:
        self._measured: dict[str, tuple[float, int]] = {}

    def of(self, directory: str) -> int:
        """Bytes on the disk below the directory; what a link leads to, or another file system holds, is not counted."""
        now = time.monotonic()
        measured = {
            path: found for path, found in list(self._measured.items()) if now - found[0] < MEASURED_EVERY_SECONDS
        }
        self._measured = measured
        found = measured.get(directory)
        if found is None:
            used = _bytes(directory)
            # What took long counts from its end: whoever gave up waiting for it finds it.
            self._measured[directory] = found = (time.monotonic(), used)
        return found[1]


def _bytes(directory: str) -> int:
    """What goes away meanwhile counts as nothing; a file of several names counts once."""
    try:
        device = os.lstat(directory).st_dev
    except OSError:
        return 0
    total, waiting, seen = 0, [directory], set[int]()
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:
            continue
        for entry in entries:
            try:
                found = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            if found.st_dev != device or found.st_ino in seen:
                continue
            if found.st_nlink > 1 and not stat.S_ISDIR(found.st_mode):
                seen.add(found.st_ino)
            total += found.st_blocks * BLOCK
            if stat.S_ISDIR(found.st_mode):
                waiting.append(entry.path)
    return total
