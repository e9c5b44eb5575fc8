"""postStart and preStop (lifecycle_hook.go), graces and ends."""

from __future__ import annotations

import time
from typing import Any

from support.agent import AgentProcess, container, pod

FOREVER = "trap 'exit 0' TERM; while :; do sleep 0.2 & wait; done"
SERVER = f"mkdir -p /tmp/w; echo hello > /tmp/w/index.html; httpd -f -vv -p 8080 -h /tmp/w 2>>/proc/1/fd/1 & {FOREVER}"
GRACE = 20


def hooked(name: str, command: str = FOREVER, grace: int = GRACE, **lifecycle: Any) -> dict[str, Any]:
    return pod(
        name,
        containers=[container(command=command, lifecycle=lifecycle)],
        terminationGracePeriodSeconds=grace,
    )


SAY = ["sh", "-c", "echo {0} > /proc/1/fd/1"]


def say(word: str) -> dict[str, Any]:
    return {"exec": {"command": [part.format(word) for part in SAY]}}


PODS = [
    hooked("post-exec", postStart=say("hello")),
    pod("server", SERVER),
    hooked("post-fails", postStart={"exec": {"command": ["false"]}}),
    hooked("pre-exec", "trap 'echo term; exit 0' TERM; while :; do sleep 0.2 & wait; done", preStop=say("bye")),
    hooked("pre-sleep", preStop={"sleep": {"seconds": 2}}),
    hooked("pre-hangs", grace=3, preStop={"exec": {"command": ["sleep", "1000"]}}),
]


def test_post_start_exec(agent: AgentProcess) -> None:
    told = agent.until_running("post-exec")["post-exec"]
    agent.until(lambda: agent.said(told) == ["hello"], "the hook's words")


def test_a_post_start_that_fails_restarts_the_container(agent: AgentProcess) -> None:
    told = agent.until_pod("post-fails", lambda told: told.get("restarts", 0) >= 1)
    agent.until(lambda: "FailedPostStartHook" in str(agent.ask("events", told["name"])), "the event")


def test_pre_stop_comes_before_the_signal(agent: AgentProcess) -> None:
    told = agent.until_running("pre-exec")["pre-exec"]
    log = agent.log(told)
    with log.open() as words:
        agent.remove("pre-exec")
        agent.until(lambda: not agent.pod("pre-exec"), "pre-exec to be gone")
        assert [line.split(" ", 3)[3].strip() for line in words] == ["bye", "term"]


def test_pre_stop_sleep_delays_the_signal(agent: AgentProcess) -> None:
    agent.until_running("pre-sleep")
    began = time.monotonic()
    agent.remove("pre-sleep")
    agent.until(lambda: not agent.pod("pre-sleep"), "pre-sleep to be gone")
    assert 2 <= time.monotonic() - began < GRACE


def test_a_pre_stop_that_hangs_ends_with_the_grace(agent: AgentProcess) -> None:
    agent.until_running("pre-hangs")
    began = time.monotonic()
    agent.remove("pre-hangs")
    agent.until(lambda: not agent.pod("pre-hangs"), "pre-hangs to be gone")
    assert 2.5 <= time.monotonic() - began < 15


def test_post_start_http(agent: AgentProcess) -> None:
    server = agent.until_running("server")["server"]
    asked = {"host": server["ips"][0], "port": 8080, "path": "/from-the-hook"}
    agent.until(lambda: agent.http_get(f"http://{server['ips'][0]}:8080/") == "hello\n", "the server")
    agent.put_pods(hooked("post-http", postStart={"httpGet": asked}))
    agent.until(lambda: any("/from-the-hook" in line for line in agent.said(server)), "the hook's request")


def test_pre_stop_http(agent: AgentProcess) -> None:
    server = agent.until_running("server")["server"]
    asked = {"host": server["ips"][0], "port": 8080, "path": "/before-the-end"}
    agent.put_pods(hooked("pre-http", preStop={"httpGet": asked}))
    agent.until_running("pre-http")
    agent.remove("pre-http")
    agent.until(lambda: any("/before-the-end" in line for line in agent.said(server)), "the hook's request")
