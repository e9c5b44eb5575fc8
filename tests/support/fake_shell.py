"""What the fake runtime's containers do: the few commands that tests use, as data in time and without a process.

Understood are sleep, true, false, echo, httpd, and `sh -c` with a script of these, exit, trap, wait, `;`, `&`, `>&2`.
As the first process of a container, none reacts to SIGTERM but by a trap; unlike in a shell the trap runs at once.
"""

from __future__ import annotations

import asyncio
import math
import shlex
from collections.abc import Callable, Sequence

Write = Callable[[str, str], None]
"""(stream, "stdout" or "stderr"; a line without its end)."""

PROGRAMS = {"sh", "sleep", "true", "false", "echo", "httpd"}
NOT_FOUND = 127


class _Exit(Exception):
    def __init__(self, code: int) -> None:
        self.code = code


def exists(command: Sequence[str]) -> bool:
    """Whether the command's program is one that the images have; here, one that is understood."""
    folder, _, program = command[0].rpartition("/")
    return program in PROGRAMS and folder in ("", "/bin")


async def run(command: Sequence[str], write: Write, terminated: asyncio.Event) -> int:
    """Runs a command to its end; returns its exit code. terminated: set when SIGTERM is sent."""
    shell = _Shell(write, terminated)
    try:
        return await shell.execute([command[0].rpartition("/")[2], *command[1:]])
    except _Exit as end:
        return end.code


class _Shell:
    def __init__(self, write: Write, terminated: asyncio.Event) -> None:
        self.write = write
        self.terminated = terminated
        self.trap: str | None = None
        self.background = 0.0  # seconds that the longest sleep in the background takes

    async def execute(self, words: Sequence[str]) -> int:  # noqa: C901 (one branch a command)
        match words:
            case ["sh", "-c", script, *_]:
                return await self.script(script)
            case ["exit"]:
                raise _Exit(0)
            case ["exit", code]:
                raise _Exit(int(code))
            case ["trap", action, *_]:
                self.trap = action
            case ["echo", *said, ">&", "2"]:
                self.write("stderr", " ".join(said))
            case ["echo", *said]:
                self.write("stdout", " ".join(said))
            case ["sleep", seconds]:
                await self.sleep(_seconds(seconds))
            case ["wait", *_]:
                await self.sleep(self.background)
            case ["httpd", *_]:
                await self.sleep(math.inf)
            case ["true"]:
                return 0
            case ["false"]:
                return 1
            case [unknown, *_]:
                self.write("stderr", f"sh: {unknown}: not found")
                return NOT_FOUND
        return 0

    async def script(self, script: str) -> int:
        code = 0
        for words, in_background in _statements(script):
            match words:
                case ["sleep", seconds] if in_background:
                    self.background = max(self.background, _seconds(seconds))
                case _:
                    code = await self.execute(words)
        return code

    async def sleep(self, seconds: float) -> None:
        if self.trap is None:
            # Nothing listens to a SIGTERM.
            await _wait(asyncio.Event(), seconds)
        elif await _wait(self.terminated, seconds):
            action, self.trap = self.trap, None
            await self.script(action)


def _statements(script: str) -> list[tuple[list[str], bool]]:
    lexer = shlex.shlex(script.replace("\n", ";"), posix=True, punctuation_chars=";&>")
    lexer.whitespace_split = True
    statements: list[tuple[list[str], bool]] = []
    words: list[str] = []
    for token in [*lexer, ";"]:
        if token in (";", "&"):
            if words:
                statements.append((words, token == "&"))
            words = []
        else:
            words.append(token)
    return statements


def _seconds(text: str) -> float:
    return math.inf if text in ("inf", "infinity", "2147483647") else float(text)


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event came within the time."""
    try:
        async with asyncio.timeout(None if math.isinf(seconds) else seconds):
            return await event.wait()
    except TimeoutError:
        return False
