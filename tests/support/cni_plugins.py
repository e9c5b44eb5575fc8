"""Fake CNI plugins: programs that keep what they were told, and answer as a test wants."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from kubenode.clients.cni.network import Network, parse_list

PROGRAM = """\
import json, os, signal, subprocess, sys
from pathlib import Path

own = Path(sys.argv[0])
environment = dict(os.environ)
given = sys.stdin.read()
with Path(own.parent, "calls").open("a") as calls:
    calls.write(json.dumps({"plugin": own.name, "environment": environment, "given": given}) + "\\n")
command = environment["CNI_COMMAND"]
answers = json.loads(Path(own.parent, own.name + ".answers").read_text())
answer = answers.get(command, {})
sys.stderr.write(answer.get("said", ""))
if "child" in answer:
    child = subprocess.Popen(["sleep", "60"])
    Path(own.parent, "child").write_text(str(child.pid))
if "hang" in answer:
    signal.alarm(60)
    signal.pause()
default = ""
if command == "ADD" and "output" not in answer:
    document = json.loads(given)
    default = json.dumps(document.get("prevResult") or {"cniVersion": document["cniVersion"], "ips": []})
sys.stdout.write(answer.get("output", default))
sys.stdout.flush()
if "signal" in answer:
    os.kill(os.getpid(), answer["signal"])
sys.exit(answer.get("code", 0))
"""


@dataclass(frozen=True)
class Call:
    """One run of a plugin: its environment, and what stood on its input."""

    plugin: str
    environment: dict[str, str]
    given: str

    @property
    def command(self) -> str:
        return self.environment["CNI_COMMAND"]

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.given))


class FakePlugins:
    """A directory of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def add(self, name: str, **answers: Mapping[str, Any]) -> Path:
        """By command: output, code, said (stderr), signal, hang, child (left running). ADD passes on prevResult."""
        file = self.path / name
        file.write_text(f"#!{sys.executable} -IS\n{PROGRAM}")
        file.chmod(0o755)
        Path(self.path, f"{name}.answers").write_text(json.dumps(answers))
        return file

    def calls(self) -> list[Call]:
        file = self.path / "calls"
        if not file.exists():
            return []
        return [Call(**json.loads(line)) for line in file.read_text().splitlines()]

    def order(self) -> list[tuple[str, str]]:
        return [(call.command, call.plugin) for call in self.calls()]


def refusal(code: int, message: str, details: str = "") -> dict[str, Any]:
    """The answer of a plugin that says no."""
    return {"code": 1, "output": json.dumps({"code": code, "msg": message, "details": details})}


def network(*plugins: str | Mapping[str, Any], version: str = "1.0.0", name: str = "net", **more: Any) -> Network:
    """A network of these plugins, by their types or whole configurations."""
    configurations = [{"type": plugin} if isinstance(plugin, str) else plugin for plugin in plugins]
    document = {"cniVersion": version, "name": name, "plugins": configurations, **more}
    return parse_list(msgspec.json.encode(document), f"{name}.conflist")
