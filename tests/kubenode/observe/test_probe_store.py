"""Verdicts on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenode.model.observed import ProbeKind, ProbeState
from kubenode.observe.probe_store import load, save

STATES = {
    "c1": {ProbeKind.READINESS: ProbeState(True, "", 5.5), ProbeKind.LIVENESS: ProbeState()},
    "c2": {ProbeKind.STARTUP: ProbeState(False, "too slow: é", 6.0)},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "probes.json"


def test_what_is_saved_is_loaded(path: Path) -> None:
    save(path, STATES)
    assert load(path) == STATES


def test_it_is_roots_alone(path: Path) -> None:
    save(path, STATES)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_before_the_first_time_there_is_nothing(path: Path) -> None:
    assert load(path) == {}


@pytest.mark.parametrize(
    "data", [b"", b"[", b"[]", b'{"c": {"odd": {}}}', b'{"c": {"liveness": 5}}', b"\xff\xfe", b"\0" * 100]
)
def test_a_spoilt_file_is_put_aside(path: Path, data: bytes) -> None:
    save(path, STATES)
    path.write_bytes(data)
    assert load(path) == {}
    assert path.with_suffix(".spoilt").read_bytes() == data
