"""Static pods over their time (mirror_pod_test.go and others of e2e_node, as far as no API server is in it)."""

from __future__ import annotations

import time

from support.agent import AgentProcess, container, pod
from support.runtime_view import RuntimeView

SLOW_TO_STOP = "trap 'sleep 3; exit 0' TERM; while :; do sleep 0.2 & wait; done"
PODS = [
    pod("comes-back"),
    pod("updated", SLOW_TO_STOP, terminationGracePeriodSeconds=20),
    pod("pending", containers=[container(image="kubenode.test/none:1")]),
    pod(
        "no-volume",
        containers=[container(volumeMounts=[{"name": "v", "mountPath": "/v"}])],
        volumes=[{"name": "v", "configMap": {"name": "nobody-has-it"}}],
    ),
    pod("bystander"),
    pod("killed"),
]


def test_a_pod_is_submitted_and_removed_and_its_deletion_seen(agent: AgentProcess, view: RuntimeView) -> None:
    agent.put_pods(pod("passing", SLOW_TO_STOP, terminationGracePeriodSeconds=20))
    told = agent.until_running("passing")["passing"]
    agent.remove("passing")
    agent.until_pod("passing", lambda told: told.get("phase") == "Terminating")
    agent.until(lambda: not agent.pod("passing"), "passing to be gone")
    assert told["name"] not in view.running().values()


def test_a_file_that_is_removed_and_put_back_makes_the_pod_again(agent: AgentProcess) -> None:
    before = agent.until_running("comes-back")["comes-back"]
    agent.remove("comes-back")
    agent.until(lambda: not agent.pod("comes-back"), "comes-back to be gone")
    agent.put_pods(pod("comes-back"))
    after = agent.until_running("comes-back")["comes-back"]
    assert after["containers"][0]["containerId"] != before["containers"][0]["containerId"]


def test_of_several_updates_during_one_grace_period_the_last_one_runs(agent: AgentProcess) -> None:
    agent.until_running("updated")
    began = time.monotonic()
    for number in (1, 2, 3):
        agent.put_pods(pod("updated", f"echo {number}; {SLOW_TO_STOP}", terminationGracePeriodSeconds=20))
        agent.until_pod("updated", lambda told: told)
    agent.until(lambda: agent.said(agent.until_running("updated")["updated"]) == ["3"], "the last one's word")
    assert 3 <= time.monotonic() - began < 20


def test_a_pod_is_removed_while_it_is_pending(agent: AgentProcess) -> None:
    agent.until_pod("pending", lambda told: "Pull" in told.get("reason", ""))
    agent.remove("pending")
    agent.until(lambda: not agent.pod("pending"), "pending to be gone")


def test_a_missing_volume_holds_up_its_own_pod_alone(agent: AgentProcess) -> None:
    agent.until_running("bystander")
    told = agent.until_pod("no-volume", lambda told: told.get("reason") == "FailedMount")
    assert "nobody-has-it" in told["message"]
    agent.remove("no-volume")
    agent.until(lambda: not agent.pod("no-volume"), "no-volume to be gone")


def test_what_another_hand_kills_runs_again(agent: AgentProcess, view: RuntimeView) -> None:
    told = agent.until_running("killed")["killed"]
    view.stop(told["containers"][0]["containerId"])
    again = agent.until_pod("killed", lambda told: told.get("restarts") == 1 and told["ready"] == 1)
    assert again["uid"] == told["uid"]


def test_status_is_the_same_after_a_restart_of_the_agent(agent: AgentProcess) -> None:
    before = agent.until_running("bystander")["bystander"]
    agent.kill()
    agent.start()
    after = agent.until_running("bystander")["bystander"]
    assert after == before
