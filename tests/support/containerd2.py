"""The containerd 2 of Debian sid, unpacked beside the host's own packages, for tests against both.

    python tests/support/containerd2.py     fetches it if need be and prints the folder of its programs

It runs with Debian 12's runc. Kept in ~/.cache/kubenode/containerd-2; remove that folder to get a newer one.
"""

from __future__ import annotations

import sys
from pathlib import Path

# As a program it is started from anywhere; under pytest this folder is on the path anyway.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.debian import CannotFetch, unpacked

__all__ = ["CannotFetch", "binaries"]


def binaries() -> Path:
    """The folder of containerd 2's programs, fetched when it is not there yet. Raises CannotFetch."""
    return unpacked("containerd-2", "containerd", suite="sid") / "usr" / "bin"


def main() -> int:
    try:
        print(binaries())
    except CannotFetch as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
