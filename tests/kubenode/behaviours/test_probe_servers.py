"""Probes that ask servers of a kind: those that redirect, and gRPC's health API (container_probe.go)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from support.agent import DIES_WITH_US, AgentProcess, container, pod
from support.containerd import RealRuntime

NODE_IP = "127.0.0.1"
KUBELET = {"crashLoopBackOff": {"maxContainerRestartPeriod": "1s"}}
SOON = {"periodSeconds": 1, "timeoutSeconds": 2, "failureThreshold": 1, "initialDelaySeconds": 1}
FOREVER = "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"
SENDS_ON = """mkdir -p /tmp/w/cgi-bin; echo ok > /tmp/w/ok
printf '#!/bin/sh\\nprintf "Status: 302 Found\\\\r\\\\nLocation: {0}\\\\r\\\\n\\\\r\\\\n"\\n' > /tmp/w/cgi-bin/on
chmod +x /tmp/w/cgi-bin/on; httpd -p 8080 -h /tmp/w; {1} """
ON = {"httpGet": {"path": "/cgi-bin/on", "port": 8080}}
# Answers SERVING until a line comes in, and tells its port first.
HEALTH_SERVER = """
import sys
from concurrent.futures import ThreadPoolExecutor
import grpc
from kubenode.clients.stubs import health_pb2 as pb
state = [pb.HealthCheckResponse.SERVING]
def check(request, context):
    return pb.HealthCheckResponse(status=state[0]).SerializeToString()
server = grpc.server(ThreadPoolExecutor(2))
methods = {"Check": grpc.unary_unary_rpc_method_handler(check)}
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", methods),))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
sys.stdin.readline()
state[0] = pb.HealthCheckResponse.NOT_SERVING
sys.stdin.read()
"""


def sends_on(name: str, location: str, then: str = "") -> dict[str, Any]:
    command = SENDS_ON.format(location, then) + FOREVER
    return pod(name, containers=[container(command=command, livenessProbe={**ON, **SOON}, readinessProbe={**ON})])


PODS = [
    sends_on("sends-away", "http://elsewhere.test/"),
    sends_on("sends-here", "/ok"),
    sends_on("sends-here-to-nothing", "/ok", "(sleep 3; rm /tmp/w/ok) &"),
]


@pytest.fixture
def health_server(containerd16: RealRuntime) -> Iterator[subprocess.Popen[str]]:
    """A gRPC server on the network of the runtime's node."""
    network = ["nsenter", "--net", f"--target={containerd16.pid}", "--"]
    command = [*DIES_WITH_US, *network, sys.executable, "-c", HEALTH_SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server
        finally:
            server.kill()


def test_a_redirect_to_another_host_passes_with_a_warning(agent: AgentProcess) -> None:
    told = agent.until_pod("sends-away", lambda told: told.get("ready") == 1)
    agent.until(lambda: "ProbeWarning" in reasons(agent, told["name"]), "the warning")
    assert agent.pod("sends-away")["restarts"] == 0


def test_a_redirect_on_the_same_host_is_followed(agent: AgentProcess) -> None:
    told = agent.until_pod("sends-here-to-nothing", lambda told: told.get("restarts", 0) >= 1)
    assert "ProbeWarning" not in reasons(agent, told["name"])
    assert agent.until_pod("sends-here", lambda told: told.get("ready") == 1)["restarts"] == 0


def test_grpc_liveness_restarts_once_the_server_no_longer_serves(
    agent: AgentProcess, health_server: subprocess.Popen[str]
) -> None:
    assert health_server.stdin is not None
    assert health_server.stdout is not None
    probe = {"grpc": {"port": int(health_server.stdout.readline())}, **SOON}
    agent.put_pods(
        pod("grpc", containers=[container(livenessProbe=probe, readinessProbe=probe)], hostNetwork=True),
    )
    told = agent.until_pod("grpc", lambda told: told.get("ready") == 1)
    assert told["restarts"] == 0
    health_server.stdin.write("\n")
    health_server.stdin.flush()
    told = agent.until_pod("grpc", lambda told: told.get("restarts", 0) >= 1)
    assert any("NOT_SERVING" in one["message"] for one in agent.ask("events", told["name"])["events"])


def reasons(agent: AgentProcess, name: str) -> set[str]:
    return {one["reason"] for one in agent.ask("events", name)["events"]}
