"""The agent killed after its n-th call of the runtime, for every n; the next one carries on from what it finds."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubenode.agent.once import OnCall, open_node, turn
from kubenode.clients.errors import ClientError
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from kubenode.model.names import PodKey
from kubenode.model.settings import KubeletConfiguration, KubenodeConfiguration, Settings
from kubenode.model.static_pod import DesiredPod, Origin, SourceKind, static_pod
from kubenode.sources.manifest import read_pod
from support.agent import container, pod
from support.fake_cri import FakeCri, fake_with_images

KEY = PodKey("default", "web-testnode")
FIRST, SECOND = (f"trap 'exit 0' TERM; sleep {seconds} & wait" for seconds in (1000, 2000))
OLD = pod("web", containers=[container("one", FIRST), container("two", FIRST)])
NEW = pod("web", containers=[container("one", FIRST), container("two", SECOND)])
MOST_TURNS = 10


def desired(manifest: dict[str, Any] | None) -> DesiredPod | None:
    if manifest is None:
        return None
    read = read_pod(yaml.safe_dump(manifest).encode())
    origin = Origin(SourceKind.FILE, "/etc/kubernetes/manifests/web.yaml")
    return DesiredPod(static_pod(read, origin, "testnode"), origin, seen_at=1.0)


def settings(fake: FakeCri, folder: Path) -> Settings:
    return Settings(
        kubelet=KubeletConfiguration(
            container_runtime_endpoint=fake.endpoint, pod_logs_dir=str(folder / "logs"), cgroups_per_qos=False
        ),
        kubenode=KubenodeConfiguration(
            root_directory=str(folder / "root"), container_logs_directory=str(folder / "containers")
        ),
        node_name="testnode",
    )


async def settle(fake: FakeCri, folder: Path, wanted: DesiredPod | None, on_call: OnCall | None = None) -> None:
    """Turns of one agent until it has nothing left to do."""
    async with open_node(settings(fake, folder), on_call) as node:
        for _ in range(MOST_TURNS):
            if not (await turn(node, KEY, wanted, {}, asyncio.Event())).plan.actions:
                return
    raise AssertionError(f"there is something to do in every one of {MOST_TURNS} turns")


async def settle_killed(fake: FakeCri, folder: Path, wanted: DesiredPod | None, after: int) -> bool:
    """As `settle`, killed after so many calls; whether it was."""
    life: asyncio.Task[None]
    calls = 0

    def count(_rpc: str, _seconds: float, _error: ClientError | None) -> None:
        nonlocal calls
        calls += 1
        if calls >= after:
            life.cancel()

    life = asyncio.create_task(settle(fake, folder, wanted, count))
    await asyncio.wait((life,))
    if not life.cancelled():
        await life
    return life.cancelled()


def running(fake: FakeCri) -> dict[str, str]:
    """The command of each running container, by its id."""
    return {
        one.status.id: one.config.command[-1]
        for one in fake.containers.values()
        if one.status.state == pb.CONTAINER_RUNNING
    }


def containers_of(fake: FakeCri, wanted: DesiredPod | None) -> set[str]:
    """The ids of the running containers of this very pod."""
    uid = wanted.uid if wanted else None
    return {found for found in running(fake) if fake.containers[found].config.labels[names.POD_UID] == uid}


@pytest.mark.parametrize(
    ("before", "after"), [(None, OLD), (OLD, NEW), (OLD, None)], ids=["start", "replacement", "removal"]
)
async def test_killed_after_any_call(
    tmp_path: Path, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    kills = 0
    while await killed_once(tmp_path / str(kills), before, after, kills + 1):
        kills += 1
    assert kills > 5


async def killed_once(folder: Path, before: dict[str, Any] | None, after: dict[str, Any] | None, calls: int) -> bool:
    """From one manifest to the other with one kill in between; whether there were that many calls."""
    async with fake_with_images(folder.with_suffix(".sock")) as fake:
        await settle(fake, folder, desired(before))
        killed = await settle_killed(fake, folder, desired(after), calls)
        survivors = containers_of(fake, desired(after))
        await settle(fake, folder, desired(after))
        wanted = [one["command"][-1] for one in after["spec"]["containers"]] if after else []
        assert sorted(running(fake).values()) == wanted
        assert len(fake.sandboxes) == (1 if after else 0)
        assert len(fake.containers) == len(wanted)
        assert {one.config.metadata.attempt for one in fake.containers.values()} <= {0}
        assert survivors <= containers_of(fake, desired(after))
        left = [path.name for name in ("logs", "containers") for path in (folder / name).glob("*")]
        assert len(left) == (1 + len(wanted) if after else 0)
    return killed
