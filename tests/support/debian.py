"""Debian packages unpacked beside the host's own, so that nothing is installed and no service starts.

Fetched once, by apt from the host's own mirror but with lists of its own, and kept in ~/.cache/kubenode.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from machines import apt


class CannotFetch(Exception):
    """The packages cannot be had; says why."""


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kubenode"


def unpacked(name: str, *packages: str, suite: str = "") -> Path:
    """The folder NAME of the cache, with the packages of the suite, the host's own unless said. Raises CannotFetch."""
    target = cache() / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _fetch(target, packages, suite)
    return target


def _fetch(target: Path, packages: tuple[str, ...], suite: str) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as name:
        work = Path(name)
        _apt(work, suite, "update")
        _apt(work, suite, "download", *packages)
        for package in work.glob("*.deb"):
            _run("dpkg", "--extract", str(package), str(work / "unpacked"))
        (work / "unpacked").rename(target)


def _apt(work: Path, suite: str, *words: str) -> None:
    for folder in ("lists/partial", "archives/partial"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    sources = work / "wanted.sources"
    sources.write_text(apt.render([_source(suite)]))
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


def _source(suite: str) -> apt.Source:
    release = apt.os_release(Path("/etc/os-release").read_text())
    own = release.get("VERSION_CODENAME", "")
    source = apt.main_source(apt.host_sources(Path("/etc/apt")), own)
    if release.get("ID") != "debian" or source is None:
        raise CannotFetch("this host is not a Debian with a mirror in its apt sources")
    return replace(source, suites=(suite or own,))


def _run(*command: str, folder: Path | None = None) -> None:
    program = shutil.which(command[0])
    if program is None:
        raise CannotFetch(f"there is no {command[0]} here")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CannotFetch(f"{' '.join(command[:1] + command[-2:])} failed: {done.stderr.strip()}")
