"""What every part needs of the host: running its commands, locks, whole-or-nothing files, timed progress."""

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

# The commands used, and the Debian and Ubuntu package that has each.
COMMANDS = {
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "iptables": "iptables",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}


class MachineError(Exception):
    """Something the user has to know: what was tried, what came back, and what to do next."""


def packages() -> list[str]:
    """The apt packages that hold all the commands used."""
    return sorted(set(COMMANDS.values()))


def require_host() -> None:
    """Raises MachineError unless this is root with every command there."""
    if os.geteuid() != 0:
        raise MachineError("machines need namespaces, mounts and a bridge: run this as root")
    missing = sorted({package for command, package in COMMANDS.items() if shutil.which(command) is None})
    if missing:
        raise MachineError(f"commands are missing on this host; install them: apt-get install -y {' '.join(missing)}")


def run(command: Sequence[str | Path], log: Path | None = None) -> str:
    """Runs a command to its end and returns its stdout; with a log, both its outputs go there instead.

    Raises MachineError, with the last lines said, when it does not exit with 0.
    """
    words = [str(word) for word in command]
    if log is None:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        said = done.stderr or done.stdout
    else:
        with log.open("ab") as output:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True, check=False)
        said = log.read_text(errors="replace")
    if done.returncode != 0:
        raise MachineError(f"`{shlex.join(words)}` exited with {done.returncode}:\n{tail(said)}")
    return done.stdout or ""


def succeeds(command: Sequence[str]) -> bool:
    """Whether a command that asks a question answers yes (exits with 0)."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def tail(text: str, lines: int = 15) -> str:
    """The last lines of a text that say something, each indented."""
    said = [line for line in text.splitlines() if line.strip()]
    return "\n".join(f"    {line}" for line in said[-lines:])


def say(text: str) -> None:
    """Tells the user, at once also when stdout is a pipe."""
    print(text, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Tells what begins and, when it ends well, how long it took."""
    say(f"{what} ...")
    began = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - began:.1f} s")


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Holds an exclusive lock on a directory, which is made for it and, when it is empty then, removed after it."""
    while True:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            _flock(handle, directory)
            if not _is_same(handle, directory):
                continue
            try:
                yield
            finally:
                _remove_if_empty(directory)
            return
        finally:
            os.close(handle)


def _flock(handle: int, directory: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"waiting for another run that works on {directory}", file=sys.stderr, flush=True)
        fcntl.flock(handle, fcntl.LOCK_EX)


def _is_same(handle: int, directory: Path) -> bool:
    # Whoever held the lock before may have removed the directory.
    try:
        return os.path.samestat(os.fstat(handle), directory.stat())
    except FileNotFoundError:
        return False


def _remove_if_empty(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:  # it holds something
        return


@contextmanager
def whole_directory(path: Path) -> Iterator[Path]:
    """A directory to fill, which gets its name only when the block ends well; what a killed run left is removed."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    remove_tree(unfinished)
    unfinished.mkdir(parents=True, mode=0o700)
    try:
        yield unfinished
        unfinished.rename(path)
    finally:
        remove_tree(unfinished)


def write_whole(path: Path, text: str, mode: int = 0o600) -> None:
    """Writes a file that is there whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text)
    unfinished.chmod(mode)
    unfinished.rename(path)


def remove_tree(path: Path) -> None:
    """Removes a directory tree that may be gone already."""
    if path.exists():
        shutil.rmtree(path)


def share_file(source: Path, target: Path) -> None:
    """Makes target the same file as source, by a link or, across file systems, a copy; a target that is there stays."""
    if target.exists():
        return
    try:
        os.link(source, target)
    except FileExistsError:
        return
    except OSError:
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copyfile(source, unfinished)
        unfinished.rename(target)
