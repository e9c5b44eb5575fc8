"""`kubenode exec` on real runtimes, in their network: the streaming server listens on its loopback address only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from kubenode.clients.cri import CriClient
from support.containerd import RealRuntime
from support.node_config import write_config
from support.pods import Pods

POD = "conformance/web"


class Shell:
    """The command line on a runtime with one running pod, `web`."""

    def __init__(self, runtime: RealRuntime, config: Path) -> None:
        self.runtime = runtime
        self.config = config

    def line(self, *arguments: str) -> list[str]:
        return self.runtime.inside(sys.executable, "-m", "kubenode", "exec", "--config", str(self.config), *arguments)

    def run(self, *arguments: str, stdin: bytes | None = None) -> tuple[int, bytes, bytes]:
        done = subprocess.run(
            self.line(*arguments),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(params=["containerd16", "containerd2"])
async def shell(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shell]:
    runtime: RealRuntime = request.getfixturevalue(request.param)
    config = write_config(tmp_path, runtime.endpoint)
    async with CriClient(runtime.endpoint) as cri, Pods(cri, tmp_path, runtime.cgroup_root) as pods:
        await pods.start(await pods.run())
        yield Shell(runtime, config)


pytestmark = pytest.mark.real


def test_output_errors_and_exit_code(shell: Shell) -> None:
    assert shell.run(POD, "--", "sh", "-c", "echo out; echo err >&2; exit 4") == (4, b"out\n", b"err\n")
    assert shell.run("web/app", "--", "true") == (0, b"", b"")


def test_programs_get_a_report_beside_what_the_command_says(shell: Shell) -> None:
    report = ("--report", "word-1")
    told = shell.run(*report, POD, "--", "sh", "-c", "echo out; printf err >&2; exit 255")
    assert told == (0, b"out\n", b"errword-1 255\n")
    code, output, errors = shell.run(*report, "nosuch", "--", "true")
    assert (code, output) == (0, b"")
    assert errors.startswith(b"word-1 - There is no pod nosuch on this node.")


def test_a_node_without_a_configuration_is_told_its_runtime(shell: Shell) -> None:
    line = shell.runtime.inside(sys.executable, "-m", "kubenode", "exec", "--runtime-endpoint", shell.runtime.endpoint)
    done = subprocess.run([*line, POD, "--", "echo", "there"], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"there\n", b"")


def test_standard_input_and_its_end(shell: Shell) -> None:
    data = os.urandom(3 << 20)
    code, output, errors = shell.run("-i", POD, "--", "sh", "-c", "cat; exit 3", stdin=data)
    assert (code, errors, hashlib.sha256(output).digest()) == (3, b"", hashlib.sha256(data).digest())
    assert shell.run("-i", POD, "--", "cat", stdin=b"") == (0, b"", b"")
    assert shell.run("-i", POD, "--", "true", stdin=data)[0] == 0


def test_much_output_does_not_stay_in_memory(shell: Shell) -> None:
    command = "dd if=/dev/zero bs=65536 count=800 2>/dev/null"
    with subprocess.Popen(shell.line(POD, "--", "sh", "-c", command), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        time.sleep(1)  # all that it would take in while nobody reads
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split() or [str(process.pid)]
        resident = next(
            int(line.split()[1]) for line in Path(f"/proc/{child}/status").read_text().splitlines() if "VmRSS" in line
        )
        size = len(first)
        while piece := process.stdout.read(1 << 16):
            size += len(piece)
    assert (size, process.returncode) == (800 << 16, 0)
    assert resident < 150_000


def test_what_cannot_be_run_is_one_sentence(shell: Shell) -> None:
    code, output, errors = shell.run(POD, "--", "/no/such/program")
    assert (code, output, errors.count(b"\n")) == (3, b"", 1)
    assert b"/no/such/program" in errors
    code, _, errors = shell.run("wep", "--", "true")
    assert (code, b"Did you mean web" in errors) == (3, True)
    code, _, errors = shell.run("--timeout", "0.5", POD, "--", "sleep", "1000")
    assert (code, b"did not end in 0.5 s" in errors) == (3, True)


def on_terminal(line: Sequence[str], script: Sequence[tuple[bytes, bytes]], rows: int = 33) -> tuple[int, bytes, bool]:
    """Run it on a terminal, answer what it says by what is given; exit code, all it said, and terminal as before."""
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (rows, 101))
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(line, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    timer = threading.Timer(60, process.kill)
    timer.start()
    said = b""
    for awaited, answer in script:
        while awaited not in said:
            said += os.read(master, 4096)
        os.write(master, answer)
    code = process.wait()
    timer.cancel()
    same = termios.tcgetattr(slave) == before
    os.set_blocking(master, False)
    with contextlib.suppress(BlockingIOError):
        said += os.read(master, 65536)
    os.close(master)
    os.close(slave)
    return code, said, same


def test_a_terminal_of_its_size_that_is_as_before_in_the_end(shell: Shell) -> None:
    line = shell.line("-it", POD, "--", "sh", "-c", "echo ready; read x; stty size; echo got $x; exit 5")
    code, said, same = on_terminal(line, [(b"ready", b"hello\r")])
    assert (code, same) == (5, True)
    assert b"33 101" in said
    assert b"got hello" in said


def test_a_terminal_is_as_before_also_after_sigterm(shell: Shell) -> None:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    line = shell.line("-it", POD, "--", "sh", "-c", "echo ready; sleep 1000")
    # nsenter forks into the process namespace: its child, the command line, gets the signal.
    with subprocess.Popen(line, stdin=slave, stdout=slave, stderr=slave, start_new_session=True) as process:
        timer = threading.Timer(60, process.kill)
        timer.start()
        said = b""
        while b"ready" not in said:
            said += os.read(master, 4096)
        raw = termios.tcgetattr(slave)
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(child), signal.SIGTERM)
        code = process.wait()
        timer.cancel()
    after = termios.tcgetattr(slave)
    os.close(master)
    os.close(slave)
    assert code == 143
    assert raw != before
    assert after == before
