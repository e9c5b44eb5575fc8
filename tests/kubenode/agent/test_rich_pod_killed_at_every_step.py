"""A pod with all that pods can have, its agent killed after any call of the runtime and any change on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import msgspec
import pytest
import yaml

from kubenode.agent.once import OnCall, open_node, turn
from kubenode.clients.mounts import mounts_below
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.clients.threads import PatientCalls
from kubenode.model import names
from kubenode.model.names import PodKey
from kubenode.model.objects import ConfigMap, Objects, Secret, object_key
from kubenode.model.settings import KubeletConfiguration, KubenodeConfiguration, Settings
from kubenode.model.static_pod import DesiredPod, Origin, SourceKind, static_pod
from kubenode.sources.manifest import read_pod
from support.agent import container, pod
from support.fake_cri import FakeCri, fake_with_images
from support.private_mounts import needs_root, private_mounts

pytestmark = needs_root

P = ParamSpec("P")
T = TypeVar("T")

KEY = PodKey("default", "rich-testnode")
SIDECAR, OLD, NEW = (f"trap 'exit 0' TERM; sleep {seconds} & wait" for seconds in (1000, 2000, 3000))
MOUNTS = {
    "volumes/kubernetes.io~empty-dir/memory",
    "volumes/kubernetes.io~secret/keys",
    "volume-subpaths/memory/app/3",
}
HOOK = {"exec": {"command": ["echo", "hook"]}}
MOST_TURNS = 20


class Killed(BaseException):
    """Nothing of the agent goes on after it, so nobody may catch it."""


def rich(command: str) -> dict[str, Any]:
    volumes = ("conf", "keys", "memory")
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in volumes]
    part = {"name": "memory", "mountPath": "/part", "subPath": "a/b"}
    return pod(
        "rich",
        initContainers=[
            container("prepare", "exit 0", volumeMounts=mounts),
            container("proxy", SIDECAR, restartPolicy="Always"),
        ],
        containers=[
            container("app", command, volumeMounts=[*mounts, part], lifecycle={"postStart": HOOK, "preStop": HOOK})
        ],
        hostAliases=[{"ip": "192.0.2.7", "hostnames": ["other"]}],
        volumes=[
            {"name": "conf", "configMap": {"name": "conf"}},
            {"name": "keys", "secret": {"secretName": "keys"}},
            {"name": "memory", "emptyDir": {"medium": "Memory"}},
        ],
    )


def objects() -> Objects:
    conf = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}, "data": {"one": "1"}}
    keys = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"key": "k"}}
    made = (msgspec.convert(conf, ConfigMap), msgspec.convert(keys, Secret))
    return {object_key(one): one for one in made}


def desired(command: str | None) -> DesiredPod | None:
    if command is None:
        return None
    read = read_pod(yaml.safe_dump(rich(command)).encode())
    origin = Origin(SourceKind.FILE, "/etc/kubernetes/manifests/rich.yaml")
    return DesiredPod(static_pod(read, origin, "testnode"), origin, seen_at=1.0, objects=objects())


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


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The mounts are this thread's own, so nothing is left to others."""

    async def here(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        await asyncio.sleep(0)
        return work(*arguments, **named)

    async def look(_: PatientCalls, _subject: object, _seconds: float, work: Callable[..., T], *seen: object) -> T:
        return await asyncio.to_thread(work, *seen)

    monkeypatch.setattr(asyncio, "to_thread", here)
    monkeypatch.setattr(PatientCalls, "call", look)
    with private_mounts():
        yield tmp_path


async def settle(fake: FakeCri, folder: Path, wanted: DesiredPod | None, on_call: OnCall | None = None) -> None:
    """Turns of one agent until it has nothing left to do, and no init container runs."""
    async with open_node(settings(fake, folder), on_call) as node:
        for _ in range(MOST_TURNS):
            acted = (await turn(node, KEY, wanted, {}, asyncio.Event())).plan.actions
            if not await initialized(fake) and not acted:
                return
    raise AssertionError(f"there is something to do in every one of {MOST_TURNS} turns")


async def initialized(fake: FakeCri) -> bool:
    """Awaits the end of an init container that runs; whether there was one."""
    for one in fake.containers.values():
        if one.config.metadata.name == "prepare" and one.status.state == pb.CONTAINER_RUNNING:
            await one.ended.wait()
            return True
    return False


async def settle_killed(fake: FakeCri, folder: Path, wanted: DesiredPod | None, after: int) -> bool:
    """As `settle`, killed after so many steps; whether it was. Nothing is left to threads, which would live on."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps >= after:
            raise Killed

    async def at_once(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        await asyncio.sleep(0)
        done = work(*arguments, **named)
        step()
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "to_thread", at_once)
        try:
            await settle(fake, folder, wanted, lambda *_: step())
        except Killed:
            return True
    return False


def held(fake: FakeCri, wanted: DesiredPod | None) -> dict[str, str]:
    """What each container of this very pod runs, or that it ended, by id."""
    uid = wanted.uid if wanted else ""
    return {
        one.status.id: one.config.command[-1] if one.status.state == pb.CONTAINER_RUNNING else "ended"
        for one in fake.containers.values()
        if one.config.labels[names.POD_UID] == uid and one.status.state != pb.CONTAINER_CREATED
    }


# A change is an end and a start: fewer of its steps do.
@pytest.mark.parametrize(
    ("before", "after", "stride"), [(None, OLD, 1), (OLD, NEW, 3), (OLD, None, 1)], ids=["start", "change", "end"]
)
async def test_killed_after_any_step(place: Path, before: str | None, after: str | None, stride: int) -> None:
    step = 1
    while await killed_once(place / str(step), desired(before), desired(after), step):
        step += stride
    assert step > 15


async def test_a_start_that_was_killed_leaves_nothing_once_the_pod_is_not_wanted_any_more(place: Path) -> None:
    killed, step = True, 1
    while killed:
        folder = place / str(step)
        async with fake_with_images(folder.with_suffix(".sock")) as fake:
            killed = await settle_killed(fake, folder, desired(OLD), step)
            # As it is when the agent dies while the runtime still makes the sandbox, or the runtime loses its state.
            for sandbox_id in list(fake.sandboxes) if step % 2 else []:
                fake.drop_sandbox(sandbox_id)
            await settle(fake, folder, None)
            assert (fake.sandboxes, fake.containers) == ({}, {}), f"step {step}"
        check_disk(folder, None)
        step += 1
    assert step > 15


async def killed_once(folder: Path, before: DesiredPod | None, after: DesiredPod | None, steps: int) -> bool:
    """From one pod to the other with one kill in between; whether there were that many steps."""
    async with fake_with_images(folder.with_suffix(".sock")) as fake:
        await settle(fake, folder, before)
        killed = await settle_killed(fake, folder, after, steps)
        await initialized(fake)
        seen = held(fake, after)
        await settle(fake, folder, after)
        now = held(fake, after)
        assert seen.items() <= now.items(), f"step {steps}"
        wanted = sorted(["ended", SIDECAR, after.pod.spec.containers[0].command[-1]]) if after else []
        assert sorted(now.values()) == wanted, f"step {steps}"
        assert (len(fake.sandboxes), len(fake.containers)) == (bool(after), len(wanted)), f"step {steps}"
        assert {one.config.metadata.attempt for one in fake.containers.values()} <= {0}
    check_disk(folder, after)
    return killed


def check_disk(folder: Path, after: DesiredPod | None) -> None:
    """Nothing is there but what the pod has."""
    top = folder / "root" / "pods"
    mounted = {str(Path(one.path).relative_to(top)) for one in mounts_below(str(folder))}
    assert mounted == ({f"{after.uid}/{part}" for part in MOUNTS} if after else set())
    assert [path.name for path in top.glob("*")] == ([after.uid] if after else [])
    assert len(list((folder / "logs").glob("*"))) == bool(after)
    assert len(list((folder / "containers").glob("*"))) == (3 if after else 0)
    if after:
        parts = {path.name for path in (top / after.uid).iterdir()}
        assert parts == {".kubenode.json", "containers", "etc-hosts", "volumes", "volume-subpaths"}
