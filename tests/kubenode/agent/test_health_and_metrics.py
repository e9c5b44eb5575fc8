"""What the agent serves over loopback: health for a load balancer's eye, metrics under the kubelet's names."""

from __future__ import annotations

import re
import socket
import urllib.request

import pytest

from support.agent import AgentProcess, pod

COUNTED = {
    'kubelet_node_name{node="testnode"}': 1,
    "kubelet_running_pods": 2,
    'kubelet_running_containers{container_state="running"}': 2,
    "kubelet_node_config_error": 0,
    "kubelet_started_pods_total": 2,
    "kubelet_started_pods_errors_total": 0,
    'kubelet_started_containers_total{container_type="container"}': 2,
    "kubelet_pod_start_duration_seconds_count": 2,
    "kubelet_pod_start_sli_duration_seconds_count": 2,
    'kubelet_runtime_operations_total{operation_type="run_podsandbox"}': 2,
    'kubelet_runtime_operations_duration_seconds_count{operation_type="start_container"}': 2,
    'kubelet_pod_worker_duration_seconds_count{operation_type="create"}': 2,
}
GROWING = [
    "kubelet_pleg_relist_duration_seconds_count",
    "kubelet_pleg_relist_interval_seconds_count",
    'kubelet_pod_worker_duration_seconds_count{operation_type="sync"}',
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "go_goroutines",
]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def fetch(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return str(answer.read().decode())


def metrics(port: int) -> dict[str, float]:
    lines = re.findall(r"^([^#\s]\S*) (\S+)$", fetch(port, "/metrics"), re.MULTILINE)
    return {name: float(value) for name, value in lines}


def test_health_and_metrics(own_agent: AgentProcess, port: int) -> None:
    own_agent.configure(healthzPort=port)
    own_agent.start()
    own_agent.put_pods(pod("one"), pod("two"))
    own_agent.until_running("one", "two")
    assert fetch(port, "/healthz") == "ok"
    found = metrics(port)
    assert {name: found.get(name) for name in COUNTED} == COUNTED
    assert [name for name in GROWING if not found.get(name)] == []
    assert found['kubelet_pleg_relist_duration_seconds_bucket{le="10.0"}'] > 0
    assert found['kubelet_pod_start_duration_seconds_bucket{le="5.0"}'] == 2
    assert 0 < found["kubelet_pod_start_sli_duration_seconds_sum"] < 10
