"""The demo: kubenode rolled out on real systemd machines on this computer, with a pod that answers over HTTP.

    .venv/bin/python demo/demo.py up [--nodes 3]     `make demo`
    .venv/bin/python demo/demo.py down               `make demo-down`

Both may be interrupted anywhere and run again. Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "demo"
FLEET = "demo"
MACHINES = (sys.executable, str(ROOT / "tests" / "machines"))
IMAGES = (sys.executable, str(ROOT / "tests" / "support" / "images.py"))
ANSIBLE_PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")
PORT = 8080
ANSWERS_WITHIN = 20.0  # seconds from when the pod runs
BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")

NEXT = """\
{bold}What next?{plain}

  Look around on a node:
    python3 tests/machines ssh demo {node}
  Break the manifest there: the pod goes on, and the file, the line and the field are named. Then mend it:
    sed -i 's/image:/imagine:/' /etc/kubernetes/manifests/web.yaml; kubenode sync; kubenode pods
    sed -i 's/imagine:/image:/' /etc/kubernetes/manifests/web.yaml; kubenode sync; kubenode pods
  See what the node is about to do:
    kubenode sync --dry-run
  Change demo/vars.yml, and see first what the roll-out would do (--check), then do it:
    .venv/bin/ansible-playbook -i $(python3 tests/machines inventory demo) -e @demo/vars.yml playbooks/node.yml --diff
  Take everything down:
    make demo-down
"""


class DemoError(Exception):
    """What the user has to know: what was tried, what came back, what to do next."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    bring_up = commands.add_parser("up", help="boot machines and roll kubenode out on them")
    bring_up.add_argument("--nodes", type=int, default=1, help="how many (1)")
    commands.add_parser("down", help="take them down")
    arguments = parser.parse_args()
    try:
        if os.geteuid() != 0:
            raise DemoError(f"machines need namespaces, mounts and a bridge: run this as root: sudo {_make(arguments)}")
        if arguments.command == "up":
            up(arguments.nodes)
        else:
            down()
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted; `make demo` goes on from here, `make demo-down` takes it down", file=sys.stderr)
        return 130
    return 0


def up(nodes: int) -> None:
    """Brings the demo up and shows it. Raises DemoError."""
    began = time.monotonic()
    with stage("packages"):
        install_packages()
    with stage("machines"):
        run([*MACHINES, "up", FLEET, "--count", str(nodes)])
        addresses = machine_addresses()
    with stage("images"):
        output([*IMAGES, "--out", str(BUILD / "images")])
    with stage("roll-out"):
        roll_out()
    with stage("pods"):
        for machine, address in addresses.items():
            show(machine, address)
    print(f"\n{BOLD}{len(addresses)} up after {time.monotonic() - began:.0f} s.{PLAIN}\n")
    print(NEXT.format(bold=BOLD, plain=PLAIN, node=next(iter(addresses))))


def down() -> None:
    """Takes the machines down, and what was made for them. Raises DemoError."""
    with stage("down"):
        run([*MACHINES, "down", FLEET])
        for path in sorted(BUILD.glob("**/*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        with contextlib.suppress(FileNotFoundError):
            BUILD.rmdir()
    print("The root file system, Debian packages and wheels stay in caches, for the next time:")
    print("    python3 tests/machines clean; rm -rf ~/.cache/kubenode")


def install_packages() -> None:
    """Installs with apt what the host lacks, and nothing when it lacks nothing."""
    wanted = [*output([*MACHINES, "packages"]).split(), "busybox-static"]
    query = ["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *wanted]
    there = subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines()
    missing = [name for name in wanted if f"{name} installed" not in there]
    if not missing:
        return
    say(f"installing {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    output(["apt-get", "update", "-qq"], environment)
    output(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], environment)


def machine_addresses() -> dict[str, str]:
    """The address of each machine, by its name."""
    lines = [line.split("\t") for line in output([*MACHINES, "list"]).splitlines()]
    return {machine: address for fleet, machine, address, _ in lines if fleet == FLEET}


def roll_out() -> None:
    """Runs the playbook and tells its tasks as they begin; raises DemoError with the end of its output."""
    inventory = output([*MACHINES, "inventory", FLEET]).strip()
    command = [ANSIBLE_PLAYBOOK, "-i", inventory, "-e", "@demo/vars.yml", "playbooks/node.yml"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": "ansible.cfg", "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as playbook:
        lines = []
        for line in playbook.stdout or ():
            lines.append(line)
            if line.startswith("TASK ["):
                say(line.removeprefix("TASK [kubenode.node.").partition("]")[0])
    if playbook.returncode:
        raise DemoError(f"the roll-out failed; the end of what Ansible said:\n{''.join(lines[-40:])}")
    for line in lines[lines.index(next(line for line in lines if line.startswith("PLAY RECAP"))) + 1 :]:
        say(line.rstrip())


def show(machine: str, address: str) -> None:
    """What a user would look at on a node: the answer of its web server, its pods, its health."""
    run(on(machine, "kubenode", "sync", "--wait"))
    print(f"\n{BOLD}$ curl http://{address}:{PORT}{PLAIN}\n{fetch(f'http://{address}:{PORT}')}", end="")
    for command in ("pods", "health"):
        print(f"\n{BOLD}{machine}# kubenode {command}{PLAIN}", flush=True)
        run(on(machine, "kubenode", command), tolerated=(0, 1))


def on(machine: str, *words: str) -> list[str]:
    """The command that runs words on a machine."""
    return [*MACHINES, "ssh", FLEET, machine, "--", *words]


def fetch(url: str) -> str:
    """The answer, asked for until there is one: a container that runs may not listen yet. Raises DemoError."""
    deadline = time.monotonic() + ANSWERS_WITHIN
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read(), "utf-8", "replace")
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise DemoError(f"{url} did not answer within {ANSWERS_WITHIN:.0f} s: {error}") from error
            time.sleep(0.1)


def run(command: Sequence[str], tolerated: Sequence[int] = (0,)) -> None:
    """Runs a command with its output shown; raises DemoError unless its exit status is one of those tolerated."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if done.returncode not in tolerated:
        raise DemoError(f"`{' '.join(command)}` exited with {done.returncode}")


def output(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    """What a command prints; raises DemoError, with what it said, unless it exits with 0."""
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DemoError(f"`{' '.join(command)}` exited with {done.returncode}:\n{done.stderr or done.stdout}")
    return done.stdout


@contextlib.contextmanager
def stage(name: str) -> Iterator[None]:
    """Tells that a stage begins, and how long it took."""
    print(f"{BOLD}==> {name}{PLAIN}", flush=True)
    began = time.monotonic()
    yield
    say(f"{name}: {time.monotonic() - began:.1f} s")


def say(text: str) -> None:
    print(f"    {DIM}{text}{PLAIN}", flush=True)


def _make(arguments: argparse.Namespace) -> str:
    return "make demo-down" if arguments.command == "down" else f"make demo NODES={arguments.nodes}"


if __name__ == "__main__":
    sys.exit(main())
