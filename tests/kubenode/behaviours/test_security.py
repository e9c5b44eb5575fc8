"""Security contexts, sysctls, runtime classes (security_context.go, sysctl.go, runtimeclass.go)."""

from __future__ import annotations

from typing import Any

import pytest

from support.agent import AgentProcess, container, pod

STATUS = "grep -E '^(Uid|Gid|Groups|CapEff|NoNewPrivs|Seccomp):' /proc/self/status | tr '\\t' ' '"


def asks(name: str, command: str, context: Any = None, **pod_context: Any) -> dict[str, Any]:
    """A pod that runs one command and is done."""
    spec: dict[str, Any] = {"securityContext": pod_context} if pod_context else {}
    containers = [container(command=command, securityContext=context or {})]
    return pod(name, containers=containers, restartPolicy="Never", **spec)


PODS = [
    asks("nobody", "id -u; id -g", {"runAsUser": 65534, "runAsGroup": 65534}),
    asks("groups", "id -G", runAsUser=1000, supplementalGroups=[3000, 4000], fsGroup=5000),
    asks("non-root", "id -u", runAsNonRoot=True),
    asks("privileged", f"{STATUS}; ls /dev | wc -l", {"privileged": True}),
    asks("unprivileged", f"{STATUS}; ip link add dummy0 type dummy 2>/dev/null && echo made || echo refused"),
    asks("no-escalation", STATUS, {"allowPrivilegeEscalation": False, "runAsUser": 1000}),
    asks("capabilities", STATUS, {"capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}}),
    asks("read-only-root", "touch /x 2>/dev/null && echo written || echo refused", {"readOnlyRootFilesystem": True}),
    asks("seccomp", STATUS, seccompProfile={"type": "RuntimeDefault"}),
    asks("unconfined", STATUS, seccompProfile={"type": "Unconfined"}),
    asks("masked", "cat /proc/keys | wc -c; cat /proc/timer_list | wc -c"),
    asks(
        "sysctl",
        "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced",
        sysctls=[
            {"name": "net.ipv4.ip_unprivileged_port_start", "value": "80"},
            {"name": "kernel.shm_rmid_forced", "value": "1"},
        ],
    ),
    asks("unsafe-sysctl", "true", sysctls=[{"name": "kernel.msgmax", "value": "10000"}]),
    pod("no-such-class", runtimeClassName="nobody-has-it"),
    asks("profile-missing", "true", seccompProfile={"type": "Localhost", "localhostProfile": "none.json"}),
]


def said(agent: AgentProcess, name: str) -> list[str]:
    return agent.said(agent.until_pod(name, lambda told: told.get("phase") == "Succeeded"))


def status(agent: AgentProcess, name: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in said(agent, name) if ": " in line)


def test_run_as_user_65534(agent: AgentProcess) -> None:
    assert said(agent, "nobody") == ["65534", "65534"]


def test_supplemental_groups_and_fs_group(agent: AgentProcess) -> None:
    (groups,) = said(agent, "groups")
    assert {"3000", "4000", "5000"} <= set(groups.split())


def test_run_as_non_root_refuses_root(agent: AgentProcess) -> None:
    told = agent.until_pod("non-root", lambda told: told.get("reason") == "CreateContainerConfigError")
    assert "runAsNonRoot" in told["message"]


def test_privileged_or_not(agent: AgentProcess) -> None:
    assert int(status(agent, "privileged")["CapEff"], 16) > int(status(agent, "unprivileged")["CapEff"], 16)
    assert "made" not in said(agent, "unprivileged")


def test_no_privilege_escalation(agent: AgentProcess) -> None:
    assert status(agent, "no-escalation")["NoNewPrivs"] == "1"
    assert status(agent, "unprivileged")["NoNewPrivs"] == "0"


def test_capabilities_are_added_and_dropped(agent: AgentProcess) -> None:
    assert int(status(agent, "capabilities")["CapEff"], 16) == 1 << 12


def test_read_only_root_file_system(agent: AgentProcess) -> None:
    assert said(agent, "read-only-root") == ["refused"]


def test_seccomp_runtime_default_filters(agent: AgentProcess) -> None:
    assert status(agent, "seccomp")["Seccomp"] == "2"
    assert status(agent, "unconfined")["Seccomp"] == "0"


def test_a_missing_seccomp_profile_is_named(agent: AgentProcess) -> None:
    told = agent.until_pod("profile-missing", lambda told: told.get("reason"))
    assert "none.json" in told["message"]


def test_what_is_the_hosts_is_masked(agent: AgentProcess) -> None:
    assert said(agent, "masked") == ["0", "0"]


def test_sysctls_are_set(agent: AgentProcess) -> None:
    assert said(agent, "sysctl") == ["80", "1"]


def test_unsafe_sysctls_are_refused(agent: AgentProcess) -> None:
    told = agent.until_pod("unsafe-sysctl", lambda told: told.get("phase") == "Failed")
    assert told["reason"] == "SysctlForbidden"
    assert "kernel.msgmax" in told["message"]


def test_a_missing_runtime_class_is_refused(agent: AgentProcess) -> None:
    told = agent.until_pod("no-such-class", lambda told: told.get("reason") == "FailedCreatePodSandBox")
    assert "nobody-has-it" in told["message"]


@pytest.mark.parametrize("name", ["unsafe-sysctl", "no-such-class", "profile-missing"])
def test_what_is_refused_never_runs(agent: AgentProcess, name: str) -> None:
    told = agent.until_pod(name, lambda told: told.get("reason"))
    assert not any(one["startedAt"] for one in told["containers"])
