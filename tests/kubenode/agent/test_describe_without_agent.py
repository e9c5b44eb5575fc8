"""What is told of single pods after an agent was killed, and while none runs."""

from __future__ import annotations

from support.agent import AgentProcess, pod


def _reasons(agent: AgentProcess, name: str) -> list[str]:
    return [event["reason"] for event in agent.ask("events", name)["events"]]


def test_events_outlive_an_agent_that_is_killed(own_agent: AgentProcess) -> None:
    own_agent.start()
    own_agent.put_pods(pod("lasting"))
    own_agent.until_running("lasting")
    kept = own_agent.root / "kubenode" / "events.jsonl"
    own_agent.until(lambda: kept.exists() and b"Started" in kept.read_bytes(), "the events to be kept")
    own_agent.kill()
    own_agent.start()
    assert "Started" in _reasons(own_agent, "lasting")
    assert _reasons(own_agent, "lasting").count("Started") == 1


def test_without_an_agent_the_runtime_tells(own_agent: AgentProcess) -> None:
    own_agent.start()
    own_agent.put_pods(pod("alone"))
    own_agent.until_running("alone")
    own_agent.kill()
    code, text, _ = own_agent.run("describe", "alone")
    assert code == 0
    assert "Status:            Running" in text
    assert "no agent runs on this node" in text
    assert own_agent.run("explain", "alone")[0] == 0
