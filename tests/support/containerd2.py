"""The containerd 2 of Debian sid, unpacked beside the host's own packages, for tests against both.

    python tests/support/containerd2.py     fetches it if need be and prints the folder of its programs

It runs with Debian 12's runc. Fetched once, by apt from the host's own mirror but with lists of its own, and kept in
~/.cache/kubenode/containerd-2; remove that folder to get a newer one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

# As a program it is started from anywhere; under pytest this folder is on the path anyway.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from machines import apt

SUITE = "sid"


class CannotFetch(Exception):
    """The package cannot be had; says why."""


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kubenode" / "containerd-2"


def binaries() -> Path:
    """The folder of containerd 2's programs, fetched when it is not there yet. Raises CannotFetch."""
    target = cache()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _fetch(target)
    return target / "usr" / "bin"


def _fetch(target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".containerd-2-", dir=target.parent) as name:
        work = Path(name)
        _apt(work, "update")
        _apt(work, "download", "containerd")
        (package,) = work.glob("containerd_*.deb")
        _run("dpkg", "--extract", str(package), str(work / "unpacked"))
        (work / "unpacked").rename(target)


def _apt(work: Path, *words: str) -> None:
    for folder in ("lists/partial", "archives/partial"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    sources = work / f"{SUITE}.sources"
    sources.write_text(apt.render([_source()]))
    options = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work,
        "Acquire::Languages": "none",
        # Its user may not enter our cache.
        "APT::Sandbox::User": "root",
    }
    _run("apt-get", "--quiet=2", *(f"--option={key}={value}" for key, value in options.items()), *words, folder=work)


def _source() -> apt.Source:
    release = apt.os_release(Path("/etc/os-release").read_text())
    source = apt.main_source(apt.host_sources(Path("/etc/apt")), release.get("VERSION_CODENAME", ""))
    if release.get("ID") != "debian" or source is None:
        raise CannotFetch("this host is not a Debian with a mirror in its apt sources")
    return replace(source, suites=(SUITE,))


def _run(*command: str, folder: Path | None = None) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise CannotFetch(f"there is no {command[0]} here")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CannotFetch(f"{' '.join(command[:1] + command[-2:])} failed: {done.stderr.strip()}")


def main() -> int:
    try:
        print(binaries())
    except CannotFetch as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
