"""Log files as CRI writes them: parts, rotation, time and the last lines, held against the naive way to read them."""

from __future__ import annotations

import gzip
import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubenode.observe import log_files
from kubenode.observe.log_files import Joiner, LogReader, nanoseconds, parts

SECOND = 10**9


def stamp(second: int) -> str:
    return f"2020-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000000001Z"


START = nanoseconds(b"2020-01-01T00:00:00Z") or 0


def pieces(text: bytes, size: int) -> list[bytes]:
    return [text[at : at + size] for at in range(0, len(text), size)] or [b""]


def record(second: int, stream: str, text: bytes, size: int) -> list[bytes]:
    """The lines of the file for one line of a container, in parts of so many bytes."""
    *first, last = pieces(text, size)
    head = f"{stamp(second)} {stream} ".encode()
    return [head + b"P " + part + b"\n" for part in first] + [head + b"F " + last + b"\n"]


TEXT = st.binary(max_size=12).map(lambda data: data.replace(b"\n", b"."))
RECORDS = st.lists(st.tuples(st.sampled_from(["stdout", "stderr"]), TEXT, st.integers(1, 5)), max_size=14)


def layout(folder: Path, lines: list[bytes], cuts: list[int], zipped: bool) -> Path:
    """The lines in a log that was rotated at these lines."""
    log = folder / "0.log"
    bounds = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    for index, (start, end) in enumerate(itertools.pairwise(bounds)):
        content = b"".join(lines[start:end])
        if index == len(bounds) - 2:
            log.write_bytes(content)
        elif zipped:
            (folder / f"0.log.20300101-00000{index}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / f"0.log.20300101-00000{index}").write_bytes(content)
    return log


def read(log: Path, *, since: int = 0, tail: int | None = None) -> list[bytes]:
    with LogReader(log, since=since, tail=tail) as reader:
        return [entry.text for entry in (*reader.entries(), *reader.rest())]


@settings(deadline=None)
@given(RECORDS, st.lists(st.integers(0, 30), max_size=2), st.booleans(), st.sampled_from([7, 64, 1 << 16]))
def test_all_the_last_and_the_newer_lines_are_those_of_the_naive_way(
    records: list[tuple[str, bytes, int]], cuts: list[int], zipped: bool, block: int
) -> None:
    lines = [line for second, (stream, text, size) in enumerate(records) for line in record(second, stream, text, size)]
    naive = [text + b"\n" for _, text, _ in records]
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_files, "BLOCK", block)
        log = layout(Path(name), lines, cuts, zipped)
        assert read(log) == naive
        for tail in (0, 1, 3, 100):
            assert read(log, tail=tail) == (naive[-tail:] if tail else [])
        for second in (0, 2, 5):
            assert read(log, since=START + second * SECOND) == naive[second:]
            assert read(log, since=START + second * SECOND, tail=2) == naive[second:][-2:]


@given(TEXT, TEXT, st.integers(1, 4))
def test_two_streams_whose_parts_are_mixed(one: bytes, other: bytes, size: int) -> None:
    first, second = record(1, "stdout", one, size), record(2, "stderr", other, size)
    mixed = [line for pair in zip(first, second, strict=False) for line in pair]
    rest = [*first[len(second) :], *second[len(first) :]]
    joiner = Joiner()
    texts = {entry.text for line in (*mixed, *rest) for entry in joiner.add(line[:-1])}
    assert texts == {one + b"\n", other + b"\n"}
    assert list(joiner.rest()) == []


def test_the_last_lines_that_are_mixed_are_whole(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    mixed = [b"stdout P a", b"stderr F x", b"stdout P b", b"stderr F y", b"stdout F c"]
    log.write_bytes(b"".join(stamp(1).encode() + b" " + line + b"\n" for line in mixed))
    assert read(log, tail=1) == [b"abc\n"]
    assert read(log, tail=2) == [b"y\n", b"abc\n"]


def test_what_is_torn_off_is_shown_and_what_is_no_entry_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    head = stamp(1).encode()
    log.write_bytes(b"\xff nonsense\n\n" + head + b" stdout P begun, \n" + head + b" stdout F torn")
    assert read(log) == [b"\xff nonsense\n", b"\n", b"begun, torn\n"]


def test_a_line_without_end_is_given_on_in_pieces(tmp_path: Path) -> None:
    part = stamp(1).encode() + b" stdout P " + b"x" * 16384 + b"\n"
    log = tmp_path / "0.log"
    log.write_bytes(part * 200)
    with LogReader(log) as reader:
        entries = [*reader.entries(), *reader.rest()]
    assert sum(len(entry.text) for entry in entries) == 200 * 16384
    assert max(len(entry.text) for entry in entries) <= log_files.LONGEST + 16384
    assert [bool(entry.time) for entry in entries] == [True] + [False] * (len(entries) - 1)


def test_a_part_that_is_being_gzipped_is_read_once(tmp_path: Path) -> None:
    for name in ("0.log", "0.log.20300101-000001", "0.log.20300101-000001.gz", "0.log.20300101-000000.gz", "0.log.tmp"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "0.log.20300101-000002.gz.tmp").write_bytes(b"")
    assert [path.name for path in parts(tmp_path / "0.log")] == [
        "0.log.20300101-000000.gz",
        "0.log.20300101-000001",
        "0.log",
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"1970-01-01T00:00:01Z", SECOND),
        (b"1970-01-01T00:00:01.5Z", SECOND * 3 // 2),
        (b"1970-01-01T02:00:00.000000001+02:00", 1),
        (b"1969-12-31T23:00:00-01:00", 0),
        (b"1970-01-01", None),
        (b"1970-01-01T00:00:01", None),
        (b"1970-01-01T00:00:01.Z", None),
        (b"\xff", None),
    ],
)
def test_times(text: bytes, value: int | None) -> None:
    assert nanoseconds(text) == value


def test_the_last_lines_of_a_large_log_are_read_from_its_end(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    with log.open("wb") as file:
        file.truncate(8 << 30)
        file.seek(0, 2)
        file.write(b"\n")
        for number in range(1000):
            file.write(record(number, "stdout", b"line %d" % number, 1000)[0])
    assert read(log, tail=3) == [b"line 997\n", b"line 998\n", b"line 999\n"]


def test_a_follower_goes_on_after_an_unfinished_line(tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    line = record(1, "stdout", b"hello", 100)[0]
    log.write_bytes(line + line[:10])
    with LogReader(log, tail=5) as reader:
        assert [entry.text for entry in reader.entries()] == [b"hello\n"]
        with log.open("ab") as file:
            file.write(line[10:])
        assert [entry.text for entry in reader.more()] == [b"hello\n"]
        assert reader.is_at(log)
        log.rename(tmp_path / "0.log.20300101-000000")
        assert reader.is_at(log)
        log.write_bytes(line)
        assert not reader.is_at(log)
        reader.go_on(log)
        assert [entry.text for entry in reader.more()] == [b"hello\n"]
