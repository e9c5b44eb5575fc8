"""One run of one binary: a document in, an answer out, in bounded time."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

# A plugin that is just being replaced cannot be run; libcni waits as long.
BUSY_TRIES = 5
BUSY_PAUSE = 1.0  # seconds
MOST_OUTPUT = 4 * 2**20  # bytes
MOST_SAID = 500  # bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """code: the exit status, or a signal as a negative number; said: the end of its stderr."""

    code: int
    output: bytes
    said: str


async def run(
    path: str, environment: Mapping[str, str], document: bytes, *, within: float, keep: Collection[int] = ()
) -> Answer:
    """`within`: seconds; then it is killed with all that it started. Raises TimeoutError, and OSError if it cannot run.

    keep: descriptors that it gets besides, as of locks that it is to hold should we die.
    Its input and output are memory and no pipes: whatever it leaves running cannot keep us waiting.
    """
    with _memory(document) as given, _memory() as output, _memory() as said:
        async with asyncio.timeout(within):
            process = await _started(path, environment, (given, output, said), keep)
            try:
                code = await process.wait()
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
        end = max(0, os.fstat(said).st_size - MOST_SAID)
        words = " ".join(os.pread(said, MOST_SAID, end).decode(errors="replace").split())
        return Answer(code, os.pread(output, MOST_OUTPUT, 0), words)


async def _started(
    path: str, environment: Mapping[str, str], streams: tuple[int, int, int], keep: Collection[int]
) -> Process:
    given, output, said = streams
    tries = 0
    while True:
        try:
            return await asyncio.create_subprocess_exec(
                path,
                stdin=given,
                stdout=output,
                stderr=said,
                env=environment,
                start_new_session=True,
                pass_fds=tuple(keep),
            )
        except OSError as error:
            tries += 1
            if error.errno != errno.ETXTBSY or tries > BUSY_TRIES:
                raise
        await asyncio.sleep(BUSY_PAUSE)


@contextlib.contextmanager
def _memory(content: bytes = b"") -> Iterator[int]:
    handle = os.memfd_create("cni")
    try:
        with open(handle, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(handle, 0, os.SEEK_SET)
        yield handle
    finally:
        os.close(handle)
