"""A command in a container, with the terminal or the pipes of whoever asked."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import termios
import threading
import tty as terminal
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass

from kubenode.agent.looking import running, runtime
from kubenode.clients.errors import DeadlineExceeded
from kubenode.clients.streaming import Streams, TerminalSize, exec_stream
from kubenode.model.settings import Settings

PIECE = 32 << 10


@dataclass(frozen=True, slots=True)
class ExecRequest:
    """What is asked for. `timeout`: seconds for the whole command, None for ever; `quiet`: nothing is said beside."""

    name: str
    argv: tuple[str, ...]
    container: str = ""
    stdin: bool = False
    tty: bool = False
    timeout: float | None = None
    quiet: bool = False


async def execute(settings: Settings, request: ExecRequest) -> int:
    """Run it with this process's own streams; its exit code. Raises KubenodeError."""
    async with runtime(settings) as cri:
        pod, container, note = await running(cri, request.name, request.container, settings.node_name)
        if note and not request.quiet:
            print(note, file=sys.stderr)
        with _raw_terminal(request.tty and request.stdin):
            try:
                async with asyncio.timeout(request.timeout):
                    return await exec_stream(cri, container.id, request.argv, _streams(request), tty=request.tty)
            except TimeoutError:
                raise DeadlineExceeded(
                    endpoint=cri.endpoint,
                    operation="Exec",
                    subject=f"{pod.key}/{container.name}",
                    detail=f"the command did not end in {request.timeout:g} s",
                    remedy="It may still run in the container.",
                ) from None


def _streams(request: ExecRequest) -> Streams:
    return Streams(
        stdout=_Output(1).write,
        stderr=_Output(2).write,
        stdin=_stdin() if request.stdin else None,
        sizes=_sizes() if request.tty else None,
    )


class _Output:
    """A file descriptor, written in a thread: a slow reader holds the command up, not the connection's other half."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def write(self, data: bytes) -> None:
        await asyncio.to_thread(self._write, data)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]


async def _stdin() -> AsyncIterator[bytes]:
    """A daemon thread reads: nothing can interrupt a read of a terminal, and files cannot be waited for."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    taken = threading.Semaphore(4)

    def read() -> None:
        data = b"-"
        while data:
            taken.acquire()
            try:
                data = os.read(0, PIECE)
            except OSError:
                data = b""
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(queue.put_nowait, data)

    threading.Thread(target=read, daemon=True, name="stdin").start()
    while data := await queue.get():
        taken.release()
        yield data


async def _sizes() -> AsyncGenerator[TerminalSize]:
    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGWINCH, changed.set)
    try:
        while True:
            with contextlib.suppress(OSError):
                size = os.get_terminal_size(1 if os.isatty(1) else 0)
                yield TerminalSize(size.columns, size.lines)
            changed.clear()
            await changed.wait()
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)


@contextlib.contextmanager
def _raw_terminal(wanted: bool) -> Iterator[None]:
    """Keys go to the command as they are. However this ends, by SIGTERM and SIGHUP too, the terminal is as before."""
    if not wanted or not os.isatty(0):
        yield
        return
    before = termios.tcgetattr(0)
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    ends = (signal.SIGTERM, signal.SIGHUP)
    for number in ends:
        loop.add_signal_handler(number, task.cancel)
    try:
        terminal.setraw(0)
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
        for number in ends:
            loop.remove_signal_handler(number)
