"""Hostnames, /etc/hosts, DNS, ports (kubelet_etc_hosts.go, pods.go, hostname)."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from support.agent import NODE, AgentProcess, container, pod

FOREVER = "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"


def asks(name: str, command: str, containers: Any = None, **spec: Any) -> dict[str, Any]:
    return pod(name, containers=containers or [container(command=command)], restartPolicy="Never", **spec)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


OWN: dict[str, Any] = {"volumeMounts": [{"name": "own", "mountPath": "/etc/hosts"}]}
PODS = [
    asks("hosts", "cat /etc/hosts", hostAliases=[{"ip": "192.0.2.7", "hostnames": ["seven.test", "vii.test"]}]),
    asks("hosts-host", "cat /etc/hosts", hostNetwork=True),
    asks(
        "hosts-own",
        "",
        containers=[container(command="cat /etc/hosts", **OWN)],
        volumes=[{"name": "own", "hostPath": {"path": "/etc/hostname", "type": "File"}}],
    ),
    asks("named", "hostname; cat /etc/hosts", hostname="fred", subdomain="flintstones"),
    asks("full", "hostname; hostname -f", hostname="fred", subdomain="flintstones", setHostnameAsFQDN=True),
    asks(
        "dns",
        "cat /etc/resolv.conf",
        dnsPolicy="None",
        dnsConfig={
            "nameservers": ["192.0.2.53"],
            "searches": ["one.test", "two.test"],
            "options": [{"name": "ndots", "value": "3"}, {"name": "edns0"}],
        },
    ),
    asks("dns-cluster", "cat /etc/resolv.conf"),
    pod("addressed"),
]
NODE_IP = "192.0.2.1"
KUBELET = {"clusterDNS": ["192.0.2.10"], "clusterDomain": "cluster.test"}


def said(agent: AgentProcess, name: str) -> list[str]:
    return agent.said(agent.until_pod(name, lambda told: told.get("phase") == "Succeeded"))


def test_a_pod_has_an_address_and_its_hosts(agent: AgentProcess) -> None:
    told = agent.until_running("addressed")["addressed"]
    assert told["ips"][0].count(".") == 3
    described = agent.ask("describe", told["name"])
    assert described["status"]["podIP"] == told["ips"][0]
    assert described["status"]["hostIP"] == NODE_IP


def test_etc_hosts_is_managed_with_aliases(agent: AgentProcess) -> None:
    lines = [line.split() for line in said(agent, "hosts")]
    assert ["192.0.2.7", "seven.test", "vii.test"] in lines
    assert any(line[1:] == [f"hosts-{NODE}"] for line in lines)
    assert ["127.0.0.1", "localhost"] in lines


def test_etc_hosts_is_the_nodes_with_host_network(agent: AgentProcess) -> None:
    own = Path("/etc/hosts").read_text().split()
    assert set(" ".join(said(agent, "hosts-host")).split()) >= set(own)


def test_etc_hosts_is_not_managed_over_an_own_mount(agent: AgentProcess) -> None:
    assert said(agent, "hosts-own") == [Path("/etc/hostname").read_text().strip()]


def test_hostname_and_subdomain(agent: AgentProcess) -> None:
    lines = said(agent, "named")
    assert lines[0] == "fred"
    assert any(line.split()[1:] == ["fred.flintstones.default.svc.cluster.test", "fred"] for line in lines[1:])


def test_hostname_as_fqdn(agent: AgentProcess) -> None:
    assert said(agent, "full") == ["fred.flintstones.default.svc.cluster.test"] * 2


def test_dns_policy_none(agent: AgentProcess) -> None:
    assert [line.split() for line in said(agent, "dns")] == [
        ["search", "one.test", "two.test"],
        ["nameserver", "192.0.2.53"],
        ["options", "ndots:3", "edns0"],
    ]


def test_dns_policy_cluster_first(agent: AgentProcess) -> None:
    lines = [line.split() for line in said(agent, "dns-cluster")]
    assert ["nameserver", "192.0.2.10"] in lines
    search = next(line for line in lines if line[0] == "search")
    assert search[1:4] == ["default.svc.cluster.test", "svc.cluster.test", "cluster.test"]
    assert ["options", "ndots:5"] in lines


def serves(name: str, port: int, word: str) -> dict[str, Any]:
    command = f"mkdir /tmp/w; echo -n {word} > /tmp/w/index.html; httpd -p 8080 -h /tmp/w; {FOREVER}"
    return pod(name, containers=[container(command=command, ports=[{"containerPort": 8080, "hostPort": port}])])


def test_a_pod_on_a_host_port_is_upgraded(agent: AgentProcess) -> None:
    """Standalone: runs, upgrades a pod on a hostPort, survives a restart."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/"

    def answers(word: str) -> bool:
        return agent.http_get(address) == word

    agent.put_pods(serves("server", port, "first"))
    agent.until(lambda: answers("first"), "the first version")
    agent.kill()
    assert answers("first")
    agent.start()
    agent.put_pods(serves("server", port, "second"))
    agent.until(lambda: answers("second"), "the second version")


def test_host_ports_that_conflict_are_refused(agent: AgentProcess) -> None:
    port = free_port()
    agent.put_pods(serves("holder", port, "x"))
    agent.until_running("holder")
    agent.put_pods(serves("loser", port, "x"))
    told = agent.until_pod("loser", lambda told: told.get("phase") == "Failed")
    assert told["reason"] == "NodePorts"
    assert "holder" in told["message"]
    assert str(port) in told["message"]
    agent.remove("holder")
    agent.until_running("loser")
