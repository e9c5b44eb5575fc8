"""describe, explain and events, as their users see them, with an agent whose answers are made up."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from kubenode.agent.describing import pod_detail
from kubenode.model.actions import Failure
from kubenode.model.describe import PodDetail
from kubenode.model.events import Event, EventsReport
from kubenode.model.names import PodKey
from kubenode.model.objects import Secret, object_key
from kubenode.model.pod import Metadata
from kubenode.model.reports import AgentState, ManifestState, PodsReport, SyncReport
from kubenode.model.source import Item, ItemState, Snapshot
from kubenode.model.static_pod import DesiredPod
from kubenode.report.events import EventStore
from kubenode.serve.http import PodAnswers, serve_admin
from support.node_config import write_config
from support.plans import desired_pod, observed_pod, settings

CANARY = "c4n4ry-v4lu3"
SPEC: dict[str, Any] = {
    "initContainers": ["prepare"],
    "containers": [
        {
            "name": "app",
            "command": ["serve", "--port", "80"],
            "ports": [{"containerPort": 80, "name": "http"}],
            "env": [
                {"name": "MODE", "value": "fast"},
                {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            ],
            "envFrom": [{"secretRef": {"name": "db"}, "prefix": "DB_"}],
            "resources": {"limits": {"memory": "64Mi"}, "requests": {"cpu": "100m"}},
            "livenessProbe": {"httpGet": {"port": "http", "path": "/live"}},
            "readinessProbe": {"exec": {"command": ["check"]}},
            "volumeMounts": [{"name": "secret", "mountPath": "/secret", "readOnly": True}],
        }
    ],
    "volumes": [{"name": "secret", "secret": {"secretName": "db"}}, {"name": "work", "emptyDir": {}}],
    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    "nodeSelector": {"disk": "ssd"},
}
SECRET = Secret(
    api_version="v1", kind="Secret", metadata=Metadata(name="db"), string_data={"password": CANARY, "user": CANARY}
)
EXITED = {"state": "exited", "exit_code": 137, "started_at": 900.0, "finished_at": 950.0, "reason": "OOMKilled"}


def _event(message: str, age: float, pod: str = "web-node", kind: str = "Normal", count: int = 1) -> Event:
    at = time.time() - age
    return Event(
        type=kind,
        reason="Told",
        message=message,
        namespace="default" if pod else "",
        pod=pod,
        source="" if pod else "/manifests/bad.yaml",
        count=count,
        first_at=at - 60,
        last_at=at,
    )


def _desired() -> DesiredPod:
    desired = desired_pod(SPEC)
    return DesiredPod(desired.pod, desired.origin, 100.0, {object_key(SECRET): SECRET})


class FakeAgent:
    """What it tells can be changed while it runs."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "run" / "agent.sock"
        self.store = EventStore(folder / "events.jsonl", time.time)
        self.store.record([_event("long ago", 7200), _event("failed twice", 5, kind="Warning", count=2)])
        self.store.record([_event("of another", 4, pod="other-node"), _event("bad.yaml:3: no such field", 3, pod="")])
        self.detail = self._detail({"prepare-0": {"state": "exited"}, "app-0": EXITED, "app-1": {}}, {})

    def _detail(self, containers: dict[str, Any], failed: dict[str, Failure]) -> PodDetail:
        desired = _desired()
        item = Item(desired.origin, ItemState.VALID, desired)
        observed = observed_pod(desired, {"s0": {}}, containers)
        snapshot = Snapshot({desired.key: desired}, (item,), complete=True)
        told = self.store.of(desired.key)
        return pod_detail(desired, observed, failed, settings(), 1000.0, snapshot, events=told)

    def fail(self) -> None:
        """The container's image cannot be pulled."""
        failure = Failure(1, 999.0, "ErrImagePull", "no such host")
        self.detail = self._detail({"prepare-0": {"state": "exited"}}, {"image:r.test/app:1": failure})

    def pods(self) -> PodsReport:
        bad = ManifestState(
            source=f"{self.socket.parent.parent}/bad.yaml", state="invalid", reason="$.spec.x is no field", line=3
        )
        return PodsReport(node="testnode", pods=(self.detail.status,), manifests=(bad,))

    def pod(self, key: PodKey) -> PodDetail | None:
        return self.detail if key == PodKey("default", "web-node") else None

    def events(self) -> EventsReport:
        return EventsReport(node="testnode", events=self.store.all())

    def follow(self) -> AsyncGenerator[Event, None]:
        return self.store.follow()

    async def serve(self) -> None:
        async def sync(_dry_run: bool) -> SyncReport:
            raise AssertionError("nobody asks for it")

        def state() -> AgentState:
            raise AssertionError("nobody asks for it")

        answers = PodAnswers(pod=self.pod, events=self.events, follow=self.follow)
        await serve_admin(self.socket, pods=self.pods, sync=sync, state=state, answers=answers)


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[FakeAgent]:
    fake = FakeAgent(tmp_path)
    serving = asyncio.create_task(fake.serve())
    while not fake.socket.exists():
        await asyncio.sleep(0.01)
    yield fake
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_config(tmp_path, f"unix://{tmp_path}/no.sock")


async def _start(*arguments: str | Path) -> asyncio.subprocess.Process:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KUBENODE_")}
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "kubenode", *map(str, arguments)]
    return await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe, env=environment)


async def _run(*arguments: str | Path) -> tuple[int | None, str, str]:
    process = await _start(*arguments)
    output, errors = await process.communicate()
    assert CANARY not in output.decode() + errors.decode()
    return process.returncode, output.decode(), errors.decode()


async def test_describe_for_people(agent: FakeAgent, config: Path) -> None:
    code, output, errors = await _run("describe", "web-node", "--config", config)
    assert (code, errors) == (0, "")
    titles = [line.split("  ")[0].rstrip(":") for line in output.splitlines() if not line.startswith(" ")]
    assert titles == (
        "Name Namespace Priority Node Start_Time Labels Annotations Status IP IPs Manifest Init_Containers Containers "
        "Conditions Volumes QoS_Class Node-Selectors Tolerations Events"
    ).replace("_", "~").replace(" ", "|").replace("~", " ").split("|")
    for line in (
        "Manifest:          /manifests/web.yaml (valid)",
        "    Port:            80/TCP (http)",
        "    State:           Running",
        "    Last State:      Terminated",
        "      Reason:        OOMKilled",
        "      Exit Code:     137 (signal 9, SIGKILL)",
        "    Ready:           False",
        "    Restart Count:   1",
        "      memory:    64Mi",
        "    Liveness:        http-get http://:http/live delay=0s timeout=1s period=10s #success=1 #failure=3",
        "    Readiness:       exec [check] delay=0s timeout=1s period=10s #success=1 #failure=3",
        "      db (Secret) with prefix 'DB_'  Optional: false",
        "      MODE:        fast",
        "      PASSWORD:    <set to the key 'password' in secret 'db'>  Optional: false",
        "      IP:          <set to the field 'status.podIP' of the pod>",
        "      /secret from secret (ro)",
        "    secretName:  db",
        "QoS Class:         Burstable",
        "Node-Selectors:    disk=ssd",
        "Tolerations:       gpu:NoSchedule op=Exists",
    ):
        assert line in output.splitlines(), line
    assert "failed twice" in output
    assert "of another" not in output


async def test_describe_for_programs_is_a_pod(agent: FakeAgent, config: Path) -> None:
    _, output, _ = await _run("describe", "default/web-node", "-o", "json", "--config", config)
    pod = json.loads(output)
    assert (pod["apiVersion"], pod["kind"], pod["metadata"]["name"]) == ("v1", "Pod", "web-node")
    (container,) = pod["status"]["containerStatuses"]
    assert container["lastState"]["terminated"]["reason"] == "OOMKilled"
    assert container["state"] == {"running": {"startedAt": "1970-01-01T00:01:40Z"}}
    _, text, _ = await _run("describe", "web-node", "-o", "yaml", "--config", config)
    assert yaml.safe_load(text) == pod
    _, picked, _ = await _run("describe", "web-node", "--query", "status.podIP", "--config", config)
    assert json.loads(picked) == "10.0.0.9"


async def test_explain_says_what_is_wrong_first(agent: FakeAgent, config: Path) -> None:
    agent.fail()
    code, output, errors = await _run("explain", "web-node", "--config", config)
    assert (code, errors) == (1, "")
    first, _, *rest = output.splitlines()
    assert first == ("default/web-node: container app: image: ErrImagePull: no such host; the next try comes in 9 s")
    assert rest[0].startswith("✓ manifest")
    assert any(line.startswith("✗ container app: image") for line in rest)
    assert any("→ Try it by hand: crictl pull r.test/app:1." in line for line in rest)


async def test_explain_for_programs(agent: FakeAgent, config: Path) -> None:
    agent.fail()
    code, output, _ = await _run("explain", "web-node", "-o", "json", "--config", config)
    found = json.loads(output)
    assert (code, found["well"]) == (1, False)
    assert [link["name"] for link in found["links"] if link["state"] == "failed"] == ["container app: image"]


async def test_explain_knows_manifests_that_have_no_pod(agent: FakeAgent, config: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("kind: Pod\nmetadata: {name: broken}\nspec: {x: 1}\n")
    for name in ("bad", "bad.yaml", "broken", "broken-testnode", "default/broken"):
        code, output, _ = await _run("explain", name, "--config", config)
        assert code == 1, name
        assert output.splitlines()[0] == f"{name}: manifest: {tmp_path}/bad.yaml:3 is invalid: $.spec.x is no field"


@pytest.mark.parametrize("command", ["describe", "explain", "events"])
async def test_a_pod_that_nobody_knows(agent: FakeAgent, config: Path, command: str) -> None:
    code, output, errors = await _run(command, "webb-node", "--config", config)
    assert (code, output, errors.count("\n")) == (3, "", 1)
    assert errors.startswith("kubenode: There is no pod webb-node on this node.")


@pytest.mark.parametrize("arguments", [["describe", "web"], ["explain", "web"], ["events"], ["events", "-f"]])
async def test_without_an_agent_and_a_runtime_it_says_so(arguments: list[str], config: Path) -> None:
    code, _, errors = await _run(*arguments, "--config", config)
    assert (code, errors.count("\n")) == (3, 1)
    assert errors.startswith("kubenode: ")


async def test_events_are_listed(agent: FakeAgent, config: Path) -> None:
    code, output, _ = await _run("events", "--config", config)
    header, *rows = output.splitlines()
    assert code == 0
    assert header.split("  ")[0] == "LAST SEEN"
    assert [row.split()[3] for row in rows] == ["pod/web-node", "pod/web-node", "pod/other-node", "/manifests/bad.yaml"]
    assert rows[1].rstrip().endswith("failed twice (x2)")


async def test_events_of_one_name_in_two_namespaces(agent: FakeAgent, config: Path) -> None:
    agent.store.record([msgspec.structs.replace(_event("elsewhere", 1), namespace="other")])
    _, output, _ = await _run("events", "--config", config)
    assert output.splitlines()[-1].split()[3] == "pod/other/web-node"


async def test_events_of_one_pod_and_of_a_while(agent: FakeAgent, config: Path) -> None:
    _, output, _ = await _run("events", "web-node", "--since", "1h", "-o", "json", "--config", config)
    assert [event["message"] for event in json.loads(output)["events"]] == ["failed twice"]
    _, output, _ = await _run("events", "other-node", "-o", "yaml", "--config", config)
    assert [event["message"] for event in yaml.safe_load(output)["events"]] == ["of another"]


@pytest.mark.parametrize("arguments", [["--since", "soon"], ["-f", "--query", "events"]])
async def test_wrong_use_of_events(config: Path, arguments: list[str]) -> None:
    code, output, errors = await _run("events", *arguments, "--config", config)
    assert (code, output, errors.count("\n")) == (64, "", 1)


async def test_events_are_followed(agent: FakeAgent, config: Path) -> None:
    process = await _start("events", "web-node", "-f", "-o", "json", "--config", config)
    try:
        assert process.stdout is not None
        told = [json.loads(await process.stdout.readline())["message"] for _ in range(2)]
        assert told == ["long ago", "failed twice"]
        agent.store.record([_event("of another again", 0, pod="other-node"), _event("news", 0)])
        assert json.loads(await process.stdout.readline())["message"] == "news"
    finally:
        process.kill()
        await process.wait()
