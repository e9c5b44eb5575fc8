"""Enters cgroups, then becomes a command: `launch.py CGROUP.PROCS... -- COMMAND...`.

A program of its own, because a command has to be in its cgroups before it forks, and stays the child it was started as.
"""

import os
import sys
from pathlib import Path


def main(words: list[str]) -> None:
    """Does not return: the command takes the process over."""
    separator = words.index("--")
    for entrance in words[:separator]:
        Path(entrance).write_text("0")
    command = words[separator + 1 :]
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
