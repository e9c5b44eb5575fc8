"""What only newer runtimes have: images as volumes (image_volume.go), users of the pod's own (hostUsers)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.agent import AgentProcess, agent_process, container, pod
from support.containerd import RealRuntime

IMAGE = {"reference": "kubenode.test/variant:1", "pullPolicy": "IfNotPresent"}
PODS = [
    pod(
        "image-volume",
        containers=[
            container(
                command="cat /v/www/index.html; touch /v/x 2>/dev/null && echo written || echo refused",
                volumeMounts=[{"name": "v", "mountPath": "/v"}],
            )
        ],
        volumes=[{"name": "v", "image": IMAGE}],
        restartPolicy="Never",
    ),
    *(
        pod(
            name,
            containers=[
                container(
                    command="touch /v/shm/x 2>/dev/null && echo written || echo refused; rm -f /v/shm/x",
                    volumeMounts=[{"name": "v", "mountPath": "/v", "readOnly": True, "recursiveReadOnly": recursive}],
                )
            ],
            volumes=[{"name": "v", "hostPath": {"path": "/dev"}}],
            restartPolicy="Never",
        )
        for name, recursive in (("flat", "Disabled"), ("if-possible", "IfPossible"), ("enabled", "Enabled"))
    ),
    pod("own-users", "cat /proc/self/uid_map", hostUsers=False, restartPolicy="Never"),
]


@pytest.fixture(scope="module")
def agent(containerd2: RealRuntime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    folder = tmp_path_factory.mktemp("agent")
    with agent_process(folder, containerd2.endpoint, containerd2.cgroup_root, containerd2.pid) as running:
        running.put_pods(*PODS)
        yield running
        running.clear()


def test_an_image_is_a_volume_that_cannot_be_written(agent: AgentProcess) -> None:
    told = agent.until_pod("image-volume", lambda told: told.get("phase") == "Succeeded")
    assert agent.said(told) == ["hello from busybox", "refused"]


@pytest.mark.parametrize(("name", "said"), [("flat", "written"), ("if-possible", "refused"), ("enabled", "refused")])
def test_what_is_mounted_below_a_volume_is_read_only_too(agent: AgentProcess, name: str, said: str) -> None:
    """/dev/shm is a mount of its own below /dev."""
    told = agent.until_pod(name, lambda told: told.get("phase") == "Succeeded")
    assert agent.said(told) == [said]


def test_a_pod_that_is_to_have_users_of_its_own_never_has_the_hosts(agent: AgentProcess) -> None:
    """The runtime's runc is too old to map users, and the runtime says so."""
    told = agent.until_pod("own-users", lambda told: told.get("reason") == "FailedCreatePodSandBox")
    assert "cannot map users" in told["message"]
    assert not told["containers"][0]["containerId"]
