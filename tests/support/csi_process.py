"""The tests' CSI driver, run as a process by a test: in the test's mount namespace, and gone with the test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from support.csi_control import Fault, inject
from support.csi_server import clean
from support.csi_store import Store

SCRIPT = Path(__file__).with_name("csi_driver.py")
ENDS_WITHIN = 20.0  # seconds


class CsiDriver:
    """Below `folder` its socket and its root. Options as on its command line. A context: at the end nothing is left."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.root = folder / "driver"
        self.endpoint = f"unix://{folder}/csi.sock"
        self.options = options
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns when it can be asked."""
        self.process = subprocess.Popen(
            [*self._command(), "--keep", "--with-parent", *self.options], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "serving\n"

    def kill(self) -> None:
        """kill -9; also of one that killed itself."""
        assert self.process is not None
        self.process.kill()
        self._ended()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self._ended()

    def _ended(self) -> int:
        assert self.process is not None
        code = self.process.wait(ENDS_WITHIN)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code

    def fail(self, call: str, code: str = "", **fault: Any) -> None:
        """What goes wrong at the next call of that name: see csi_control.Fault."""
        inject(self.root, call, Fault(code=code, **fault))

    def calls(self, name: str = "") -> list[dict[str, Any]]:
        """Those that have ended: {"call", "request", "code"}, all or of one name."""
        lines = (self.root / "calls.jsonl").read_text().splitlines()
        return [call for call in map(json.loads, lines) if name in ("", call["call"])]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.kill()
        clean(Store(self.root), Path(self.endpoint.removeprefix("unix://")))

    def _command(self) -> list[str]:
        return [sys.executable, str(SCRIPT), f"--endpoint={self.endpoint}", f"--root={self.root}"]
