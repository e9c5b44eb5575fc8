"""The parts of the machines that decide on text and values; booting is for the demo and the role tests."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml

from machines import apt, launch, network, ssh
from machines.host import MachineError, locked, share_file, whole_directory
from machines.process import Process, end
from machines.state import Fleet, Machine, decode, directory, numbered

DEB822 = """\
Types: deb deb-src
# the mirror of this house
URIs: https://mirror.example/debian
Suites: trixie trixie-updates
Components: main contrib
Signed-By: /usr/share/keyrings/house.gpg

Types: deb
URIs: https://mirror.example/security
Suites: trixie-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBGK

Enabled: no
Types: deb
URIs: https://mirror.example/off
Suites: trixie
Components: main
"""

ONE_LINE = """\
# deb https://mirror.example/no trixie main
deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian trixie main contrib # the house's
deb-src https://mirror.example/debian trixie main
deb https://vendor.example/apt stable main
"""


@pytest.fixture
def fleet() -> Fleet:
    subnet = IPv4Network("10.214.3.0/24")
    return Fleet("demo", "bookworm", "/base", network.bridge_name("demo"), str(subnet), numbered("demo", 2, subnet))


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as started:
        yield started
        started.kill()


def test_enabled_deb822_sources_are_read_with_keys_by_path_and_in_place() -> None:
    first, second = apt.parse_deb822(DEB822)
    assert first == apt.Source(
        ("https://mirror.example/debian",),
        ("trixie", "trixie-updates"),
        ("main", "contrib"),
        "/usr/share/keyrings/house.gpg",
    )
    assert second.suites == ("trixie-security",)
    assert second.signed_by.split("\n")[1].strip() == "-----BEGIN PGP PUBLIC KEY BLOCK-----"


def test_one_line_sources_are_read_with_their_options() -> None:
    house, vendor = apt.parse_one_line(ONE_LINE)
    assert house == apt.Source(("https://mirror.example/debian",), ("trixie",), ("main", "contrib"), "/k.gpg")
    assert vendor.suites == ("stable",)


def test_what_is_rendered_reads_back_the_same() -> None:
    sources = list(apt.parse_deb822(DEB822))
    assert list(apt.parse_deb822(apt.render(sources))) == sources


def test_the_hosts_mirrors_serve_another_release_and_vendors_are_left_out() -> None:
    sources = [*apt.parse_one_line(ONE_LINE), *apt.parse_deb822(DEB822)]
    found = apt.for_suite(sources, codename="trixie", suite="bookworm")
    assert [source.suites for source in found] == [
        ("bookworm",),
        ("bookworm", "bookworm-updates"),
        ("bookworm-security",),
    ]
    main = apt.main_source(found, "bookworm")
    assert main is not None
    assert main.uris == ("https://mirror.example/debian",)


def test_a_mirror_that_only_the_host_can_read_is_not_used() -> None:
    local = apt.Source(("file:/srv/debian",), ("trixie",), ("main",))
    assert apt.for_suite([local], "trixie", "trixie") == []


def test_of_apts_settings_only_what_the_mirror_needs_is_carried() -> None:
    dump = 'APT::Architecture "amd64";\nAcquire::Check-Date "false";\nAcquire::http::Proxy "http://p:3142";\n'
    assert apt.carried_settings(dump) == 'Acquire::Check-Date "false";\nAcquire::http::Proxy "http://p:3142";\n'


def test_a_subnet_is_the_first_that_overlaps_nothing() -> None:
    taken = [IPv4Network("10.214.0.0/23"), IPv4Network("10.214.2.17/32"), IPv4Network("192.0.2.0/24")]
    assert network.choose_subnet(taken) == IPv4Network("10.214.3.0/24")


def test_without_a_free_subnet_the_user_is_told_of_the_option() -> None:
    with pytest.raises(MachineError, match="--subnet"):
        network.choose_subnet([IPv4Network("10.0.0.0/8")])


def test_a_bridges_name_fits_an_interface_and_is_the_fleets_own() -> None:
    names = [network.bridge_name(name) for name in ("demo", "a-name-that-is-16")]
    assert all(len(name) < 16 for name in names)
    assert names[0] != names[1]


def test_machines_come_after_the_hosts_own_address(fleet: Fleet) -> None:
    assert str(fleet.gateway) == "10.214.3.1"
    assert [(machine.name, machine.address) for machine in fleet.machines] == [
        ("demo-1", "10.214.3.2"),
        ("demo-2", "10.214.3.3"),
    ]


def test_a_state_file_reads_back_the_same(fleet: Fleet) -> None:
    fleet.machines[0] = Machine("demo-1", "10.214.3.2", Process(7, 4242), ready=True)
    assert decode(json.dumps(asdict(fleet))) == fleet


@pytest.mark.parametrize("name", ["", "../etc", "A", "1a", "a-", "a" * 17, "a b"])
def test_a_name_that_could_leave_the_state_directory_is_refused(name: str) -> None:
    with pytest.raises(MachineError, match="cannot be a name"):
        directory(name)


def test_the_inventory_is_what_ansible_needs_to_reach_every_machine(fleet: Fleet) -> None:
    nodes = yaml.safe_load(ssh.inventory(fleet))["nodes"]
    assert nodes["hosts"]["demo-2"] == {"ansible_host": "10.214.3.3", "machine_cgroup_root": "/"}
    assert nodes["vars"]["ansible_user"] == "root"
    assert nodes["vars"]["ansible_ssh_private_key_file"] == str(fleet.directory / "id_ed25519")
    assert f"-F {fleet.directory / 'ssh_config'}" in nodes["vars"]["ansible_ssh_args"]
    assert "ControlPersist" in nodes["vars"]["ansible_ssh_args"]


@pytest.mark.parametrize("host", ["demo-2", "10.214.3.3"])
def test_ssh_reaches_a_machine_by_name_or_address_with_its_key_only(fleet: Fleet, tmp_path: Path, host: str) -> None:
    config = tmp_path / "ssh_config"
    config.write_text(ssh.client_config(fleet))
    read = subprocess.run(["ssh", "-F", config, "-G", host], capture_output=True, text=True, check=True, timeout=10)
    settings = dict(line.split(" ", 1) for line in read.stdout.splitlines() if " " in line)
    assert settings["hostname"] == "10.214.3.3"
    assert settings["stricthostkeychecking"] == "true"
    assert settings["identityfile"] == str(fleet.directory / "id_ed25519")


def test_a_directory_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_directory(tmp_path / "base") as made:
        (made / "half" / "way").touch()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_does_not_get_into_the_next(tmp_path: Path) -> None:
    (tmp_path / ".base.unfinished/old").mkdir(parents=True)
    with whole_directory(tmp_path / "base") as made:
        (made / "new").touch()
    assert [path.name for path in (tmp_path / "base").iterdir()] == ["new"]


def test_a_locked_directory_goes_when_it_stays_empty_only(tmp_path: Path) -> None:
    with locked(tmp_path / "empty"):
        assert (tmp_path / "empty").is_dir()
    with locked(tmp_path / "full"):
        (tmp_path / "full/file").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_a_shared_file_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    share_file(tmp_path / "new", tmp_path / "old")
    share_file(tmp_path / "new", tmp_path / "other")
    assert [(tmp_path / name).read_text() for name in ("old", "other")] == ["old", "new"]


def test_a_process_is_ended_and_then_gone(sleeper: subprocess.Popen[bytes]) -> None:
    process = Process.of(sleeper.pid)
    assert process is not None
    assert process.alive
    end([process], signal.SIGTERM, seconds=10)
    assert not process.alive


def test_another_process_with_the_same_pid_is_left_alone(sleeper: subprocess.Popen[bytes]) -> None:
    process = Process.of(sleeper.pid)
    assert process is not None
    end([Process(process.pid, process.start_time - 1)], signal.SIGKILL, seconds=10)
    assert process.alive


def launched(command: str, *entrances: str) -> subprocess.Popen[str]:
    line = [sys.executable, launch.__file__, *entrances, "--", "sh", "-c", command]
    started = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdin is not None
    started.stdin.write("go")
    started.stdin.flush()
    return started


def test_a_machine_that_rebooted_is_started_again_in_its_cgroups(tmp_path: Path) -> None:
    entrance, once = tmp_path / "cgroup.procs", tmp_path / "once"
    with launched(
        f"cat {entrance}; test -e {once} && exit 3; touch {once}; exit {launch.REBOOTED}", str(entrance)
    ) as run:
        assert run.communicate(timeout=10)[0] == "00"
    assert run.returncode == 3


def test_without_a_word_that_it_is_noted_no_machine_is_started(tmp_path: Path) -> None:
    line = [sys.executable, launch.__file__, "--", "touch", str(tmp_path / "started")]
    assert subprocess.run(line, stdin=subprocess.DEVNULL, timeout=10, check=False).returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_an_order_to_stop_reaches_the_machine_and_is_the_end_of_it() -> None:
    with launched(f"trap 'exit {launch.REBOOTED}' TERM; echo up; while :; do sleep 0.05; done") as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "up\n"
        os.kill(run.pid, signal.SIGTERM)
        assert run.wait(timeout=10) == launch.REBOOTED
