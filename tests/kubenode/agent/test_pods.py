"""What a manifest asks for is what its containers get."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from support.agent import FOREVER, AgentProcess, container, pod
from support.containerd import RealRuntime
from support.runtime_view import RuntimeView

NO_CAPABILITIES = "CapEff:\t0000000000000000"


def container_id(told: dict[str, Any], name: str = "app") -> str:
    (found,) = [one["containerId"] for one in told["containers"] if one["name"] == name]
    return str(found)


def run(agent: AgentProcess, manifest: dict[str, Any]) -> dict[str, Any]:
    """Put the pod's manifest; what is told of the pod when it runs."""
    name = manifest["metadata"]["name"]
    agent.put_pods(manifest)
    told: dict[str, Any] = agent.until_running(name)[name]
    return told


def test_a_pod_runs_and_is_told_of(agent: AgentProcess) -> None:
    agent.put_pods(pod("web"))
    agent.until_running("web")
    code, output, errors = agent.run("pods")
    (row,) = [line.split() for line in output.splitlines() if "web-testnode" in line]
    assert (code, errors) == (0, "")
    assert row[:5] == ["default", "web-testnode", "1/1", "Running", "0"]
    assert row[-1] == str(agent.manifests / "web.yaml")


def test_commands_and_variables_are_expanded(agent: AgentProcess) -> None:
    script = 'echo "$0|$1|$2|$3|$PLAIN|$MADE"'
    app = container(
        command=script,
        args=["$(PLAIN)", "$$(PLAIN)", "$(ABSENT)", "a b"],
        env=[{"name": "PLAIN", "value": "one"}, {"name": "MADE", "value": "$(PLAIN) and $$(PLAIN) and $(LATER)"}],
    )
    agent.put_pods(pod("expanded", containers=[app], restartPolicy="Never"))
    told = agent.until_pod("expanded", lambda told: told.get("phase") == "Succeeded")
    assert agent.said(told) == ["one|$(PLAIN)|$(ABSENT)|a b|one|one and $(PLAIN) and $(LATER)"]


async def test_a_host_port_answers(agent: AgentProcess, containerd16: RealRuntime) -> None:
    ports = [{"containerPort": 80, "hostPort": 18080}]
    run(agent, pod("httpd", containers=[container(command="exec httpd -f -p 80 -h /www", ports=ports)]))
    assert await eventually(containerd16, "http://10.99.0.1:18080/") == "hello from busybox\n"


async def eventually(runtime: RealRuntime, url: str) -> str:
    """The body at the URL: a server that has been started needs a moment to listen."""
    async with asyncio.timeout(10):
        while True:
            try:
                return await runtime.http_get(url)
            except ConnectionError:
                await asyncio.sleep(0.05)


def test_host_namespaces(agent: AgentProcess, containerd16: RealRuntime, view: RuntimeView) -> None:
    kinds = ("net", "pid", "ipc")
    look = "; ".join(f"readlink /proc/self/ns/{kind}" for kind in kinds)
    host = [str(Path(f"/proc/{containerd16.pid}/ns/{kind}").readlink()) for kind in kinds]
    shared = run(agent, pod("host", hostNetwork=True, hostPID=True, hostIPC=True))
    alone = run(agent, pod("alone"))
    assert view.run(container_id(shared), look) == host
    assert set(view.run(container_id(alone), look)).isdisjoint(host)


def test_two_containers_share_network_but_not_processes(agent: AgentProcess, view: RuntimeView) -> None:
    told = run(agent, pod("pair", containers=[container("one"), container("two")]))
    look = "; ".join(f"readlink /proc/self/ns/{kind}" for kind in ("net", "ipc", "pid"))
    one, two = (view.run(container_id(told, name), look) for name in ("one", "two"))
    assert told["ready"] == 2
    assert one[:2] == two[:2]
    assert one[2] != two[2]


def test_containers_may_share_processes(agent: AgentProcess, view: RuntimeView) -> None:
    told = run(agent, pod("family", containers=[container("one"), container("two")], shareProcessNamespace=True))
    look = "readlink /proc/self/ns/pid"
    assert view.run(container_id(told, "one"), look) == view.run(container_id(told, "two"), look)


def test_security_context(agent: AgentProcess, view: RuntimeView) -> None:
    context = {
        "runAsUser": 65534,
        "runAsGroup": 65534,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    told = run(agent, pod("confined", containers=[container(securityContext=context)]))
    said = view.run(
        container_id(told),
        "id -u; id -g; touch /tmp/x || echo read-only; grep -E 'CapEff|NoNewPrivs' /proc/self/status",
    )
    assert said[:2] == ["65534", "65534"]
    assert "Read-only file system" in said[2]
    assert said[3:] == ["read-only", NO_CAPABILITIES, "NoNewPrivs:\t1"]


def test_only_a_privileged_container_sees_the_hosts_kernel(agent: AgentProcess, view: RuntimeView) -> None:
    plain = run(agent, pod("plain"))
    privileged = run(agent, pod("privileged", containers=[container(securityContext={"privileged": True})]))
    look = "grep -cE ' (/proc/(kcore|keys|timer_list)|/sys/firmware) ' /proc/mounts; grep CapEff /proc/self/status"
    masked, plain_capabilities = view.run(container_id(plain), look)
    unmasked, all_capabilities = view.run(container_id(privileged), look)
    assert int(masked) > int(unmasked) == 0
    assert int(plain_capabilities.split()[1], 16) < int(all_capabilities.split()[1], 16)


def test_limits_reach_the_cgroup(agent: AgentProcess, containerd16: RealRuntime, view: RuntimeView) -> None:
    resources = {"requests": {"cpu": "100m"}, "limits": {"cpu": "250m", "memory": "64Mi"}}
    told = run(agent, pod("limited", containers=[container(resources=resources)]))
    look = (
        "cd /sys/fs/cgroup; exec 2>/dev/null; cat memory/memory.limit_in_bytes || cat memory.max; "
        "cat cpu/cpu.cfs_quota_us || cut -d' ' -f1 cpu.max; grep -E -m 1 ':memory:|^0::/.' /proc/1/cgroup"
    )
    memory, quota, path = view.run(container_id(told), look)
    assert (memory, quota) == ("67108864", "25000")
    assert f"{containerd16.cgroup_root}/kubepods/burstable/pod{told['uid']}/" in path


def test_logs_are_where_shippers_look(agent: AgentProcess) -> None:
    told = run(agent, pod("talker", f"echo said this; echo and that >&2; {FOREVER}"))
    agent.until(lambda: len(agent.said(told)) == 2, "both lines")
    log = agent.log(told)
    link = agent.links / f"talker-testnode_default_app-{container_id(told)}.log"
    assert log == agent.logs / f"default_talker-testnode_{told['uid']}" / "app" / "0.log"
    assert sorted(agent.said(told)) == ["and that", "said this"]
    assert link.resolve() == log.resolve()
