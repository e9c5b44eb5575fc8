# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""How nodes are asked for what their runtimes hold: many at once, each with a deadline. Private to this collection."""

from __future__ import annotations

import json
import os
import queue
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader
from ansible_collections.kubenode.node.plugins.connection.cri import NO_PROGRAM, PROGRAMS

SSH = "ansible.builtin.ssh"

# What a node answers, or the sentence of why it does not.
Listing = Mapping[str, Any]
Ask = Callable[[], Listing]


class NodeError(AnsibleError):  # type: ignore[misc]  # Ansible has no types
    """A node that did not answer, in one sentence."""


@dataclass(frozen=True)
class Way:
    """How a node is asked. host: as SSH knows it, None for this machine.

    variables: those of its connection, with their values; kept: the same as hosts have them, with secrets encrypted
    """

    name: str
    host: str | None
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)
    kept: Mapping[str, Any] = field(default_factory=dict, repr=False)
    runtime_endpoint: str = ""
    executable: str = ""
    sudo: bool = False


def ssh_variables() -> set[str]:
    """All variables that the SSH connection knows."""
    options = _ssh().option_definitions
    return {variable["name"] for option in options.values() for variable in option.get("vars", ())}


def _ssh() -> Any:
    return connection_loader.get(SSH, PlayContext(), os.devnull)


def ask_all(ways: list[Way], at_once: int, seconds: int) -> dict[str, Listing | NodeError]:
    """What each node answers, by its name; it has so many seconds."""
    asks = {way.name: ask_here(way, seconds) if way.host is None else ask_there(way, way.host, seconds) for way in ways}
    late = NodeError(f"it did not answer within {seconds} s")
    return all_of(asks, at_once, seconds, late)


def all_of(asks: Mapping[str, Ask], at_once: int, seconds: float, late: NodeError) -> dict[str, Listing | NodeError]:
    """One that is late is left behind: its thread does not keep the process from ending."""
    waiting, ends = list(asks), dict[str, float]()
    answers = dict[str, Listing | NodeError]()
    done: queue.SimpleQueue[tuple[str, Listing | NodeError]] = queue.SimpleQueue()
    while waiting or ends:
        while waiting and len(ends) < at_once:
            name = waiting.pop(0)
            ends[name] = time.monotonic() + seconds
            Thread(target=_put, args=(done, name, asks[name]), daemon=True).start()
        try:
            name, answer = done.get(timeout=max(0.0, min(ends.values()) - time.monotonic()))
        except queue.Empty:
            for name in [name for name, end in ends.items() if end <= time.monotonic()]:
                del ends[name]
                answers[name] = late
            continue
        if ends.pop(name, None) is not None:
            answers[name] = answer
    return {name: answers[name] for name in asks}


def _put(done: queue.SimpleQueue[tuple[str, Listing | NodeError]], name: str, ask: Ask) -> None:
    try:
        done.put((name, ask()))
    except NodeError as error:
        done.put((name, error))
    except (AnsibleError, OSError) as error:
        done.put((name, NodeError(str(error))))


def ask_here(way: Way, seconds: int) -> Ask:
    def ask() -> Listing:
        beside = os.path.join(os.path.dirname(sys.executable), "kubenode")
        named = [way.executable] if way.executable else [*PROGRAMS, beside]
        program = next(filter(None, map(shutil.which, named)), None)
        if program is None:
            raise NodeError(NO_PROGRAM.format(where="the controller"))
        line = [*_sudo(way), program, *_arguments(way)]
        try:
            done = subprocess.run(line, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise NodeError(f"it did not answer within {seconds} s") from None
        return _read(done.returncode, done.stdout, done.stderr)

    return ask


def ask_there(way: Way, host: str, seconds: int) -> Ask:
    """Over Ansible's own SSH connection, so that all its variables and settings hold. Made here, not in a thread."""
    connection = _ssh()
    connection.set_options(var_options={**way.variables, "inventory_hostname": host})
    connection.set_option("host", host)
    connection.set_option("timeout", seconds)
    # A connection that is dead without having been closed ends, too.
    alive = f"-o ServerAliveInterval={max(1, seconds // 3)} -o ServerAliveCountMax=2"
    connection.set_option("ssh_extra_args", f"{connection.get_option('ssh_extra_args') or ''} {alive}".strip())
    named = [way.executable] if way.executable else PROGRAMS
    ways = " || ".join(f"command -v {shlex.quote(program)}" for program in named)
    missing = f"{{ echo {shlex.quote(NO_PROGRAM.format(where=way.name))} >&2; exit 127; }}"
    words = f'{shlex.join(_sudo(way))} "$program" {shlex.join(_arguments(way))}'
    script = f"program=$({ways}) || {missing}; {words} </dev/null"

    def ask() -> Listing:
        code, output, errors = connection.exec_command(f"/bin/sh -c {shlex.quote(script)}", None, sudoable=False)
        return _read(code, output, errors)

    return ask


def _sudo(way: Way) -> list[str]:
    return ["sudo", "-n"] if way.sudo else []


def _arguments(way: Way) -> list[str]:
    endpoint = ["--runtime-endpoint", way.runtime_endpoint] if way.runtime_endpoint else []
    return ["containers", "--output", "json", *endpoint]


def _read(code: int, output: bytes, errors: bytes) -> Listing:
    said = errors.decode(errors="replace").strip().removeprefix("kubenode: ")
    if code:
        # The first lines may be warnings of SSH and sudo.
        raise NodeError(said.rpartition("\n")[2] or f"kubenode ended with exit code {code}")
    try:
        found: Listing = json.loads(output)
    except ValueError:
        shown = output.decode(errors="replace").strip()
        raise NodeError(f"it answered with something else than a list: {shown:.200}") from None
    return found
