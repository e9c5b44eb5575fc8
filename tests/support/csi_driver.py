"""A CSI driver for tests, as a process: `csi_driver.py --endpoint unix:///… --root DIR`; --help tells all."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    # What stands beside it is the package `support`, also when it is run as a script.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    runpy.run_module("support.csi_server", run_name="__main__")
