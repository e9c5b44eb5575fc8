"""What integration targets need around them: namespaces of their own, and in these a runtime, a registry, a CSI driver.

A target names them in its file `services`, one a line; each gives the target variables:

    containerd   test_containerd: endpoint, root (its folder), cgroup_root, and the names of the images in it: pause,
                 busybox, variant, and archives: the folder with their archives
    registry     test_registry: address, plain HTTP, open to all; private: another with user "user", password "secret"
    ssh          test_ssh: host, port, folder: a login of root, with the files of tests/support/ssh_server.py
    csi          test_csi: endpoint, root (control.json and calls.jsonl: see tests/support/csi_control.py), socket.
                 It starts again when it is killed. Options of the driver may follow, and further lines give further
                 drivers, which are in the list test_csi_more.

All get test_directory, a folder that goes with the target, test_dead_endpoint, a socket on which nobody listens, and
test_hung_endpoint, one that takes connections and never answers.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import images
from support.containerd import DEBIAN_BINARIES, RealRuntime
from support.ssh_server import SshServer

SUPPORT = Path(images.__file__).parent
# A mount of the host must not be seen to change from in there, nor the other way round.
ISOLATE = "unshare --fork --kill-child=SIGKILL --pid --mount-proc --mount --net --"
HIDE = "mount -t tmpfs -o mode=755 tmpfs"
PREPARE = f'{HIDE} /run && {HIDE} /var/lib && ip link set lo up && exec "$@"'
# A driver that is killed comes again; the one who ends the shell ends it.
FOREVER = ("sh", "-c", 'while :; do "$@"; done', "sh")
REGISTRY = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: 127.0.0.1:{port}}}
log: {{level: error, accesslog: {{disabled: true}}}}
"""
AUTHENTICATION = "auth: {{htpasswd: {{realm: test, path: {passwords}}}}}\n"
PORT, PRIVATE_PORT, SSH_PORT = 5000, 5001, 2222
READY_WITHIN = 20.0  # seconds


@dataclass
class Surroundings:
    """Where a target runs. prefix: of a command that is to run in its namespaces."""

    folder: Path
    prefix: list[str]
    variables: dict[str, Any] = field(default_factory=dict)
    runtime: RealRuntime | None = None
    drivers: list[list[str]] = field(default_factory=list)


@contextmanager
def surroundings(services: list[str], folder: Path, binaries: Path = DEBIAN_BINARIES) -> Iterator[Surroundings]:
    """All that the services give, for as long as the context lasts."""
    drivers = _driver_options(services)
    unknown = {name for name in services if not name.startswith("--")} - set(SERVICES)
    if unknown:
        raise ValueError(f"there are no services {', '.join(sorted(unknown))}: know {', '.join(SERVICES)}")
    with ExitStack() as stack:
        around = Surroundings(folder, [*ISOLATE.split(), "sh", "-c", PREPARE, "sh"])
        around.drivers = drivers
        around.variables |= {"test_directory": str(folder / "work")}
        (folder / "work").mkdir()
        stack.enter_context(_silent_sockets(around))
        for name, service in SERVICES.items():
            if name in services:
                stack.enter_context(service(around, binaries))
        yield around


def _driver_options(services: list[str]) -> list[list[str]]:
    """For each csi the options that follow."""
    drivers: list[list[str]] = []
    for word in services:
        if word == "csi":
            drivers.append([])
        elif word.startswith("--"):
            drivers[-1].append(word)
    return drivers


@contextmanager
def _silent_sockets(around: Surroundings) -> Iterator[None]:
    dead, hung = around.folder / "dead.sock", around.folder / "hung.sock"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as closed:
        listener.bind(str(hung))
        listener.listen(128)
        closed.bind(str(dead))
        around.variables |= {"test_dead_endpoint": f"unix://{dead}", "test_hung_endpoint": f"unix://{hung}"}
        yield


@contextmanager
def _containerd(around: Surroundings, binaries: Path) -> Iterator[None]:
    archives = images.write_archives(around.folder / "archives")
    with RealRuntime(binaries, images.PAUSE) as runtime:
        for archive in sorted(set(archives.values())):
            runtime.load(archive, *(name for name in archives if archives[name] == archive))
        around.runtime = runtime
        around.prefix = runtime.inside()
        around.variables["test_containerd"] = {
            "endpoint": runtime.endpoint,
            "version": runtime.version,
            "root": str(runtime.root),
            "cgroup_root": runtime.cgroup_root,
            "programs": str(binaries),
            "archives": str(around.folder / "archives"),
            "pause": images.PAUSE,
            "busybox": images.BUSYBOX,
            "variant": images.VARIANT,
        }
        yield


@contextmanager
def _registry(around: Surroundings, _: Path) -> Iterator[None]:
    """Needs a namespace that is there already: that of containerd, which is to pull from it."""
    passwords = around.folder / "htpasswd"
    made = subprocess.run(["htpasswd", "-Bbn", "user", "secret"], check=True, capture_output=True, text=True)
    passwords.write_text(made.stdout)
    with _one_registry(around, PORT, ""), _one_registry(around, PRIVATE_PORT, str(passwords)):
        around.variables["test_registry"] = {"address": f"127.0.0.1:{PORT}", "private": f"127.0.0.1:{PRIVATE_PORT}"}
        yield


@contextmanager
def _one_registry(around: Surroundings, port: int, passwords: str) -> Iterator[None]:
    folder = around.folder / f"registry-{port}"
    configuration = REGISTRY.format(folder=folder, port=port)
    if passwords:
        configuration += AUTHENTICATION.format(passwords=passwords)
    folder.mkdir()
    path = folder.with_suffix(".yml")
    path.write_text(configuration)
    with _process(around, "docker-registry", "serve", str(path)):
        _until_answering(around, f"http://127.0.0.1:{port}/v2/")
        yield


@contextmanager
def _ssh(around: Surroundings, _: Path) -> Iterator[None]:
    """Needs a namespace that is there already, as the registry does."""
    server = SshServer(around.folder / "ssh", SSH_PORT)
    with _process(around, *server.prepare(), wait_for=server.first_words):
        around.variables["test_ssh"] = {"host": "127.0.0.1", "port": SSH_PORT, "folder": str(server.folder)}
        yield


@contextmanager
def _csi(around: Surroundings, _: Path) -> Iterator[None]:
    with ExitStack() as stack:
        if around.runtime is None:
            stack.enter_context(_namespaces(around))
        made = [stack.enter_context(_driver(around, *one)) for one in enumerate(around.drivers)]
        around.variables |= {"test_csi": made[0], "test_csi_more": made[1:]}
        yield


@contextmanager
def _driver(around: Surroundings, number: int, options: list[str]) -> Iterator[dict[str, str]]:
    endpoint, root = around.folder / f"csi-{number}.sock", around.folder / f"driver-{number}"
    script = [sys.executable, str(SUPPORT / "csi_driver.py"), f"--endpoint=unix://{endpoint}", f"--root={root}"]
    with _process(around, *FOREVER, *script, "--with-parent", *options, wait_for="serving"):
        yield {"endpoint": f"unix://{endpoint}", "socket": str(endpoint), "root": str(root)}


@contextmanager
def _namespaces(around: Surroundings) -> Iterator[None]:
    """Those that the driver and the target share, so that each sees the other's mounts."""
    command = [*around.prefix, "sh", "-c", "echo ready && exec cat"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("no namespaces can be made: are we root?")
        inner = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
        around.prefix = ["nsenter", f"--target={inner}", "--mount", "--net", "--pid", "--"]
        try:
            yield
        finally:
            # PID 1 ends with its input, and all in there with it.
            process.stdin.close()


@contextmanager
def _process(around: Surroundings, *command: str, wait_for: str = "") -> Iterator[None]:
    """A command beside the target, in its namespaces. wait_for: the line with which it says that it is ready."""
    output = subprocess.PIPE if wait_for else subprocess.DEVNULL
    with subprocess.Popen([*around.prefix, *command], stdout=output, stdin=subprocess.DEVNULL, text=True) as process:
        try:
            if process.stdout is not None and (line := process.stdout.readline().strip()) != wait_for:
                raise RuntimeError(f"{command[0]} says {line!r} instead of {wait_for!r}")
            yield
        finally:
            process.terminate()


def _until_answering(around: Surroundings, url: str) -> None:
    script = (
        "import sys, time, urllib.error, urllib.request as r\n"
        f"end = time.monotonic() + {READY_WITHIN}\n"
        "while time.monotonic() < end:\n"
        "    try: r.urlopen(sys.argv[1]); sys.exit()\n"
        "    except urllib.error.HTTPError: sys.exit()\n"
        "    except OSError: time.sleep(0.05)\n"
        "sys.exit('nobody answers')\n"
    )
    subprocess.run([*around.prefix, sys.executable, "-c", script, url], check=True)


SERVICES = {"containerd": _containerd, "registry": _registry, "ssh": _ssh, "csi": _csi}
