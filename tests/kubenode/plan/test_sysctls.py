"""Which kernel parameters a pod may set."""

from __future__ import annotations

from typing import Any

import pytest

from kubenode.model.settings import KubeletConfiguration, Settings
from kubenode.plan.sysctls import SAFE_SYSCTLS, forbidden_sysctl, pod_sysctls, sysctl_namespace, with_dots
from support.plans import desired_pod

CASES = [
    ("net.ipv4.ip_unprivileged_port_start", [], {}, ""),
    ("net/ipv4/ip_unprivileged_port_start", [], {}, ""),
    ("net.ipv4.ip_unprivileged_port_start", [], {"hostNetwork": True}, "hostNetwork"),
    ("kernel.shm_rmid_forced", [], {}, ""),
    ("kernel.shm_rmid_forced", [], {"hostIPC": True}, "hostIPC"),
    ("net.core.somaxconn", [], {}, "allowedUnsafeSysctls"),
    ("net.core.somaxconn", ["net.core.somaxconn"], {}, ""),
    ("net.core.somaxconn", ["net.core.*"], {}, ""),
    ("net.core.somaxconn", ["net.core"], {}, "allowedUnsafeSysctls"),
    ("net.core.somaxconn", ["net.*"], {"hostNetwork": True}, "hostNetwork"),
    ("kernel.msgmax", ["kernel.msg*"], {}, ""),
    ("kernel.sem", ["kernel.sem"], {}, ""),
    ("fs.mqueue.msg_max", ["fs.mqueue.*"], {}, ""),
    ("vm.swappiness", [], {}, "whole node"),
    ("kernel.panic", [], {}, "whole node"),
]


@pytest.mark.parametrize(("name", "allowed", "spec", "expected"), CASES)
def test_what_is_forbidden(name: str, allowed: list[str], spec: dict[str, Any], expected: str) -> None:
    kubelet = KubeletConfiguration(allowed_unsafe_sysctls=allowed)
    sysctls = [{"name": "net.ipv4.tcp_syncookies", "value": "1"}] if not spec else []
    pod = desired_pod({"securityContext": {"sysctls": [*sysctls, {"name": name, "value": "1"}]}, **spec}).pod
    why = forbidden_sysctl(pod, Settings(kubelet=kubelet, node_name="node"))
    assert bool(why) is bool(expected)
    assert expected in why


@pytest.mark.parametrize(
    ("name", "dotted"),
    [
        ("net.ipv4.conf.eth0/1.rp_filter", "net.ipv4.conf.eth0/1.rp_filter"),
        ("net/ipv4/conf/eth0.1/rp_filter", "net.ipv4.conf.eth0/1.rp_filter"),
        ("plain", "plain"),
    ],
)
def test_either_separator(name: str, dotted: str) -> None:
    assert with_dots(name) == dotted
    pod = desired_pod({"securityContext": {"sysctls": [{"name": name, "value": "1"}]}}).pod
    assert pod_sysctls(pod) == {dotted: "1"}


def test_all_safe_ones_are_a_pods_own() -> None:
    assert {sysctl_namespace(name) for name in SAFE_SYSCTLS} == {"ipc", "net"}
    assert sysctl_namespace("kernel.semaphores") == ""
