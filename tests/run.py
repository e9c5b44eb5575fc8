"""Every test of the project, in stages; two run side by side where they do not disturb each other.

    python tests/run.py [--only STAGE …]

As root it installs the Debian packages that the stages need. Without root, what needs it is left out, and said so;
with CI=true nothing may be left out. Exits with 1 when a stage fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PACKAGES = (
    *("apache2-utils", "busybox-static", "containerd", "containernetworking-plugins", "docker-registry"),
    *("openssh-client", "openssl", "procps", "runc", "shellcheck"),
)
# Molecule boots machines and the real runtimes run pods: both want the processors for themselves, so each lane is one.
LANES = (("lint", "sanity", "unit", "real"), ("integration", "molecule", "behaviours"))
BEHAVIOURS = "tests/kubenode/behaviours"

TYPED = (
    *("cli/kubenode", "tools", "demo", "roles/node_agent/files/wheelhouse.py", "extensions/molecule/run.py"),
    # Under the name by which Ansible imports them.
    ".collections/ansible_collections/kubenode/node/plugins",
    *("tests/run.py", "tests/conftest.py"),
    *("tests/integration/run.py", "tests/integration/services.py", "tests/integration/callback"),
    *("tests/machines", "tests/support", "tests/bench", "tests/kubenode", "tests/conformance"),
)


@dataclass(frozen=True)
class Stage:
    """Commands that are run one after the other from the top of the tree until one fails."""

    commands: tuple[tuple[str, ...], ...]
    needs_root: bool = False


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, *words)


STAGES = {
    "lint": Stage(
        (
            _python("tools/protos.py", "check"),
            ("ruff", "check", "."),
            ("ruff", "format", "--check", "."),
            ("mypy", *TYPED),
            ("lint-imports",),
            ("yamllint", "--strict", "."),
            ("shellcheck", ".ci/run", "tests/sanity/run.sh"),
        )
    ),
    "unit": Stage((_python("-m", "pytest", "-q", "-m", "not real"),)),
    "real": Stage((_python("-m", "pytest", "-q", "-m", "real", f"--ignore={BEHAVIOURS}"),), needs_root=True),
    "behaviours": Stage((_python("-m", "pytest", "-q", "-m", "real", BEHAVIOURS),), needs_root=True),
    "sanity": Stage((("bash", "tests/sanity/run.sh"),)),
    "integration": Stage((_python("tests/integration/run.py"),), needs_root=True),
    "molecule": Stage((_python("extensions/molecule/run.py"),), needs_root=True),
}


@dataclass(frozen=True)
class Ending:
    name: str
    result: str
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--only", nargs="+", choices=STAGES, default=list(STAGES), help="the stages to run")
    names = parser.parse_args().only
    in_ci = os.environ.get("CI") == "true"
    if os.geteuid() == 0:
        _install_packages()
    lanes = [[name for name in lane if name in names] for lane in LANES]
    with ThreadPoolExecutor(len(lanes)) as pool:
        endings = [ending for lane in pool.map(_run_lane, lanes) for ending in lane]
    for ending in endings:
        print(f"{ending.result:<9} {ending.name:<12} {ending.seconds:6.1f} s")
    failed = [ending for ending in endings if ending.result == "failed" or (in_ci and ending.result == "left out")]
    print(f"stages: {len(endings) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _install_packages() -> None:
    machines = subprocess.run(
        _python("tests/machines", "packages"), cwd=ROOT, check=True, capture_output=True, text=True
    )
    wanted = sorted({*PACKAGES, *machines.stdout.split()})
    there = subprocess.run(
        ("dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *wanted),
        check=False,
        capture_output=True,
        text=True,
    ).stdout
    missing = [name for name in wanted if f"{name} installed\n" not in there]
    if not missing:
        return
    print(f"installing {' '.join(missing)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", *missing)):
        subprocess.run(("apt-get", *command), check=True, env=environment, stdout=subprocess.DEVNULL)


def _run_lane(names: Sequence[str]) -> list[Ending]:
    return [_run_stage(name, STAGES[name]) for name in names]


def _run_stage(name: str, stage: Stage) -> Ending:
    if stage.needs_root and os.geteuid() != 0:
        print(f"{name}: left out, as it needs root", flush=True)
        return Ending(name, "left out", 0.0)
    print(f"{name}: begins", flush=True)
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        ok = all(_succeeds(command, output.fileno()) for command in stage.commands)
        output.seek(0)
        text = output.read()
    seconds = time.monotonic() - began
    shown = text if not ok else "\n".join(text.splitlines()[-3:])
    print(f"--- {name}: {'passed' if ok else 'FAILED'} after {seconds:.1f} s\n{shown}", flush=True)
    return Ending(name, "passed" if ok else "failed", seconds)


def _succeeds(command: Sequence[str], output: int) -> bool:
    """A stage's tools come from the environment that runs this; what it prints is kept until the stage has ended."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    os.write(output, f"$ {' '.join(command)}\n".encode())
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
    )
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
