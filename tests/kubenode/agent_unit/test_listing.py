"""The runtime's pods and containers as one list, on the fake runtime."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from kubenode.agent.listing import listing
from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb
from support.fake_cri import FakeCri
from support.images import BUSYBOX
from support.pods import NAMESPACE, Pods


async def test_pods_with_their_newest_containers(fake_cri: FakeCri, tmp_path: Path) -> None:
    async with CriClient(fake_cri.endpoint) as cri, Pods(cri, tmp_path, "/test") as pods:
        config = pods.config("web", labels={"app": "web"}, annotations={"who": "test"})
        sandbox = await pods.run(config)
        first = await pods.start(sandbox)
        fake_cri.exit(first, 1)
        second = await pods.start(sandbox, attempt=1)
        created = await pods.create(sandbox, name="later", labels={"a": "b"})
        empty = await pods.run(pods.config("empty", host_network=True))
        found = await listing(cri)
    assert found.endpoint == fake_cri.endpoint
    nothing, web = found.pods
    assert (nothing.name, nothing.id, nothing.ips, nothing.containers) == ("empty", empty, (), ())
    assert (web.namespace, web.name, web.uid, web.id) == (NAMESPACE, "web", config.metadata.uid, sandbox)
    assert (web.state, web.labels, web.annotations, len(web.ips)) == ("ready", {"app": "web"}, {"who": "test"}, 1)
    app, later = web.containers
    assert (app.id, app.name, app.attempt, app.state, app.image) == (second, "app", 1, "running", BUSYBOX)
    assert (later.id, later.name, later.state, later.labels) == (created, "later", "created", {"a": "b"})
    assert 0 < app.created_at <= later.created_at


async def test_of_one_name_the_newest_pod_counts(fake_cri: FakeCri, tmp_path: Path) -> None:
    async with CriClient(fake_cri.endpoint) as cri, Pods(cri, tmp_path, "/test") as pods:
        old = await pods.run()
        await pods.start(old)
        await cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=old))
        (stopped,) = (await listing(cri)).pods
        new = await pods.run()
        (running,) = (await listing(cri)).pods
    assert (stopped.id, stopped.state, stopped.ips, stopped.containers[0].state) == (old, "notready", (), "exited")
    assert (running.id, running.state, running.containers) == (new, "ready", ())


async def test_a_pod_keeps_its_containers_over_a_new_sandbox(fake_cri: FakeCri, tmp_path: Path) -> None:
    async with CriClient(fake_cri.endpoint) as cri, Pods(cri, tmp_path, "/test") as pods:
        config = pods.config()
        old = await pods.run(config)
        await pods.start(old)
        await cri.stop_pod_sandbox(pb.StopPodSandboxRequest(pod_sandbox_id=old))
        config.metadata.attempt = 1
        await pods.run(config)
        (pod,) = (await listing(cri)).pods
    assert (pod.attempt, [one.state for one in pod.containers]) == (1, ["exited"])


async def test_the_command(fake_cri: FakeCri, tmp_path: Path) -> None:
    async with CriClient(fake_cri.endpoint) as cri, Pods(cri, tmp_path, "/test") as pods:
        assert await _run("--runtime-endpoint", fake_cri.endpoint) == (0, "no pods\n", "")
        sandbox = await pods.run()
        container = await pods.start(sandbox)
        await pods.run(pods.config("empty"))
        code, table, _ = await _run("--runtime-endpoint", fake_cri.endpoint)
        _, text, _ = await _run("--runtime-endpoint", fake_cri.endpoint, "-o", "json")
    assert code == 0
    assert [line.split()[:5] for line in table.splitlines()] == [
        ["NAMESPACE", "POD", "CONTAINER", "STATE", "ATTEMPT"],
        [NAMESPACE, "empty", "-", "ready", "0"],
        [NAMESPACE, "web", "app", "running", "0"],
    ]
    assert table.splitlines()[2].endswith(f"{BUSYBOX}  {container[:13]}")
    assert json.loads(text)["pods"][1]["containers"][0]["imageRef"]


async def test_the_command_without_a_runtime(tmp_path: Path) -> None:
    code, output, errors = await _run("--runtime-endpoint", f"unix://{tmp_path}/no.sock")
    assert (code, output) == (3, "")
    assert f"{tmp_path}/no.sock" in errors
    assert errors.count("\n") == 1


async def _run(*arguments: str) -> tuple[int, str, str]:
    """In a thread: the fake runtime answers in this one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KUBENODE_")}
    line = [sys.executable, "-m", "kubenode", "containers", *arguments]
    done = await asyncio.to_thread(
        subprocess.run, line, capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    return done.returncode, done.stdout, done.stderr
