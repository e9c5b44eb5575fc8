"""The first process of a runtime's namespaces: `holder.py FOLDER CONTAINERD CONFIG`, as PID 1.

It makes the namespaces fit, keeps containerd as its child so that shims and pods outlive it, and reaps the orphaned.
Commands come on its input, one a line: start, stop, kill, pause, resume; each is answered by a line, "ok" or what went
wrong. When its input ends, it ends, and the kernel with it all that runs here. Standard library only.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

READY_WITHIN = 30.0  # seconds


def prepare(folder: Path) -> None:
    """Hides where runtimes and network plugins write by fixed paths; their cache and addresses stay to be looked at."""
    cni = folder / "cni"
    cni.mkdir()
    for target in ("/run", "/var/lib"):
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", target)
    Path("/var/lib/cni").mkdir()
    _run("mount", "--bind", str(cni), "/var/lib/cni")
    _run("ip", "link", "set", "lo", "up")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


class Holder:
    """Keeps one containerd."""

    def __init__(self, folder: Path, command: list[str]) -> None:
        self.folder = folder
        self.command = command
        self.child = 0
        self.wake, waker = socket.socketpair()
        self.wake.setblocking(False)
        waker.setblocking(False)
        self._waker = waker
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker.fileno())
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(folder / "notify"))

    def serve(self) -> None:
        print("ok", flush=True)
        buffer = b""
        while True:
            ready, _, _ = select.select([sys.stdin, self.wake], [], [])
            self.reap()
            if sys.stdin not in ready:
                continue
            data = os.read(0, 4096)
            if not data:
                return
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                print(self.obey(line.decode()), flush=True)

    def reap(self) -> None:
        try:
            self.wake.recv(4096)
        except BlockingIOError:
            return
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.child:
                self.child = 0

    def obey(self, command: str) -> str:
        match command:
            case "start" if not self.child:
                return self.start()
            case "stop" | "kill" if self.child:
                os.kill(self.child, signal.SIGTERM if command == "stop" else signal.SIGKILL)
                self.wait_for_exit()
            case "pause" if self.child:
                os.kill(self.child, signal.SIGSTOP)
            case "resume" if self.child:
                os.kill(self.child, signal.SIGCONT)
            case _:
                return f"cannot {command}: containerd is {'running' if self.child else 'not running'}"
        return "ok"

    def start(self) -> str:
        log = str(self.folder / "containerd.log")
        self.child = os.posix_spawn(
            self.command[0],
            self.command,
            os.environ | {"NOTIFY_SOCKET": str(self.folder / "notify")},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
        )
        while self.child:
            ready, _, _ = select.select([self.notify, self.wake], [], [], READY_WITHIN)
            self.reap()
            if self.notify in ready and b"READY=1" in self.notify.recv(4096):
                return "ok"
            if not ready:
                return f"containerd is not ready after {READY_WITHIN:g} s"
        return "containerd ended at once"

    def wait_for_exit(self) -> None:
        while self.child:
            select.select([self.wake], [], [])
            self.reap()


def main(words: list[str]) -> None:
    folder = Path(words[0])
    prepare(folder)
    Holder(folder, words[1:]).serve()


if __name__ == "__main__":
    main(sys.argv[1:])
