"""Runs the Molecule scenarios on real systemd machines, and leaves none behind, also when it is interrupted.

python extensions/molecule/run.py [molecule's own words, such as converge]
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

EXTENSIONS = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def main() -> int:
    words = sys.argv[1:] or ["test", "--all"]
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    try:
        return molecule(words, environment)
    except KeyboardInterrupt:
        molecule(["destroy", "--all"], environment)
        return 130


def molecule(words: list[str], environment: dict[str, str]) -> int:
    """The exit status of molecule with these words."""
    return subprocess.run([BIN / "molecule", *words], cwd=EXTENSIONS, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
