"""One pod's worker, against the fake runtime: turn after turn until the pod is as desired."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from grpc import StatusCode

from kubenode.agent.once import Node, Turn, open_node
from kubenode.agent.worker import Worker
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.names import PodKey
from kubenode.model.pod import Pod
from kubenode.model.settings import KubeletConfiguration, KubenodeConfiguration, Settings
from kubenode.model.static_pod import DesiredPod, Origin, SourceKind, static_pod
from support.fake_cri import FakeCri
from support.fake_images import image
from support.images import BUSYBOX

WITHIN = 10.0  # seconds
FOREVER = ["sh", "-c", "trap 'exit 0' TERM; sleep infinity & wait"]
ORIGIN = Origin(SourceKind.FILE, "/m/web.yaml")


def pod(name: str = "web", **container: Any) -> DesiredPod:
    """A pod of one container that runs for ever, unless its fields say more."""
    fields = {"name": "app", "image": BUSYBOX, "imagePullPolicy": "IfNotPresent", "command": FOREVER, **container}
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [fields], "terminationGracePeriodSeconds": 2},
    }
    return DesiredPod(static_pod(msgspec.convert(manifest, Pod), ORIGIN, "node"), ORIGIN, 1.0)


class Workers:
    """Workers by pod key, as the agent has them, and every turn that they took."""

    def __init__(self, node: Node, fake: FakeCri) -> None:
        self.node = node
        self.fake = fake
        self.turns: list[Turn] = []
        self.tasks: dict[PodKey, asyncio.Task[None]] = {}
        self._workers: dict[PodKey, Worker] = {}

    def want(self, desired: DesiredPod) -> Worker:
        key = desired.key
        if key not in self._workers:
            self._workers[key] = Worker(key, self.node, lambda _worker, turn, _seconds: self.turns.append(turn))
            self._workers[key].want(desired)
            self.tasks[key] = asyncio.create_task(self._workers[key].run())
        self._workers[key].want(desired)
        return self._workers[key]

    async def until(self, so: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN):
            while not so():
                for task in self.tasks.values():
                    if task.done() and not task.cancelled():
                        task.result()
                await asyncio.sleep(0.005)

    async def until_running(self, desired: DesiredPod) -> None:
        await self.until(lambda: [desired.uid] == self.running(desired.key))

    def running(self, key: PodKey) -> list[str]:
        """The UIDs of the key's running containers."""
        return [
            self.fake.sandboxes[container.sandbox_id].status.metadata.uid
            for container in self.fake.containers.values()
            if container.status.state == pb.CONTAINER_RUNNING
            and self.fake.sandboxes[container.sandbox_id].status.metadata.name == key.name
        ]


@pytest.fixture
async def workers(fake_cri: FakeCri, tmp_path: Path) -> AsyncIterator[Workers]:
    settings = Settings(
        kubelet=KubeletConfiguration(
            container_runtime_endpoint=fake_cri.endpoint,
            pod_logs_dir=str(tmp_path / "logs"),
            cgroups_per_qos=False,
        ),
        kubenode=KubenodeConfiguration(
            root_directory=str(tmp_path / "root"), container_logs_directory=str(tmp_path / "links")
        ),
        node_name="node",
    )
    async with open_node(settings) as node:
        found = Workers(node, fake_cri)
        yield found
        for task in found.tasks.values():
            task.cancel()
        await asyncio.gather(*found.tasks.values(), return_exceptions=True)


def _done(turn: Turn) -> list[str]:
    return [f"{type(outcome.action).__name__} {outcome.result}" for outcome in turn.outcomes]


async def test_a_pod_is_started_and_then_left_alone(workers: Workers) -> None:
    worker = workers.want(pod())
    await workers.until(lambda: worker.settled)
    assert workers.running(worker.key) == [pod().uid]
    assert [_done(turn) for turn in workers.turns] == [
        [
            "MakePodDirectory done",
            "RunSandbox done",
            "WriteHosts done",
            "CreateContainer done",
            "StartContainer done",
        ],
        [],
    ]


async def test_a_preview_changes_nothing(workers: Workers) -> None:
    worker = Worker(pod().key, workers.node, lambda *_: None)
    worker.want(pod())
    assert [type(action).__name__ for action in (await worker.preview()).plan.actions] == [
        "MakePodDirectory",
        "RunSandbox",
        "WriteHosts",
        "CreateContainer",
        "StartContainer",
    ]
    assert not workers.fake.sandboxes


async def test_a_changed_pod_takes_the_old_ones_place(workers: Workers) -> None:
    worker = workers.want(pod())
    await workers.until_running(pod())
    changed = pod(env=[{"name": "A", "value": "2"}])
    workers.want(changed)
    await workers.until(lambda: worker.settled and workers.running(worker.key) == [changed.uid])
    assert {box.status.metadata.uid for box in workers.fake.sandboxes.values()} == {changed.uid}


async def test_a_removed_pod_leaves_nothing_and_ends_its_worker(workers: Workers, tmp_path: Path) -> None:
    worker = workers.want(pod())
    await workers.until_running(pod())
    worker.want(None)
    await asyncio.wait_for(workers.tasks[worker.key], WITHIN)
    assert not workers.fake.sandboxes
    assert not workers.fake.containers
    assert [path.name for folder in ("logs", "links") for path in (tmp_path / folder).iterdir()] == []


async def test_a_container_that_ends_runs_again(workers: Workers) -> None:
    worker = workers.want(pod())
    await workers.until(lambda: worker.settled)
    (container_id,) = workers.fake.containers
    workers.fake.exit(container_id, 3)
    worker.wake()
    await workers.until(lambda: worker.settled and workers.running(worker.key) == [pod().uid])
    states = {c.status.metadata.attempt: (c.status.state, c.status.exit_code) for c in workers.fake.containers.values()}
    assert states == {0: (pb.CONTAINER_EXITED, 3), 1: (pb.CONTAINER_RUNNING, 0)}


async def test_the_latest_pod_wins_during_a_pull(workers: Workers) -> None:
    """The first version's image never comes; the second does not wait for it."""
    slow = pod(image="r.test/slow:1")
    workers.fake.registry["r.test/slow:1"] = image("r.test/slow:1")
    workers.fake.delay("PullImage", 3600)
    worker = workers.want(slow)
    await workers.until(lambda: workers.fake.calls["PullImage"] == 1)
    workers.want(pod())
    await workers.until(lambda: worker.settled and workers.running(worker.key) == [pod().uid])
    given_up = next(_done(turn) for turn in workers.turns if turn.outcomes)
    assert given_up == [
        "MakePodDirectory done",
        "RunSandbox done",
        "PullImage skipped",
        "WriteHosts skipped",
        "CreateContainer skipped",
        "StartContainer skipped",
    ]


async def test_nothing_of_a_superseded_plan_is_begun(workers: Workers) -> None:
    """The sandbox under way is carried through; the rest of its plan is not."""
    workers.fake.delay("RunPodSandbox", 0.1)
    worker = workers.want(pod(command=["false"]))
    await workers.until(lambda: workers.fake.calls["RunPodSandbox"] == 1)
    workers.want(pod())
    await workers.until(lambda: worker.settled and workers.running(worker.key) == [pod().uid])
    assert _done(workers.turns[0]) == [
        "MakePodDirectory done",
        "RunSandbox done",
        "WriteHosts skipped",
        "CreateContainer skipped",
        "StartContainer skipped",
    ]
    assert workers.fake.calls["CreateContainer"] == 1


async def test_a_runtime_that_fails_is_asked_again(workers: Workers) -> None:
    workers.fake.fail("ListPodSandbox", StatusCode.UNAVAILABLE, "starting", times=3)
    worker = workers.want(pod())
    await workers.until(lambda: "ListPodSandbox" in worker.error)
    await workers.until_running(pod())
    await workers.until(lambda: worker.settled)
    assert worker.error == ""


async def test_a_failed_step_is_remembered_and_skips_what_depends_on_it(workers: Workers) -> None:
    worker = workers.want(pod(image="r.test/gone:1"))
    await workers.until(lambda: worker.settled)
    assert _done(workers.turns[0]) == [
        "MakePodDirectory done",
        "RunSandbox done",
        "PullImage failed",
        "WriteHosts done",
        "CreateContainer skipped",
        "StartContainer skipped",
    ]
    failure = worker.failures["image:r.test/gone:1"]
    assert (failure.count, failure.reason) == (1, "ErrImagePull")
    assert workers.turns[-1].plan.wake_at == failure.at + 10


async def test_a_sandbox_that_fails_stops_the_plan(workers: Workers) -> None:
    workers.fake.fail("RunPodSandbox", StatusCode.UNKNOWN, "no network", times=1)
    worker = workers.want(pod())
    await workers.until(lambda: worker.settled)
    assert _done(workers.turns[0]) == [
        "MakePodDirectory done",
        "RunSandbox failed",
        "WriteHosts skipped",
        "CreateContainer skipped",
        "StartContainer skipped",
    ]
    assert "no network" in worker.failures["sandbox"].message


async def test_one_hung_pod_does_not_delay_another(workers: Workers) -> None:
    """The first pod's pull hangs; the second needs none."""
    hung = pod("hung", image="r.test/slow:1")
    workers.fake.registry["r.test/slow:1"] = image("r.test/slow:1")
    workers.fake.delay("PullImage", 3600)
    first = workers.want(hung)
    await workers.until(lambda: workers.fake.calls["PullImage"] == 1)
    second = workers.want(pod())
    await workers.until(lambda: second.settled)
    assert (workers.running(second.key), workers.running(first.key), first.settled) == ([pod().uid], [], False)


async def test_who_asks_for_a_turn_gets_the_next_one(workers: Workers) -> None:
    worker = workers.want(pod())
    await workers.until(lambda: worker.settled)
    turns = await asyncio.wait_for(worker.next_turns(), WITHIN)
    assert turns[-1] is workers.turns[-1]
    assert turns[-1].plan.actions == ()


async def test_who_asks_while_the_runtime_fails_gets_the_turn_that_works(workers: Workers) -> None:
    workers.fake.fail("ListPodSandbox", StatusCode.UNAVAILABLE, "starting", times=2)
    worker = workers.want(pod())
    await asyncio.wait_for(worker.next_turns(), WITHIN)
    assert worker.error == ""


async def test_an_agent_that_ends_leaves_its_pods(workers: Workers) -> None:
    worker = workers.want(pod())
    await workers.until(lambda: worker.settled)
    workers.tasks[worker.key].cancel()
    await asyncio.wait([workers.tasks[worker.key]])
    assert workers.running(worker.key) == [pod().uid]
    again = Worker(worker.key, workers.node, lambda *_: None)
    again.want(pod())
    assert (await again.preview()).plan.actions == ()
