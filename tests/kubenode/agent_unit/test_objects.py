"""The agent's view of local objects: live changes, restarts, and directories that cannot be read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from kubenode.agent.desired import Sources
from kubenode.agent.tables import pods_report
from kubenode.model.settings import KubeletConfiguration, KubenodeConfiguration, Settings
from kubenode.model.source import Snapshot

CANARY = "hunter2canary"
WITHIN = 5.0  # seconds


class Node:
    """Directories below a folder, and every snapshot that the sources gave."""

    def __init__(self, folder: Path) -> None:
        self.manifests = folder / "manifests"
        self.objects = folder / "objects"
        self.state = folder / "root" / "kubenode"
        self.manifests.mkdir()
        self.objects.mkdir(mode=0o700)
        # So rarely that what is seen was told by an event.
        kubelet = KubeletConfiguration(static_pod_path=str(self.manifests), file_check_frequency="10m")
        kubenode = KubenodeConfiguration(root_directory=str(folder / "root"), local_objects_path=str(self.objects))
        self.settings = Settings(kubelet=kubelet, kubenode=kubenode, node_name="node")
        self.snapshots: list[Snapshot] = []
        self._changed = asyncio.Event()

    def sources(self, *, keep: bool = True) -> Sources:
        return Sources(self.settings, lambda: 100.0, self._note, keep=keep)

    def _note(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)
        self._changed.set()

    def pod(self, name: str, refers_to: str = "") -> None:
        volume = f"  volumes: [{{name: v, secret: {{secretName: {refers_to}}}}}]\n" if refers_to else ""
        (self.manifests / f"{name}.yaml").write_text(
            f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\n"
            f"spec:\n  containers: [{{name: app, image: i}}]\n{volume}"
        )

    def secret(self, name: str, value: str = CANARY) -> None:
        path = self.objects / f"{name}.yaml"
        path.touch(mode=0o600)
        path.write_text(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\nstringData: {{key: {value}}}\n")

    async def until(self, told: Callable[[Snapshot], bool]) -> Snapshot:
        async with asyncio.timeout(WITHIN):
            while not (self.snapshots and told(self.snapshots[-1])):
                self._changed.clear()
                await self._changed.wait()
        return self.snapshots[-1]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def values(snapshot: Snapshot) -> dict[str, list[str]]:
    """What each pod has of objects, by the pod's name."""
    return {
        key.name.removesuffix("-node"): [value.values["key"].decode() for value in pod.objects.values()]
        for key, pod in snapshot.pods.items()
    }


async def watching(node: Node, test: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.create_task(node.sources().run())
    try:
        await test()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_change_reaches_the_pods_concerned_and_no_other(node: Node) -> None:
    node.pod("user", "web")
    node.pod("plain")
    node.secret("web")

    async def change() -> None:
        before = await node.until(lambda one: one.complete and values(one) == {"user": [CANARY], "plain": []})
        node.secret("web", "second")
        after = await node.until(lambda one: values(one) == {"user": ["second"], "plain": []})
        same = {key.name: before.pods[key] == after.pods[key] for key in before.pods}
        assert same == {"user-node": False, "plain-node": True}
        (node.objects / "web.yaml").unlink()
        await node.until(lambda one: values(one) == {"user": [], "plain": []})

    await watching(node, change)


async def test_no_pod_is_ever_shown_without_an_object_that_is_there(node: Node) -> None:
    node.pod("user", "web")
    node.secret("web")

    async def start() -> None:
        await node.until(lambda one: one.complete)

    await watching(node, start)
    assert [values(one) for one in node.snapshots if one.pods] == [{"user": [CANARY]}]


async def test_pods_that_need_no_objects_start_while_the_directory_is_missing(node: Node) -> None:
    node.pod("user", "web")
    node.pod("plain")
    node.objects.rmdir()
    snapshot = await node.sources().read()
    assert (values(snapshot), snapshot.complete) == ({"plain": []}, False)
    assert snapshot.errors == (
        f"{node.objects} cannot be read: No such file or directory",
        "default/user-node: waiting until ConfigMaps and Secrets can be read",
    )


async def test_after_a_restart_the_last_good_objects_are_used(node: Node) -> None:
    node.pod("user", "web")
    node.secret("web")
    await node.sources().read()
    kept = node.state / "objects.json"
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    node.objects.rename(node.objects.with_name("away"))
    assert values(await node.sources().read()) == {"user": [CANARY]}


async def test_a_look_keeps_nothing(node: Node) -> None:
    node.secret("web")
    await node.sources(keep=False).read()
    assert not node.state.exists()


async def test_objects_that_are_not_configured_any_more_leave_the_disk(node: Node) -> None:
    node.pod("plain")
    node.secret("web")
    await node.sources().read()
    without = msgspec.structs.replace(node.settings.kubenode, local_objects_path="")
    node.settings = msgspec.structs.replace(node.settings, kubenode=without)
    await node.sources().read()
    assert (node.state / "objects.json").read_bytes() == b"[]"


async def test_only_the_store_holds_a_value(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    node.pod("user", "web")
    node.secret("web")
    node.secret("other", f"{CANARY}: spoilt")
    sources = node.sources()
    snapshot = await sources.read()
    (node.objects / "web.yaml").chmod(0o644)
    later = await sources.read()
    report = pods_report(node.settings, later, [])
    assert [(one.object, one.state) for one in report.objects] == [("", "invalid"), ("Secret default/web", "held")]
    said = [repr(snapshot), repr(later), repr(later.pods), repr(later.objects), msgspec.json.encode(report).decode()]
    assert CANARY not in " ".join((*said, caplog.text))
    holders = [
        path.name for path in node.state.parent.rglob("*") if path.is_file() and b"aHVudGVy" in path.read_bytes()
    ]
    plain = [path.name for path in node.state.parent.rglob("*") if path.is_file() and CANARY in path.read_text()]
    assert (holders, plain) == ([], ["objects.json"])
