"""When a volume is made or brought up to date, and when it must be left alone."""

from __future__ import annotations

import pytest

from kubenode.model.volume_specs import (
    ContentVolume,
    EmptyDir,
    FileContent,
    HostPath,
    ImageVolume,
    VolumeFact,
    VolumeSpec,
)
from kubenode.plan.volumes import expected_state, volume_set_ups

CONTENT = ContentVolume("v", "/v", (FileContent("a", b"1", 0o644),), False)
DISK, MEMORY = EmptyDir("v", "/v"), EmptyDir("v", "/v", "Memory")
DIRECTORY = VolumeFact("Directory")


def decided(spec: VolumeSpec, fact: VolumeFact | None) -> str:
    """`set up: why`, `wrong: why` or nothing."""
    set_ups, wrong = volume_set_ups({"v": spec}, {"v": fact} if fact else {})
    assert len(set_ups) + len(wrong) <= 1
    assert all(one.volume == spec for one in set_ups)
    return "".join([f"set up: {one.why}" for one in set_ups] + [f"wrong: {why}" for why in wrong.values()])


@pytest.mark.parametrize(
    ("spec", "fact", "decision"),
    [
        (CONTENT, None, "set up: it is not there yet"),
        (CONTENT, VolumeFact(""), "set up: it is not there yet"),
        (CONTENT, VolumeFact("Directory", "disk 0123"), "set up: its content is to be another"),
        (CONTENT, VolumeFact("Directory", expected_state(CONTENT)), ""),
        (DISK, VolumeFact(""), "set up: it is not there yet"),
        (DISK, VolumeFact("Directory", expected_state(DISK)), ""),
        (MEMORY, VolumeFact(""), "set up: it is not there yet"),
        (MEMORY, VolumeFact("Directory", expected_state(MEMORY)), ""),
        # After a reboot the directory stands and the memory is gone.
        (MEMORY, VolumeFact("Directory", expected_state(DISK)), "set up: its Memory is not mounted"),
        # Whatever else stands there may be data.
        (DISK, VolumeFact("Directory", expected_state(MEMORY)), ""),
        (ImageVolume("v", "r.test/i:1"), VolumeFact(""), ""),
    ],
)
def test_set_ups(spec: VolumeSpec, fact: VolumeFact | None, decision: str) -> None:
    assert decided(spec, fact) == decision


@pytest.mark.parametrize(
    ("wanted", "there", "decision"),
    [
        ("", "", "set up: /data does not exist yet"),
        ("", "Directory", ""),
        ("", "Socket", ""),
        ("DirectoryOrCreate", "", "set up: /data does not exist yet"),
        ("DirectoryOrCreate", "Directory", ""),
        ("DirectoryOrCreate", "File", "wrong: /data should be a Directory and it is a File"),
        ("FileOrCreate", "", "set up: /data does not exist yet"),
        ("FileOrCreate", "File", ""),
        ("FileOrCreate", "Directory", "wrong: /data should be a File and it is a Directory"),
        ("Directory", "", "wrong: /data should be a Directory and nothing is there"),
        ("Directory", "Directory", ""),
        ("File", "Directory", "wrong: /data should be a File and it is a Directory"),
        ("File", "File", ""),
        ("Socket", "Socket", ""),
        ("Socket", "File", "wrong: /data should be a Socket and it is a File"),
        ("CharDevice", "CharDevice", ""),
        ("CharDevice", "BlockDevice", "wrong: /data should be a CharDevice and it is a BlockDevice"),
        ("BlockDevice", "BlockDevice", ""),
        ("Fifo", "", "wrong: 'Fifo' is not a type of hostPath"),
    ],
)
def test_host_paths(wanted: str, there: str, decision: str) -> None:
    said = decided(HostPath("v", "/data", wanted), VolumeFact(there))
    assert said.startswith(decision)
    assert bool(said) == bool(decision)
