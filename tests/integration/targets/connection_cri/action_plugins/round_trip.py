"""Files of all kinds put through a connection and fetched: what Ansible's own modules do only where there is Python.

Tells which did not come back as they went, and what the connection says of those that cannot go or come.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

CONTENTS = {
    "every byte": bytes(range(256)) * 300,
    "nothing": b"",
    "5 MB": os.urandom(5 << 20),
}
NAMES = ["-n ünï 日本", "'\" $(touch oops);`id`\nback\\slash *"]


class ActionModule(ActionBase):
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        cases = [(name, CONTENTS["every byte"]) for name in NAMES]
        with TemporaryDirectory() as folder:
            cases += [("content", CONTENTS[name]) for name in self._task.args["contents"]]
            result["differ"] = [
                f"{name!r}, {len(content)} bytes" for name, content in cases if not self._same(folder, name, content)
            ]
            result["size"] = sum(len(content) for _, content in cases)
            local = Path(folder, "local")
            result["errors"] = {
                "put": _error(self._connection.put_file, str(local), "/no/such/folder/file"),
                "put nothing": _error(self._connection.put_file, f"{folder}/missing", "/tmp/file"),
                "fetch": _error(self._connection.fetch_file, "/no/such/file", f"{folder}/fetched"),
                "name": _error(self._connection.fetch_file, "/tmp/\udcff", f"{folder}/fetched"),
            }
            result["left"] = sorted(path.name for path in Path(folder).iterdir())
        return result

    def _same(self, folder: str, name: str, content: bytes) -> bool:
        sent, back = Path(folder, "local"), Path(folder, "back")
        sent.write_bytes(content)
        self._connection.put_file(str(sent), f"/tmp/{name}")
        self._connection.fetch_file(f"/tmp/{name}", str(back))
        came = back.read_bytes()
        back.unlink()
        return came == content


def _error(transfer: Any, source: str, target: str) -> str:
    try:
        transfer(source, target)
    except AnsibleError as error:
        return str(error)
    return ""
