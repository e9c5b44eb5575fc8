"""Runs the integration targets on this machine, each as the role that ansible-test takes it for.

    python tests/integration/run.py [--containerd 2] [TARGET …]

The collection is the checkout. Each target has namespaces of its own, with the services it names (services.py); all
that it leaves goes with these. What the modules return is held against their RETURN blocks (callback/returned.py).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from integration.services import surroundings  # noqa: E402, the paths come first
from support import containerd2  # noqa: E402
from support.containerd import DEBIAN_BINARIES  # noqa: E402

TARGETS = ROOT / "tests" / "integration" / "targets"
CALLBACKS = ROOT / "tests" / "integration" / "callback"
ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--containerd", choices=["1", "2"], default="1", help="whose: Debian's own, or a newer one")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="by default all")
    arguments = parser.parse_args()
    there = sorted(path.name for path in TARGETS.iterdir() if (path / "tasks").is_dir())
    names = arguments.targets or there
    unknown = sorted(set(names) - set(there))
    if unknown:
        print(f"there is no target {', '.join(unknown)} in {TARGETS}", file=sys.stderr)
        return 64
    binaries = containerd2.binaries() if arguments.containerd == "2" else DEBIAN_BINARIES
    failed = [name for name in names if not _passes(name, binaries)]
    print(f"targets: {len(names) - len(failed)} passed, {len(failed)} failed {' '.join(failed)}".rstrip())
    return 1 if failed else 0


def _passes(name: str, binaries: Path) -> bool:
    began = time.monotonic()
    needs = TARGETS / name / "services"
    services = needs.read_text().split() if needs.exists() else []
    with tempfile.TemporaryDirectory(prefix="kubenode-target-") as folder:
        with surroundings(services, Path(folder), binaries) as around:
            play = {
                "name": f"Target {name}",
                "hosts": "localhost",
                "connection": "local",
                "gather_facts": False,
                "vars": {"ansible_python_interpreter": sys.executable, **around.variables},
                "roles": [str(TARGETS / name)],
            }
            playbook = Path(folder) / "target.json"
            playbook.write_text(json.dumps([play]))
            command = [*around.prefix, str(ANSIBLE_PLAYBOOK), "-i", "localhost,", str(playbook)]
            code = subprocess.run(
                command, check=False, cwd=ROOT, env=_environment(folder), stdin=subprocess.DEVNULL
            ).returncode
        wrong = Path(folder) / "returned"
        if wrong.exists():
            print(wrong.read_text(), end="")
        passed = code == 0 and not wrong.exists()
    print(f"target {name}: {'passed' if passed else 'FAILED'} after {time.monotonic() - began:.1f} s", flush=True)
    return passed


def _environment(folder: str) -> dict[str, str]:
    return {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCAL_TEMP": f"{folder}/ansible",
        "ANSIBLE_REMOTE_TEMP": f"{folder}/ansible",
        # A connection that persists is not to be that of a target before, in other namespaces.
        "ANSIBLE_SSH_CONTROL_PATH_DIR": f"{folder}/ssh-control",
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "returned",
        "KUBENODE_RETURNED": f"{folder}/returned",
    }


if __name__ == "__main__":
    sys.exit(main())
