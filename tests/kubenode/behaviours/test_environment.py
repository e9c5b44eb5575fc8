"""Environment, command and arguments (expansion.go, containers.go, configmap.go, secrets.go, downwardapi.go)."""

from __future__ import annotations

import os
from typing import Any

import pytest

from support.agent import NODE, AgentProcess, pod

BUSYBOX = "kubenode.test/busybox:1"
NODE_IP = "192.0.2.1"
OBJECTS = [
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings"},
        "data": {"colour": "blue", "size": "7"},
    },
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login"},
        "stringData": {"user": "kim", "password": "s3cret-canary"},
    },
]


def field(path: str) -> dict[str, Any]:
    return {"valueFrom": {"fieldRef": {"fieldPath": path}}}


def resource(name: str, divisor: str = "1") -> dict[str, Any]:
    return {"valueFrom": {"resourceFieldRef": {"resource": name, "divisor": divisor}}}


def tells(name: str, command: str = "env", labels: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    """A pod that tells its environment, and is done."""
    container = {"name": "app", "image": BUSYBOX, "imagePullPolicy": "IfNotPresent", **fields}
    container["command"] = ["sh", "-c", command]
    made = pod(name, containers=[container], restartPolicy="Never")
    made["metadata"] |= {"labels": labels or {}, "annotations": {"note": "a\nb"}}
    return made


PODS = [
    tells(
        "expansion",
        command='echo "$A|$B|$C|$D|$E|$0|$1"',
        env=[
            {"name": "A", "value": "a"},
            {"name": "B", "value": "$(A)b"},
            {"name": "C", "value": "$$(A)"},
            {"name": "D", "value": "$(LATER)"},
            {"name": "LATER", "value": "x"},
            {"name": "E", "value": "$(B)$(B)"},
        ],
        args=["zero-$(A)", "one-$$(A)-$(NONE)"],
    ),
    tells(
        "fields",
        labels={"tier": "front"},
        env=[
            {"name": "NAME", **field("metadata.name")},
            {"name": "SPACE", **field("metadata.namespace")},
            {"name": "UID_", **field("metadata.uid")},
            {"name": "NODE", **field("spec.nodeName")},
            {"name": "TIER", **field("metadata.labels['tier']")},
            {"name": "IP", **field("status.podIP")},
            {"name": "IPS", **field("status.podIPs")},
            {"name": "HOST", **field("status.hostIP")},
        ],
    ),
    tells(
        "resources",
        resources={"limits": {"cpu": "250m", "memory": "64Mi"}, "requests": {"cpu": "100m"}},
        env=[
            {"name": "CPU", **resource("limits.cpu", "1m")},
            {"name": "CORES", **resource("limits.cpu")},
            {"name": "ASKED", **resource("requests.cpu", "1m")},
            {"name": "MEMORY", **resource("limits.memory", "1Mi")},
        ],
    ),
    tells("allocatable", env=[{"name": "CPU", **resource("limits.cpu")}]),
    tells(
        "from-objects",
        env=[
            {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}},
            {"name": "NONE", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "x", "optional": True}}},
        ],
        envFrom=[
            {"prefix": "P_", "configMapRef": {"name": "settings"}},
            {"secretRef": {"name": "login"}},
            {"configMapRef": {"name": "none", "optional": True}},
        ],
    ),
    tells("missing-key", env=[{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "none"}}}]),
    tells("missing-map", envFrom=[{"configMapRef": {"name": "nobody-has-it"}}]),
]


def environment(agent: AgentProcess, name: str) -> dict[str, str]:
    told = agent.until_pod(name, lambda told: told.get("phase") == "Succeeded")
    return dict(line.split("=", 1) for line in agent.said(told) if "=" in line)


def test_variables_are_expanded_in_env_command_and_args(agent: AgentProcess) -> None:
    told = agent.until_pod("expansion", lambda told: told.get("phase") == "Succeeded")
    assert agent.said(told) == ["a|ab|$(A)|$(LATER)|abab|zero-a|one-$(A)-$(NONE)"]


def test_a_pod_knows_its_fields(agent: AgentProcess) -> None:
    told = agent.until_pod("fields", lambda told: told.get("phase") == "Succeeded")
    found = environment(agent, "fields")
    assert found["NAME"] == f"fields-{NODE}"
    assert (found["SPACE"], found["NODE"], found["TIER"]) == ("default", NODE, "front")
    assert found["UID_"] == told["uid"]
    assert found["IP"].count(".") == 3
    assert found["IP"] == found["IPS"]
    assert found["HOST"] == NODE_IP


def test_a_container_knows_its_resources(agent: AgentProcess) -> None:
    found = environment(agent, "resources")
    assert [found[name] for name in ("CPU", "CORES", "ASKED", "MEMORY")] == ["250", "1", "100", "64"]


def test_a_limit_that_is_not_set_is_what_the_node_has_to_give(agent: AgentProcess) -> None:
    assert environment(agent, "allocatable")["CPU"] == str(os.cpu_count())


def test_config_maps_and_secrets_as_environment(agent: AgentProcess) -> None:
    found = environment(agent, "from-objects")
    assert (found["COLOUR"], found["PASSWORD"]) == ("blue", "s3cret-canary")
    assert (found["P_colour"], found["P_size"], found["user"]) == ("blue", "7", "kim")
    assert "NONE" not in found
    assert "s3cret-canary" not in agent.output.read_text() + str(agent.ask("pods")) + str(agent.ask("sync"))


@pytest.mark.parametrize(("name", "names"), [("missing-key", "none"), ("missing-map", "nobody-has-it")])
def test_what_is_missing_is_named(agent: AgentProcess, name: str, names: str) -> None:
    told = agent.until_pod(name, lambda told: told.get("reason") == "CreateContainerConfigError")
    assert names in told["message"]


def test_a_pod_starts_once_its_config_map_is_there(agent: AgentProcess) -> None:
    agent.put_pods(tells("late", envFrom=[{"configMapRef": {"name": "late"}}]))
    agent.until_pod("late", lambda told: told.get("reason") == "CreateContainerConfigError")
    agent.put_objects({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}, "data": {"HOUR": "12"}})
    assert environment(agent, "late")["HOUR"] == "12"


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("neither", {}, "FLAVOUR=variant"),
        ("args-only", {"args": ["echo from args"]}, "from args"),
        ("command-only", {"command": ["/bin/sh", "-c", "echo from command"]}, "from command"),
        ("both", {"command": ["/bin/echo"], "args": ["from", "both"]}, "from both"),
    ],
)
def test_command_and_args_override_the_image(agent: AgentProcess, name: str, fields: Any, said: str) -> None:
    made = tells(name)
    made["spec"]["containers"] = [
        {"name": "app", "image": "kubenode.test/variant:1", "imagePullPolicy": "IfNotPresent", **fields}
    ]
    agent.put_pods(made)
    told = agent.until_pod(name, lambda told: told.get("phase") == "Succeeded")
    assert said in agent.said(told)
