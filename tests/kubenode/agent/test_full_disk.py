"""A full disk under the agent's own state costs no pod. What one under the pods costs is in test_hostile_volumes.py."""

from __future__ import annotations

from support.agent import AgentProcess, pod
from support.runtime_view import RuntimeView

# In a mount namespace that ends with the agent: a disk of one page, which is taken.
FULL = 'mount -t tmpfs -o size=4k none "$0" && head -c 4096 /dev/zero > "$0/taken" && exec "$@"'


def test_pods_come_and_go_while_the_state_directory_is_full(own_agent: AgentProcess, view: RuntimeView) -> None:
    state = own_agent.root / "kubenode"
    state.mkdir(parents=True)
    own_agent.put_pods(pod("early"))
    own_agent.start(within=["unshare", "--mount", "sh", "-c", FULL, str(state)])
    own_agent.put_pods(pod("late"))
    own_agent.until_running("early", "late")
    own_agent.until(lambda: "cannot be kept" in own_agent.output.read_text(), "the warning")
    assert "No space left on device" in own_agent.output.read_text()
    own_agent.remove("early")
    own_agent.until(lambda: "early" not in own_agent.pods(), "the removed pod to go")
    assert list(view.running().values()) == ["late-testnode"]
    assert own_agent.stop() == 0
