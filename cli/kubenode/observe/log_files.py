"""Container logs as CRI writes them: `TIME STREAM TAG TEXT`, a line in parts tagged P, its last part F.

A log is a file and its older parts, `0.log.<time>` beside `0.log`, which may be gzipped. Text is bytes all the way.
"""

from __future__ import annotations

import calendar
import gzip
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

BLOCK = 64 << 10
# Of a line that is longer, what was read so far is given on.
LONGEST = 1 << 20
# How far before the last lines the beginning of the first of them is looked for.
SEARCH = 4 << 20
GZIP = ".gz"
NANOSECONDS = 10**9


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a container, as it wrote it; `text` ends with a line feed unless the line goes on or broke off.

    `time` is the log's own writing of when it began, empty where an entry goes on with a line or is in no CRI format.
    """

    time: bytes
    text: bytes


@dataclass(slots=True)
class Joiner:
    """Makes lines of parts. A container's two streams may come mixed; each one's parts belong together."""

    _open: dict[bytes, tuple[bytes, bytearray]] = field(default_factory=dict)

    def add(self, line: bytes) -> Iterator[Entry]:
        """What is complete with this line of the file, its line feed taken off."""
        fields = line.split(b" ", 3)
        if not is_entry(fields):
            yield Entry(b"", line + b"\n")
            return
        at, stream, tag, text = fields
        began, buffer = self._open.pop(stream, (at, bytearray()))
        buffer += text
        if is_full(tag):
            yield Entry(began, bytes(buffer) + b"\n")
        elif len(buffer) > LONGEST:
            yield Entry(began, bytes(buffer))
            self._open[stream] = (b"", bytearray())
        else:
            self._open[stream] = (began, buffer)

    def rest(self) -> Iterator[Entry]:
        """What has begun and goes no further."""
        for began, buffer in self._open.values():
            if buffer:
                yield Entry(began, bytes(buffer))
        self._open.clear()


def is_entry(fields: list[bytes]) -> bool:
    return len(fields) == 4 and fields[1] in (b"stdout", b"stderr") and fields[0][10:11] == b"T"


def is_full(tag: bytes) -> bool:
    """Tags may be several, with colons between them; the first says it."""
    return tag.split(b":", 1)[0] != b"P"


def nanoseconds(text: bytes) -> int | None:
    """Nanoseconds since the epoch of an RFC 3339 time; None for what is none."""
    try:
        seconds = calendar.timegm(time.strptime(text[:19].decode("ascii"), "%Y-%m-%dT%H:%M:%S"))
        fraction, offset = _zone(text[19:].decode("ascii"))
    except ValueError:
        return None
    return (seconds - offset) * NANOSECONDS + fraction


def _zone(text: str) -> tuple[int, int]:
    """Nanoseconds and the seconds east of Greenwich in ".123456789+02:00". Raises ValueError."""
    digits = len(text) - len(text.lstrip(".0123456789"))
    number, zone = text[:digits], text[digits:]
    fraction = 0
    if number:
        if number[0] != "." or not number[1:].isdigit():
            raise ValueError(text)
        fraction = int(number[1:10].ljust(9, "0"))
    if zone in ("Z", "z"):
        return fraction, 0
    if len(zone) != 6 or zone[0] not in "+-" or zone[3] != ":":
        raise ValueError(text)
    offset = int(zone[1:3]) * 3600 + int(zone[4:]) * 60
    return fraction, -offset if zone[0] == "-" else offset


def parts(log: Path) -> list[Path]:
    """The files of a log that are there, oldest first. One that is being gzipped is there once."""
    older: dict[str, Path] = {}
    if log.parent.is_dir():
        for path in sorted(log.parent.iterdir()):
            suffix = path.name.removeprefix(f"{log.name}.")
            if suffix != path.name and suffix[:1].isdigit() and path.suffix != ".tmp":
                older.setdefault(suffix.removesuffix(GZIP), path)
    return [older[suffix] for suffix in sorted(older)] + ([log] if log.exists() else [])


class LogReader:
    """A log to be read once, then followed. `since`: nanoseconds since the epoch; `tail`: only so many of the last.

    Lines that begin before `since` are left out, and `tail` counts what is left. Use as a context manager.
    """

    def __init__(self, log: Path, *, since: int = 0, tail: int | None = None) -> None:
        self._since = since
        self._tail = tail
        paths = parts(log)
        if since:
            paths = [path for path in paths if path == log or path.stat().st_mtime_ns >= since]
        self.found = bool(paths)
        self._files = [_opened(path) for path in paths]
        self._joiner = Joiner()

    def __enter__(self) -> LogReader:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def entries(self) -> Iterator[Entry]:
        """All that is there now, as asked for; what is unfinished stays for `more`."""
        if self._tail is None:
            yield from self.more()
            return
        ends = [_size(file) for file in self._files]
        starts = self._starts(self._tail)
        count = sum(1 for entry in self._read(starts, ends, Joiner()) if self._wanted(entry))
        entries = self._read(starts, ends, self._joiner)
        wanted = (entry for entry in entries if self._wanted(entry))
        yield from islice(wanted, max(0, count - self._tail), None)

    def more(self) -> Iterator[Entry]:
        """What came since, in the file that was the newest when this reader was made."""
        ends: list[int | None] = [None] * len(self._files)
        starts = [file.tell() for file in self._files]
        yield from (entry for entry in self._read(starts, ends, self._joiner) if self._wanted(entry))

    def rest(self) -> Iterator[Entry]:
        """What has begun and goes no further, the last line of the file torn off as well."""
        torn = self._files[-1].read() if self._files else b""
        lines = self._joiner.add(torn) if torn else ()
        yield from (entry for entry in (*lines, *self._joiner.rest()) if self._wanted(entry))

    def go_on(self, log: Path) -> None:
        """Read on in the file that is there now under the log's name."""
        for file in self._files:
            file.close()
        self._files = [_opened(log)]

    def is_at(self, log: Path) -> bool:
        """Whether the file being read is still the one under the log's name."""
        try:
            there = log.stat()
        except FileNotFoundError:
            return True
        mine = os.fstat(self._files[-1].fileno()) if self._files else None
        return mine is not None and (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)

    def _wanted(self, entry: Entry) -> bool:
        at = nanoseconds(entry.time) if self._since and entry.time else None
        return at is None or at >= self._since

    def _read(self, starts: list[int], ends: Iterable[int | None], joiner: Joiner) -> Iterator[Entry]:
        for file, start, end in zip(self._files, starts, ends, strict=True):
            file.seek(start)
            left = None if end is None else end - start
            while left is None or left > 0:
                line = file.readline(-1 if left is None else left)
                if not line:
                    break
                left = None if left is None else left - len(line)
                if not line.endswith(b"\n"):
                    # It is being written: read again when there is more.
                    file.seek(-len(line), 1)
                    break
                yield from joiner.add(line[:-1])

    def _starts(self, tail: int) -> list[int]:
        """Where to begin in each file so that the last lines are all in it, and not much more."""
        starts = [_size(file) for file in self._files]
        found, searched = 0, 0
        unfinished: set[bytes] = set()
        for index in reversed(range(len(self._files))):
            for offset, line in _backwards(self._files[index]):
                stream, full = _ends(line)
                if found >= tail:
                    searched += len(line) + 1
                    if full:
                        unfinished.discard(stream)
                    if not unfinished or searched > SEARCH:
                        return starts
                elif full:
                    found += 1
                    unfinished.add(stream)
                starts[index] = offset
        return starts


def _ends(line: bytes) -> tuple[bytes, bool]:
    """The stream of a line of the file, and whether a line of the container ends in it."""
    fields = line.split(b" ", 3)
    if not is_entry(fields):
        return b"", True
    return fields[1], is_full(fields[2])


def _backwards(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """The whole lines of a file with their offsets, last one first, a block at a time."""
    position = _size(file)
    # What stands after the last line feed of what is still to be read: at the end of the file no whole line.
    carried: bytes | None = None
    while position:
        start = max(0, position - BLOCK)
        file.seek(start)
        *heads, tail = file.read(position - start).split(b"\n")
        if not heads and start:
            carried = None if carried is None else tail + carried
            position = start
            continue
        lines = [*heads, tail + carried] if carried is not None else heads
        carried = lines.pop(0) if start else None
        offset = start + (0 if carried is None else len(carried) + 1)
        position = start
        yield from reversed(_numbered(lines, offset))


def _numbered(lines: Iterable[bytes], offset: int) -> list[tuple[int, bytes]]:
    numbered = []
    for line in lines:
        numbered.append((offset, line))
        offset += len(line) + 1
    return numbered


def _opened(path: Path) -> IO[bytes]:
    """The file; of a gzipped one, its text in a temporary file, so that it can be read from the end."""
    if path.suffix != GZIP:
        return path.open("rb")
    plain = tempfile.TemporaryFile()  # noqa: SIM115 (the reader closes it)
    with gzip.open(path) as packed:
        shutil.copyfileobj(packed, plain)
    plain.seek(0)
    return plain


def _size(file: IO[bytes]) -> int:
    return file.seek(0, 2)
