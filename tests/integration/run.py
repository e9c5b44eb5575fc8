"""Runs the integration targets on this machine, each as the role that ansible-test takes it for.

    python tests/integration/run.py [TARGET …]

The collection is the checkout. A target makes what it needs below a temporary directory and removes it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ROOT / "tests" / "integration" / "targets"
ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"


def main() -> int:
    names = sys.argv[1:] or sorted(path.name for path in TARGETS.iterdir() if (path / "tasks").is_dir())
    unknown = [name for name in names if not (TARGETS / name / "tasks").is_dir()]
    if unknown:
        print(f"there is no target {', '.join(unknown)} in {TARGETS}", file=sys.stderr)
        return 64
    failed = [name for name in names if not _passes(name)]
    print(f"targets: {len(names) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _passes(name: str) -> bool:
    play = {
        "name": f"Target {name}",
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "roles": [str(TARGETS / name)],
    }
    with tempfile.TemporaryDirectory() as folder:
        playbook = Path(folder) / "target.json"
        playbook.write_text(json.dumps([play]))
        command = [str(ANSIBLE_PLAYBOOK), "-i", "localhost,", str(playbook)]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        return subprocess.run(command, check=False, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
