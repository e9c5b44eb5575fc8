"""What is a machine's own: the upper layer of its root file system, filled before the first boot."""

import shutil
from ipaddress import IPv4Network
from pathlib import Path

from machines import base, network
from machines.host import remove_tree, run, share_file, whole_directory
from machines.state import Fleet, Machine

# An address that needs no daemon and is there before anything asks for the network.
NETWORK_UNIT = """\
[Unit]
Description=The machine's address
DefaultDependencies=no
Before=network.target network-online.target
Wants=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/ip address replace {address}/{prefix} dev host0
ExecStart=/usr/sbin/ip link set host0 up
ExecStart=/usr/sbin/ip route replace default via {gateway}
"""

ARCHIVES = "var/cache/apt/archives"


def prepare(fleet: Fleet, machine: Machine) -> None:
    """Fills the machine's directory; one that is there already, with all its state, is left alone."""
    directory = fleet.directory / machine.name
    if directory.is_dir():
        return
    with whole_directory(directory) as made:
        # containerd's snapshots are overlays, which cannot lie on another: this one is bound in from outside.
        (made / "containerd").mkdir(mode=0o711)
        upper = made / "upper"
        upper.mkdir(mode=0o755)
        for name, text in _files(fleet, machine).items():
            _write(upper / name, text)
        _enable(upper, "machine-network.service")
        _authorize(upper / "root", fleet)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", machine.name, "-f", _host_key(upper)])
        shutil.copyfile("/etc/ssl/certs/ca-certificates.crt", _made(upper / "etc/ssl/certs/ca-certificates.crt"))
        for package in _suite_archives(fleet).glob("*.deb"):
            share_file(package, _made(upper / ARCHIVES / package.name))


def host_key(fleet: Fleet, machine: Machine) -> str:
    """The machine's public SSH key: type and key, no comment."""
    words = _host_key(fleet.directory / machine.name / "upper").with_suffix(".pub").read_text().split()
    return " ".join(words[:2])


def harvest(fleet: Fleet) -> None:
    """Keeps the packages that the machines downloaded for those to come."""
    for machine in fleet.machines:
        for package in (fleet.directory / machine.name / "upper" / ARCHIVES).glob("*.deb"):
            share_file(package, _made(_suite_archives(fleet) / package.name))


def remove(fleet: Fleet, machine: Machine) -> None:
    """Removes all of a machine that does not run."""
    remove_tree(fleet.directory / machine.name)


def _files(fleet: Fleet, machine: Machine) -> dict[str, str]:
    unit = NETWORK_UNIT.format(
        address=machine.address, prefix=IPv4Network(fleet.subnet).prefixlen, gateway=fleet.gateway
    )
    hosts = ["127.0.0.1 localhost", "::1 localhost ip6-localhost"]
    hosts += [f"{other.address} {other.name}" for other in fleet.machines]
    return {
        "etc/hostname": f"{machine.name}\n",
        "etc/hosts": "\n".join(hosts) + "\n",
        "etc/machine-id": "",
        "etc/resolv.conf": network.resolv_conf(),
        "etc/systemd/system/machine-network.service": unit,
    }


def _enable(upper: Path, unit: str) -> None:
    wants = upper / "etc/systemd/system/multi-user.target.wants" / unit
    _made(wants).symlink_to(f"/etc/systemd/system/{unit}")


def _authorize(home: Path, fleet: Fleet) -> None:
    _write(home / ".ssh/authorized_keys", (fleet.directory / "id_ed25519.pub").read_text())
    for path, mode in ((home, 0o700), (home / ".ssh", 0o700), (home / ".ssh/authorized_keys", 0o600)):
        path.chmod(mode)


def _host_key(upper: Path) -> Path:
    return _made(upper / "etc/ssh/ssh_host_ed25519_key")


def _suite_archives(fleet: Fleet) -> Path:
    return base.archives(fleet.suite)


def _write(path: Path, text: str) -> None:
    _made(path).write_text(text)


def _made(path: Path) -> Path:
    """The path, in directories that are there. They lie over the base's, so they have to be as open as those."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    return path
