"""How the machines are reached: a key pair a fleet, known hosts, a client configuration, an Ansible inventory."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from machines import rootfs
from machines.host import run, write_whole
from machines.state import Fleet, Machine

# A machine's cgroup namespace makes its own cgroup the root, so its pods need no other place than on a real host.
CGROUP_ROOT = "/"


def ensure_key(fleet: Fleet) -> None:
    """Makes the key pair that opens the machines to root, unless it is there whole."""
    private = fleet.directory / "id_ed25519"
    public = private.with_suffix(".pub")
    if private.exists() and public.exists():
        return
    private.unlink(missing_ok=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"kubenode-machines {fleet.name}", "-f", private])


def write_client_files(fleet: Fleet) -> None:
    """Writes known_hosts, ssh_config and inventory.yml into the state directory."""
    keys = {machine.name: rootfs.host_key(fleet, machine) for machine in fleet.machines}
    write_whole(fleet.directory / "known_hosts", known_hosts(fleet, keys))
    write_whole(fleet.directory / "ssh_config", client_config(fleet))
    write_whole(inventory_path(fleet), inventory(fleet))


def inventory_path(fleet: Fleet) -> Path:
    """Where the Ansible inventory is."""
    return fleet.directory / "inventory.yml"


def known_hosts(fleet: Fleet, keys: dict[str, str]) -> str:
    """The text of a known_hosts file; keys are the public host keys by machine."""
    return "".join(f"{machine.name},{machine.address} {keys[machine.name]}\n" for machine in fleet.machines)


def client_config(fleet: Fleet) -> str:
    """The text of an ssh_config that knows every machine by its name and by its address, and asks nobody anything."""
    hosts = "".join(f"Host {machine.name}\n    HostName {machine.address}\n" for machine in fleet.machines)
    addresses = " ".join(f"{machine.name} {machine.address}" for machine in fleet.machines)
    settings = {
        "User": "root",
        "IdentityFile": fleet.directory / "id_ed25519",
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": fleet.directory / "known_hosts",
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "5",
    }
    return hosts + f"Host {addresses}\n" + "".join(f"    {name} {value}\n" for name, value in settings.items())


def inventory(fleet: Fleet) -> str:
    """The text of an Ansible inventory with the machines as group `nodes`."""
    hosts = "".join(
        f"    {machine.name}:\n      ansible_host: {machine.address}\n      machine_cgroup_root: {CGROUP_ROOT}\n"
        for machine in fleet.machines
    )
    options = {"ControlMaster": "auto", "ControlPersist": "60s", "ControlPath": fleet.directory / "control-%h"}
    arguments = " ".join(f"-o {name}={value}" for name, value in options.items())
    return (
        f"nodes:\n  hosts:\n{hosts}  vars:\n"
        "    ansible_user: root\n"
        "    ansible_python_interpreter: /usr/bin/python3\n"
        f"    ansible_ssh_private_key_file: {fleet.directory / 'id_ed25519'}\n"
        f"    ansible_ssh_args: -F {fleet.directory / 'ssh_config'} {arguments}\n"
    )


def command(fleet: Fleet, machine: Machine, words: Sequence[str]) -> list[str]:
    """The ssh command that runs words (a login shell when there are none) on a machine."""
    return ["ssh", "-F", str(fleet.directory / "ssh_config"), machine.name, *words]


def become(fleet: Fleet, machine: Machine, words: Sequence[str]) -> None:
    """Does not return: this process becomes the ssh client."""
    line = command(fleet, machine, words)
    os.execvp(line[0], line)


def close_connections(fleet: Fleet) -> None:
    """Ends the connections that Ansible left open for its next run."""
    for socket in fleet.directory.glob("control-*"):
        leave = ["ssh", "-F", "none", "-o", f"ControlPath={socket}", "-O", "exit", "machine"]
        subprocess.run(leave, stdin=subprocess.DEVNULL, capture_output=True, check=False)
