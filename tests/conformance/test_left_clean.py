"""A host that ran these tests is left as it was found, also when they are killed."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from support.containerd import DEBIAN_BINARIES, RealRuntime

TESTS = Path(__file__).resolve().parent.parent

# A test run of its own: a pod is up, its folder and processes are told, and then it waits to be killed.
RUN = """
import asyncio, pathlib, sys
from kubenode.clients.cri import CriClient
from support import images
from support.containerd import RealRuntime
from support.pods import Pods

async def main():
    runtime = RealRuntime(pathlib.Path(sys.argv[1]), images.PAUSE)
    for name in (images.PAUSE, images.BUSYBOX):
        runtime.load(pathlib.Path(sys.argv[2], name.split("/")[1].split(":")[0] + ".tar"), name)
    pods = Pods(CriClient(runtime.endpoint), runtime.root, runtime.cgroup_root)
    await pods.start(await pods.run())
    print(runtime.root, runtime.janitor_pid, runtime.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.usefixtures("containerd16")
def test_nothing_is_left_of_a_killed_run(image_archives: dict[str, Path]) -> None:
    archives = next(iter(image_archives.values())).parent
    command = [sys.executable, "-c", RUN, str(DEBIAN_BINARIES), str(archives)]
    environment = os.environ | {"PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        root, janitor, holder = run.stdout.readline().split()
        processes = [os.pidfd_open(int(pid)) for pid in (janitor, holder)]
        assert _cgroups(Path(root))
        run.kill()
    for process in processes:
        assert select.select([process], [], [], 30)[0], "it goes on"
        os.close(process)
    assert not Path(root).exists()
    assert not _cgroups(Path(root))


def test_pods_do_not_show_outside(containerd16: RealRuntime) -> None:
    """Neither their mounts nor their interfaces are the host's."""
    assert str(containerd16.root) not in Path("/proc/self/mountinfo").read_text()
    assert not Path("/sys/class/net/kn0").exists()


def _cgroups(root: Path) -> list[Path]:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    hierarchies = [Path(target) for _, target, kind, *_ in mounts if kind in ("cgroup", "cgroup2")]
    return [hierarchy / root.name for hierarchy in hierarchies if (hierarchy / root.name).exists()]
