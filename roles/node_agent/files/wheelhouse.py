"""Builds the wheelhouse that a node installs kubenode from: one tar of wheels, kept in a cache on the controller.

Runs on the controller with the standard library and pip. Prints JSON: the fingerprint of what goes in, the kubenode
version, the tar's path, and whether it was made now. Nodes alike share one tar; a node needs no package index.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kubenode" / "wheelhouse"
# How many entries stay in the cache, the ones used last.
KEPT = 8
OLDEST_GLIBC = 5
LEGACY_PLATFORMS = {"manylinux2014": 17, "manylinux2010": 12, "manylinux1": 5}


class Failure(Exception):
    """A sentence for people: what was tried, what came back, what to do next."""


@dataclass(frozen=True)
class Target:
    """What the wheels must run on, e.g. ("3.11", "x86_64", "2.36")."""

    python: str
    machine: str
    glibc: str

    def pip_options(self) -> list[str]:
        """What makes pip choose wheels for the node instead of for this machine."""
        minor = int(self.glibc.split(".")[1])
        platforms = [f"manylinux_2_{number}" for number in range(minor, OLDEST_GLIBC - 1, -1)]
        platforms += [name for name, needs in LEGACY_PLATFORMS.items() if needs <= minor]
        abi = "cp" + self.python.replace(".", "")
        options = ["--only-binary=:all:", f"--python-version={self.python}", "--implementation=cp"]
        options += [f"--abi={name}" for name in (abi, "abi3", "none")]
        return options + [f"--platform={name}_{self.machine}" for name in platforms]


def inputs(tree: Path) -> Iterator[Path]:
    """The files that the wheel is built from, in a fixed order."""
    yield from (tree / name for name in ("LICENSE", "README.md", "pyproject.toml"))
    for path in sorted((tree / "cli" / "kubenode").rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            yield path


def fingerprint(tree: Path, target: Target) -> str:
    """16 hex digits that change with the code, the node's kind, or the way the wheelhouse is made."""
    digest = hashlib.sha256(repr(target).encode() + Path(__file__).read_bytes())
    for path in inputs(tree):
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(tree)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def version(tree: Path) -> str:
    text = (tree / "cli" / "kubenode" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise Failure(f"{tree}/cli/kubenode/__init__.py names no version: it is not kubenode's tree.")
    return found[1]


def pip(what: str, *arguments: str) -> None:
    done = subprocess.run([*PIP, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-6:])
        raise Failure(
            f"{what} failed on the controller: {last}\nCheck that pip of {sys.executable} works and reaches a package "
            "index that holds it; pip's own settings (pip.conf, PIP_INDEX_URL, PIP_FIND_LINKS) are honoured."
        )


def build(tree: Path, wheels: Path, work: Path) -> None:
    """Puts kubenode's wheel into `wheels`, built from a copy: the tree may be read-only, and a .gitignore above it
    must not decide what goes in."""
    copy = work / "tree"
    for path in inputs(tree):
        place = copy / path.relative_to(tree)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    here = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    pip("Building kubenode's wheel", "wheel", "--no-deps", *here, f"--wheel-dir={wheels}", str(copy))


def dependencies(tree: Path, target: Target, cache: Path) -> Path:
    """The directory with the wheels of kubenode's dependencies and of pip; one serves many versions of kubenode."""
    project = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], "pip"]
    key = hashlib.sha256(repr((wanted, target)).encode()).hexdigest()[:16]

    def download(work: Path) -> None:
        pip("Downloading kubenode's dependencies", "download", *target.pip_options(), f"--dest={work}", *wanted)

    return made(cache / f"dependencies-{key}", download)


def wheelhouse(tree: Path, target: Target, cache: Path, name: str) -> Path:
    """The directory with wheelhouse.tar in it: `wheels/`, and `pip.whl` that installs them on the node."""

    def pack(work: Path) -> None:
        wheels = work / "wheels"
        shutil.copytree(dependencies(tree, target, cache), wheels)
        next(wheels.glob("pip-*.whl")).rename(work / "pip.whl")
        with tempfile.TemporaryDirectory() as scratch:
            build(tree, wheels, Path(scratch))
        with tarfile.open(work / "wheelhouse.tar", "w") as tar:
            tar.add(work / "pip.whl", "pip.whl")
            tar.add(wheels, "wheels")
        shutil.rmtree(wheels)
        (work / "pip.whl").unlink()

    return made(cache / name, pack)


def made(place: Path, make: Callable[[Path], None]) -> Path:
    """The directory `place`, made in a neighbour and renamed, so that a killed run leaves none that looks whole."""
    if not place.exists():
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".making-") as work:
            inner = Path(work) / place.name
            inner.mkdir()
            make(inner)
            inner.rename(place)
    os.utime(place)
    return place


def tidy(cache: Path) -> None:
    """Removes what was not used lately, and what killed runs left. Only under the lock."""
    entries = sorted(cache.glob("[!.]*"), key=lambda path: path.stat().st_mtime, reverse=True)
    directories = [path for path in entries if path.is_dir()]
    for path in (*directories[KEPT:], *cache.glob(".making-*")):
        shutil.rmtree(path)


def run(options: argparse.Namespace) -> dict[str, object]:
    target = Target(options.python, options.machine, options.glibc)
    name = fingerprint(options.tree, target)
    place = options.cache / name
    facts = {"fingerprint": name, "version": version(options.tree), "path": str(place / "wheelhouse.tar")}
    if options.check:
        return {**facts, "changed": not place.exists()}
    options.cache.mkdir(parents=True, exist_ok=True)
    # Plays run for many nodes at once: the first makes it, the others wait.
    with (options.cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        changed = not place.exists()
        wheelhouse(options.tree, target, options.cache, name)
        tidy(options.cache)
    return {**facts, "changed": changed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tree", type=Path, required=True, help="the collection's directory")
    parser.add_argument("--python", required=True, help="the node's Python, e.g. 3.11")
    parser.add_argument("--machine", required=True, help="the node's architecture, e.g. x86_64")
    parser.add_argument("--glibc", required=True, help="the node's C library, e.g. 2.36")
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--check", action="store_true", help="say what would be made, make nothing")
    try:
        print(json.dumps(run(parser.parse_args())))
    except Failure as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main()
