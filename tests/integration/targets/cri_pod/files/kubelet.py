"""Starts something that the process table knows as a kubelet: kubelet.py FOLDER. Prints its process ID."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    program = Path(sys.argv[1], "kubelet")
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    print(subprocess.Popen([program, "60"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).pid)
