"""Init containers and sidecars (init_container.go)."""

from __future__ import annotations

from typing import Any

from support.agent import AgentProcess, container, pod
from support.runtime_view import RuntimeView

SHARED: dict[str, Any] = {"volumes": [{"name": "shared", "emptyDir": {}}]}
MOUNT: dict[str, Any] = {"volumeMounts": [{"name": "shared", "mountPath": "/shared"}]}
TELL = "cat /shared/order; trap 'exit 0' TERM; while :; do sleep 1 & wait; done"

FAILS: dict[str, Any] = {"exec": {"command": ["false"]}, "periodSeconds": 1}


def note(name: str, then: str = "", **fields: object) -> dict[str, Any]:
    """A container that leaves its name in the shared file."""
    return container(name, f"echo {name} >> /shared/order; {then}", **{**MOUNT, **fields})


PODS = [
    pod(
        "in-order",
        containers=[container(command=TELL, **MOUNT)],
        initContainers=[note("one", "sleep 1"), note("two")],
        **SHARED,
    ),
    pod(
        "in-order-never",
        containers=[container(command="cat /shared/order", **MOUNT)],
        initContainers=[note("one", "sleep 1"), note("two")],
        restartPolicy="Never",
        **SHARED,
    ),
    pod("failing-always", initContainers=[container("bad", "exit 1")]),
    pod("failing-never", initContainers=[container("bad", "exit 4")], restartPolicy="Never"),
    pod(
        "sidecar",
        containers=[note("app", TELL)],
        initContainers=[
            note("proxy", TELL, restartPolicy="Always"),
            note("after", ""),
        ],
        **SHARED,
    ),
    pod(
        "slow-sidecar",
        initContainers=[
            container(
                "proxy",
                "sleep 2; touch /tmp/up; trap 'exit 0' TERM; while :; do sleep 1 & wait; done",
                restartPolicy="Always",
                startupProbe={"exec": {"command": ["cat", "/tmp/up"]}, "periodSeconds": 1, "failureThreshold": 30},
            )
        ],
    ),
    pod("sidecar-not-ready", initContainers=[container("proxy", restartPolicy="Always", readinessProbe=FAILS)]),
    pod(
        "sidecar-ends-last",
        containers=[container(command="sleep 2", **MOUNT)],
        initContainers=[container("proxy", restartPolicy="Always")],
        restartPolicy="Never",
        **SHARED,
    ),
]


def test_init_containers_run_in_order_before_the_app(agent: AgentProcess) -> None:
    told = agent.until_running("in-order")["in-order"]
    assert agent.said(told) == ["one", "two"]


def test_init_containers_run_in_order_with_restart_policy_never(agent: AgentProcess) -> None:
    told = agent.until_pod("in-order-never", lambda told: told.get("phase") == "Succeeded")
    assert agent.said(told) == ["one", "two"]


def test_a_failing_init_container_blocks_the_app_and_is_tried_again(agent: AgentProcess) -> None:
    told = agent.until_pod("failing-always", lambda told: told.get("reason") == "CrashLoopBackOff")
    assert told["phase"] == "Pending"
    assert told["containers"][0]["state"] == "waiting"
    assert told["containers"][0]["reason"] == "PodInitializing"


def test_a_failing_init_container_fails_a_pod_that_never_restarts(agent: AgentProcess) -> None:
    told = agent.until_pod("failing-never", lambda told: told.get("phase") == "Failed")
    assert [one["exitCode"] for one in told["initContainers"]] == [4]
    assert told["containers"][0]["state"] == "waiting"


def test_a_sidecar_starts_before_the_next_and_keeps_running(agent: AgentProcess) -> None:
    told = agent.until_running("sidecar")["sidecar"]
    assert agent.said(told) == ["proxy", "after", "app"]
    assert [one["state"] for one in told["initContainers"]] == ["running", "terminated"]


def test_a_sidecar_that_is_not_started_holds_the_app_back(agent: AgentProcess) -> None:
    told = agent.until_running("slow-sidecar")["slow-sidecar"]
    (sidecar,), (app,) = told["initContainers"], told["containers"]
    assert app["startedAt"] - sidecar["startedAt"] >= 2


def test_a_sidecar_that_is_not_ready_keeps_its_pod_from_being_so(agent: AgentProcess) -> None:
    told = agent.until_pod("sidecar-not-ready", lambda told: told.get("ready") == 1)
    assert (told["total"], [one["ready"] for one in told["containers"]]) == (2, [True])
    described = agent.ask("describe", told["name"])
    assert {one["type"]: one["status"] for one in described["status"]["conditions"]}["Ready"] == "False"


def test_a_sidecar_ends_when_all_others_are_done(agent: AgentProcess, view: RuntimeView) -> None:
    told = agent.until_pod("sidecar-ends-last", lambda told: told.get("phase") == "Succeeded" and told["settled"])
    assert not [one for one in view.running().values() if one == told["name"]]


def test_sidecars_stop_last_and_in_reverse(agent: AgentProcess, view: RuntimeView) -> None:
    words = "trap 'echo {0} >> /host/order; exit 0' TERM; while :; do sleep 0.1 & wait; done"
    folder = agent.root / "order"
    folder.mkdir()
    mount = {"volumeMounts": [{"name": "host", "mountPath": "/host"}]}
    agent.put_pods(
        pod(
            "reverse",
            containers=[container("app", words.format("app"), **mount)],
            initContainers=[
                container(name, words.format(name), restartPolicy="Always", **mount) for name in ("first", "second")
            ],
            volumes=[{"name": "host", "hostPath": {"path": str(folder), "type": "Directory"}}],
            terminationGracePeriodSeconds=20,
        )
    )
    agent.until_running("reverse")
    agent.remove("reverse")
    agent.until(lambda: not agent.pod("reverse"), "reverse to be gone")
    assert (folder / "order").read_text().split() == ["app", "second", "first"]


def test_a_finished_init_container_does_not_run_again_after_an_agent_restart(agent: AgentProcess) -> None:
    before = agent.until_running("in-order")["in-order"]
    agent.kill()
    agent.start()
    after = agent.until_running("in-order")["in-order"]
    assert after["initContainers"] == before["initContainers"]
    assert after["restarts"] == 0
    assert agent.said(after) == ["one", "two"]
