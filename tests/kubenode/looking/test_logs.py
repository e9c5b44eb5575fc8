"""`kubenode logs`, on a fake runtime and on real ones."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb
from support.fake_cri import fake_with_images
from support.node_config import write_config
from support.pods import Pods

REAL = [pytest.param("containerd16", marks=pytest.mark.real), pytest.param("containerd2", marks=pytest.mark.real)]
SECONDS = 30.0


@dataclass
class Node:
    """A node with a command line, and pods made straight over CRI."""

    config: Path
    pods: Pods

    @property
    def environment(self) -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if not name.startswith("KUBENODE_")}

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "kubenode", "logs", "--config", str(self.config), *arguments),
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str) -> tuple[int | None, str, str]:
        process = await self.start(*arguments)
        async with asyncio.timeout(SECONDS):
            output, errors = await process.communicate()
        return process.returncode, output.decode(), errors.decode()


async def line(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    async with asyncio.timeout(SECONDS):
        return await process.stdout.readline()


@pytest.fixture(params=["fake", *REAL])
async def node(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Node]:
    folder = tmp_path / "logs"
    folder.mkdir()
    if request.param == "fake":
        async with (
            fake_with_images(tmp_path / "cri.sock") as fake,
            CriClient(fake.endpoint) as cri,
            Pods(cri, folder, "/kubenode-test") as pods,
        ):
            yield Node(write_config(tmp_path, fake.endpoint), pods)
        return
    runtime = request.getfixturevalue(request.param)
    async with CriClient(runtime.endpoint) as cri, Pods(cri, folder, runtime.cgroup_root) as pods:
        yield Node(write_config(tmp_path, runtime.endpoint), pods)


async def test_both_streams_go_to_standard_output(node: Node) -> None:
    sandbox_id = await node.pods.run()
    await node.pods.exited(await node.pods.start(sandbox_id, "sh", "-c", "echo one; echo two >&2"))
    await node.pods.logged(sandbox_id, "F one")
    await node.pods.logged(sandbox_id, "F two")
    code, output, errors = await node.run("conformance/web")
    assert (code, sorted(output.splitlines()), errors) == (0, ["one", "two"], "")
    code, output, _ = await node.run("web/app", "--tail", "1", "--timestamps")
    assert (code, output.count("\n"), output[10:11]) == (0, 1, "T")
    assert (await node.run("web", "--since", "1h"))[1] != ""
    assert await node.run("web", "--since-time", "2099-01-01T00:00:00Z") == (0, "", "")


async def test_the_container_before_the_last_restart(node: Node) -> None:
    sandbox_id = await node.pods.run()
    await node.pods.start(sandbox_id, "sleep", "60", name="other")
    code, _, errors = await node.run("web/other", "--previous")
    assert (code, "has no previous one" in errors) == (3, True)
    await node.pods.exited(await node.pods.start(sandbox_id, "echo", "first"))
    await node.pods.logged(sandbox_id, "F first")
    # It waits to be started again: what is said of a crash is found under the same words before and after that.
    assert await node.run("web/app", "--previous") == (0, "first\n", "")
    await node.pods.exited(await node.pods.start(sandbox_id, "echo", "second", attempt=1))
    assert await node.run("web/app", "--previous") == (0, "first\n", "")
    assert await node.run("web/app") == (0, "second\n", "")


async def test_several_containers(node: Node) -> None:
    sandbox_id = await node.pods.run()
    await node.pods.exited(await node.pods.start(sandbox_id, "echo", "from app"))
    await node.pods.exited(await node.pods.start(sandbox_id, "echo", "from other", name="other"))
    code, output, errors = await node.run("web")
    assert (code, output, errors) == (
        0,
        "from app\n",
        "Container app of conformance/web, by default; it has app, other.\n",
    )
    assert await node.run("web", "-c", "other") == (0, "from other\n", "")
    assert await node.run("web", "--all-containers") == (0, "from app\nfrom other\n", "")
    code, _, errors = await node.run("web/nothing")
    assert (code, "has no container nothing. Its containers: app, other." in errors) == (3, True)


async def test_what_has_no_log_says_why(node: Node) -> None:
    sandbox_id = await node.pods.run()
    code, _, errors = await node.run("web")
    assert (code, errors) == (
        3,
        "kubenode: Pod conformance/web has no container yet. kubenode pods says what it waits for.\n",
    )
    await node.pods.create(sandbox_id)
    code, _, errors = await node.run("web")
    assert (code, "Container app of conformance/web has not started, so it has no log." in errors) == (3, True)


async def test_following_over_a_rotation_and_a_restart_until_the_pod_is_gone(node: Node) -> None:
    pods = node.pods
    sandbox_id = await pods.run()
    script = "echo one; trap 'echo two; exit 0' TERM; sleep 2147483647 & wait"
    container_id = await pods.start(sandbox_id, "sh", "-c", script)
    await pods.logged(sandbox_id, "F one")
    process = await node.start("web", "-f")
    try:
        assert await line(process) == b"one\n"
        log = pods.log(sandbox_id)
        log.rename(log.with_name(f"{log.name}.20300101-000000"))
        await pods.cri.reopen_container_log(pb.ReopenContainerLogRequest(container_id=container_id))
        await pods.cri.stop_container(pb.StopContainerRequest(container_id=container_id, timeout=10))
        assert await line(process) == b"two\n"
        await pods.exited(await pods.start(sandbox_id, "echo", "three", attempt=1))
        assert await line(process) == b"three\n"
        await pods.cri.remove_pod_sandbox(pb.RemovePodSandboxRequest(pod_sandbox_id=sandbox_id))
        shutil.rmtree(log.parent)
        async with asyncio.timeout(SECONDS):
            output, errors = await process.communicate()
        assert (process.returncode, output, errors) == (0, b"", b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_without_a_runtime_the_files_are_read(tmp_path: Path) -> None:
    config = write_config(tmp_path, f"unix://{tmp_path}/no.sock")
    directory = tmp_path / "logs" / "default_web-testnode_123" / "app"
    directory.mkdir(parents=True)
    for attempt in (0, 1):
        (directory / f"{attempt}.log").write_text(f"2020-01-01T00:00:00Z stdout F from {attempt}\n")
    async with CriClient(f"unix://{tmp_path}/no.sock") as cri:
        node = Node(config, Pods(cri, tmp_path, ""))
        code, output, errors = await node.run("web")
        assert (code, output) == (0, "from 1\n")
        assert f"Read from the files below {tmp_path}/logs instead." in errors
        assert (await node.run("web", "--previous"))[1] == "from 0\n"
        code, _, errors = await node.run("wbe")
        assert (code, "There is no pod wbe on this node. Did you mean web" in errors) == (3, True)


async def test_what_a_container_waits_for_is_told_by_the_agent(tmp_path: Path) -> None:
    status = {
        "name": "app",
        "state": "waiting",
        "reason": "ErrImagePull",
        "message": "registry.test/app:1 is not there",
    }
    pod = {"namespace": "default", "name": "web-testnode", "phase": "Pending", "containers": [status]}

    async def pods(_: web.Request) -> web.Response:
        return web.json_response({"node": "testnode", "complete": True, "pods": [pod]})

    app = web.Application()
    app.router.add_get("/v1/pods", pods)
    runner = web.AppRunner(app)
    (tmp_path / "run").mkdir()
    await runner.setup()
    try:
        await web.UnixSite(runner, str(tmp_path / "run" / "agent.sock")).start()
        async with fake_with_images(tmp_path / "cri.sock") as fake, CriClient(fake.endpoint) as cri:
            node = Node(write_config(tmp_path, fake.endpoint), Pods(cri, tmp_path, ""))
            for name in ("web", "web/app"):
                code, _, errors = await node.run(name)
                assert code == 3
                assert errors == (
                    "kubenode: Container app of default/web-testnode has not started, so it has no log. "
                    "ErrImagePull: registry.test/app:1 is not there.\n"
                )
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(("words", "found"), [("logs w", "web"), ("exec conformance/w", "conformance/web")])
async def test_the_shell_completes_names(node: Node, words: str, found: str) -> None:
    await node.pods.run()
    assert await completed(node, words) == [found]


async def test_completion_is_silent_where_nothing_can_be_asked(tmp_path: Path) -> None:
    async with CriClient("unix:///no.sock") as cri:
        assert await completed(Node(tmp_path / "gone.yaml", Pods(cri, tmp_path, "")), "logs w") == []


async def completed(node: Node, words: str) -> list[str]:
    """What bash is offered."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from kubenode.commands.app import main; main()"),
        env=node.environment
        | {
            "_KUBENODE_COMPLETE": "complete_bash",
            "COMP_WORDS": f"kubenode {words}",
            "COMP_CWORD": "2",
            "KUBENODE_CONFIG": str(node.config),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(SECONDS):
        output, errors = await process.communicate()
    assert errors == b""
    return output.decode().split()


async def test_wrong_usage_is_one_sentence(tmp_path: Path) -> None:
    config = write_config(tmp_path, "unix:///no.sock")
    async with CriClient("unix:///no.sock") as cri:
        node = Node(config, Pods(cri, tmp_path, ""))
        for arguments in (("--since", "soon"), ("--since-time", "noon"), ("--since", "1s", "--since-time", "x")):
            code, _, errors = await node.run("web", *arguments)
            assert (code, errors.count("\n")) == (64, 1), errors
