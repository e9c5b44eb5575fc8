"""Volumes that cannot be had, now or ever: the pod says so and waits, and no other pays for it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from conftest import leave_out
from support.agent import FOREVER, AgentProcess, container, pod
from support.containerd import RealRuntime
from support.rich_pods import config_map, left_of_pods, secret, volume
from support.runtime_view import RuntimeView

HUNG = Path(__file__).parents[2] / "support" / "hung.py"
# More than the threads of the pool that asyncio has for two processors.
MANY = 8
MIB = 2**20


def shows(name: str, source: dict[str, Any], command: str = "ls /v", **mount: Any) -> dict[str, Any]:
    """A pod that looks into its volume, and stays."""
    mounts = [{"name": "v", "mountPath": "/v", **mount}]
    app = container(command=f"{command}; {FOREVER}", volumeMounts=mounts)
    return pod(name, containers=[app], volumes=[{"name": "v", **source}])


def host(name: str, path: Path, kind: str = "", command: str = "ls -d /v") -> dict[str, Any]:
    return shows(name, {"hostPath": {"path": str(path), "type": kind}}, command)


def test_odd_places_on_the_host(beside_agent: AgentProcess, tmp_path: Path) -> None:
    agent, folder = beside_agent, tmp_path / "host"
    folder.mkdir()
    os.mkfifo(folder / "fifo")
    (folder / "file").write_text("x")
    (folder / "dangling").symlink_to(folder / "nowhere")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "closed").mkdir(mode=0)
    (folder / "odd \t\\ 'name\"é").mkdir()
    (folder / "odd \t\\ 'name\"é" / "inside").touch()
    runs = (
        host("fifo", folder / "fifo"),
        host("closed", folder / "closed", "Directory"),
        host("odd", folder / "odd \t\\ 'name\"é", "Directory", "ls /v"),
    )
    waits = {
        "dangling": (host("dangling", folder / "dangling"), "dangling"),
        "loop": (host("loop", folder / "loop"), "loop"),
        "below-file": (host("below-file", folder / "file" / "x", "DirectoryOrCreate"), "file"),
        "no-directory": (host("no-directory", folder / "file", "Directory"), "it is a File"),
        "fifo-file": (host("fifo-file", folder / "fifo", "File"), "it is a Pipe"),
        "loop-typed": (host("loop-typed", folder / "loop", "Directory"), "nothing is there"),
        "dangling-file": (host("dangling-file", folder / "dangling", "FileOrCreate"), "dangling"),
    }
    agent.put_pods(*runs, *(made for made, _ in waits.values()))
    agent.start()
    agent.until_running("fifo", "closed", "odd")
    agent.until(lambda: agent.said(agent.pod("odd")) == ["inside"], "the odd one's content")
    for name, (_, why) in waits.items():
        told = agent.until_pod(name, lambda told: told.get("reason") == "FailedMount")
        assert why in told["message"], told["message"]
        assert "Traceback" not in told["message"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["fifo", "file", "dangling", "loop", "closed", "odd \t\\ 'name\"é"]
    )
    agent.clear()
    assert left_of_pods(agent) == []
    assert (folder / "file").read_text() == "x"


def test_large_and_many_and_odd_files(beside_agent: AgentProcess) -> None:
    agent = beside_agent
    agent.put_objects(
        config_map("huge", data="x" * MIB),
        config_map("many", **{f"key{number}": f"{number}\n" for number in range(200)}),
        secret("many", **{f"key{number}": f"{number}\n" for number in range(200)}),
        config_map("odd", **{"-": "a", ".x": "b", ".hidden": "c", "k" * 253: "d", "A_b.c-": "e"}),
    )
    count = "ls -A /v | grep -vc '^\\.\\.\\(data$\\|20\\)'; cat /v/key199"
    items = [{"key": "-", "path": "a b/ü\t'/$(X)"}, {"key": ".x", "path": ".x"}]
    agent.put_pods(
        shows("huge", {"configMap": {"name": "huge"}}, "wc -c < /v/data"),
        shows("many", {"configMap": {"name": "many"}}, count),
        shows("secrets", {"secret": {"secretName": "many"}}, count),
        shows("odd", {"configMap": {"name": "odd"}}, "cat /v/- /v/.x /v/.hidden /v/k* /v/A_b.c-; echo"),
        shows("paths", {"configMap": {"name": "odd", "items": items}}, "cat '/v/a b/ü\t'\\''/$(X)' /v/.x; echo"),
        shows("part", {"configMap": {"name": "odd"}}, "cat /v; echo", subPath=".x"),
    )
    agent.start()
    pods = agent.until_running("huge", "many", "secrets", "odd", "paths", "part")
    wanted = {"huge": [str(MIB)], "many": ["200", "199"], "secrets": ["200", "199"], "odd": ["abcde"], "paths": ["ab"]}
    for name, lines in {**wanted, "part": ["b"]}.items():
        agent.until(partial(says, agent, pods[name], lines), f"{name}: {lines}")
    agent.clear()
    assert left_of_pods(agent) == []


def says(agent: AgentProcess, told: dict[str, Any], lines: list[str]) -> bool:
    return agent.said(told) == lines


def test_a_full_disk_under_the_pods_directories(
    beside_agent: AgentProcess, containerd16: RealRuntime, view: RuntimeView
) -> None:
    agent = beside_agent
    agent.root.mkdir()
    with small_disk(containerd16, agent.root):
        probe = {"exec": {"command": ["cat", "/v/word"]}, "periodSeconds": 1}
        agent.put_objects(config_map("live", word="old"))
        early = shows("early", {"configMap": {"name": "live"}})
        early["spec"]["containers"][0]["readinessProbe"] = probe
        agent.put_pods(early)
        agent.start()
        told = agent.until_running("early")["early"]
        held = view.running()
        ballast(containerd16, agent.root)
        agent.put_objects(config_map("large", data="x" * 100_000), config_map("live", word="n" * 5000))
        agent.put_pods(shows("late", {"configMap": {"name": "large"}}, "wc -c < /v/data"))
        late = agent.until_pod("late", lambda told: told.get("reason") == "FailedMount")
        assert "No space left on device" in late["message"]
        agent.until(lambda: "cannot be kept" in agent.output.read_text(), "the warning")
        agent.until(lambda: agent.pod("early")["ready"], "the probe to pass")
        container_id = told["containers"][0]["containerId"]
        assert view.run(container_id, "cat /v/word") == ["old"]
        assert held.items() <= view.running().items()
        # A kill and a removal work on a full disk too.
        agent.kill()
        agent.start()
        subprocess.run(containerd16.inside("rm", f"{agent.root}/ballast"), check=True)
        # It is tried again, less and less often.
        after = agent.until_running("early", "late", within=60)
        assert agent.said(after["late"]) == ["100000"]
        assert after["early"]["containers"][0]["containerId"] == container_id
        agent.until(lambda: view.run(container_id, "cat /v/word") == ["n" * 5000], "the update")
        content = volume(agent, told, "configmap", "live")
        assert len(view.run(container_id, "ls -d /v/..20*")) == 1, content
        ballast(containerd16, agent.root)
        agent.clear()
        assert view.pods() == {}
        agent.kill()


@contextmanager
def small_disk(runtime: RealRuntime, place: Path) -> Iterator[None]:
    """A disk of a megabyte there, for all in the runtime's namespaces."""
    mount = ("mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place))
    subprocess.run(runtime.inside(*mount), check=True)
    try:
        yield
    finally:
        subprocess.run(runtime.inside("umount", "-l", str(place)), check=True)


def ballast(runtime: RealRuntime, place: Path) -> None:
    """Take all room that is left."""
    fill = ("sh", "-c", 'cat /dev/zero > "$0"/ballast 2>/dev/null', str(place))
    assert subprocess.run(runtime.inside(*fill), check=False).returncode


def test_places_that_hang_hold_up_nobody_else(
    beside_agent: AgentProcess, containerd16: RealRuntime, tmp_path: Path
) -> None:
    agent, place = beside_agent, tmp_path / "hung"
    place.mkdir()
    agent.put_pods(pod("before"))
    agent.start()
    before = agent.until_running("before")["before"]
    names = [f"hung{number}" for number in range(MANY)]
    with hanging(containerd16, place):
        agent.put_pods(*(host(name, place / "x", "Directory") for name in names))
        agent.until(lambda: len(agent.ask("pods")["manifests"]) > MANY, "all manifests to be read")
        agent.put_pods(shows("after", {"emptyDir": {"medium": "Memory"}}))
        agent.until_running("after", within=20)
        told = agent.until_pod(names[-1], lambda told: "no answer in" in told.get("message", ""))
        assert str(place / "x") in told["message"]
        assert agent.pod("before")["containers"] == before["containers"]
        agent.remove("after")
        agent.remove(names[0])
        agent.until(lambda: not {"after", names[0]} & agent.pods().keys(), "the removed ones to go")
        assert agent.stop() == 0
        agent.start()
    (place / "x").mkdir()
    agent.until_running(*names[1:], within=60)


@contextmanager
def hanging(runtime: RealRuntime, place: Path) -> Iterator[None]:
    """A place that answers nobody, for all in the runtime's namespaces."""
    if not Path("/dev/fuse").exists():
        leave_out("there is no /dev/fuse to make a place that hangs")
    command = runtime.inside(sys.executable, "-I", str(HUNG), str(place))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hung:
        assert hung.stdout is not None
        assert hung.stdout.readline() == "hangs\n"
        yield


def test_a_file_where_the_pods_directories_belong(beside_agent: AgentProcess) -> None:
    agent = beside_agent
    agent.root.mkdir()
    (agent.root / "pods").touch()
    agent.put_pods(pod("waits"))
    agent.start()
    told = agent.until_pod("waits", lambda told: told.get("reason"))
    assert str(agent.root / "pods") in told["message"]
    (agent.root / "pods").unlink()
    agent.until_running("waits")
