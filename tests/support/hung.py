"""A place that never answers, as an NFS mount whose server is gone: `hung.py PLACE`, while its input is open.

It is mounted in this process's own mount namespace, and tells on its output that it is there. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import sys

MNT_DETACH = 2


def main(place: str) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={handle},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"hung", place.encode(), b"fuse", 0, options):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), place)
    print("hangs", flush=True)
    sys.stdin.read()
    # Whoever waits gets an error now.
    os.close(handle)
    return int(libc.umount2(place.encode(), MNT_DETACH))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
