"""Volumes (storage/, empty_dir, host_path, projected, subpath)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from support.agent import NODE, AgentProcess, container, pod

FOREVER = "trap 'exit 0' TERM; while :; do sleep 1 & wait; done"
FILES = "$(find . -type f -follow | grep -v '/\\.\\.' | sort)"
LIST = f"cd /v; for f in {FILES}; do echo $f $(stat -L -c %a $f) $(cat $f); done"


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def secret(name: str, **data: str) -> dict[str, Any]:
    coded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": coded}


OBJECTS = [
    config_map("conf", one="1", two="2"),
    secret("keys", key="k3y-canary"),
    config_map("live", word="old"),
    secret("live", word="old"),
]


def reads(name: str, volume: dict[str, Any], command: str = LIST, spec: Any = None, **mount: Any) -> dict[str, Any]:
    """A pod that lists what is in its volume, and stays."""
    mounts = [{"name": "v", "mountPath": "/v", **mount}]
    return pod(
        name,
        containers=[container(command=f"{command}; {FOREVER}", volumeMounts=mounts)],
        volumes=[{"name": "v", **volume}],
        **(spec or {}),
    )


DOWNWARD = {
    "items": [
        {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
    ]
}
PODS = [
    reads("config-map", {"configMap": {"name": "conf"}}),
    reads(
        "config-items",
        {"configMap": {"name": "conf", "defaultMode": 0o400, "items": [{"key": "one", "path": "a/b", "mode": 0o440}]}},
    ),
    reads("secret", {"secret": {"secretName": "keys", "defaultMode": 0o400}}),
    reads("downward", {"downwardAPI": DOWNWARD}),
    reads(
        "projected",
        {
            "projected": {
                "sources": [
                    {"configMap": {"name": "conf", "items": [{"key": "one", "path": "c/one"}]}},
                    {"secret": {"name": "keys"}},
                    {"downwardAPI": {"items": DOWNWARD["items"][:1]}},
                ]
            }
        },
    ),
    reads("optional", {"configMap": {"name": "comes-later", "optional": True}}),
    reads("live", {"configMap": {"name": "live"}}),
    reads("live-secret", {"secret": {"secretName": "live"}}),
    reads("live-projected", {"projected": {"sources": [{"secret": {"name": "live"}}]}}),
    reads(
        "group-reads",
        {"secret": {"secretName": "keys", "defaultMode": 0o400}},
        spec={"securityContext": {"runAsUser": 1000, "fsGroup": 2345}},
    ),
    reads(
        "fs-group",
        {"emptyDir": {}},
        command="stat -c '%g %a' /v; id -G; touch /v/x; stat -c %g /v/x",
        spec={"securityContext": {"runAsUser": 1000, "fsGroup": 2345}},
    ),
    reads(
        "memory",
        {"emptyDir": {"medium": "Memory", "sizeLimit": "4Mi"}},
        command="grep ' /v ' /proc/mounts; dd if=/dev/zero of=/v/x bs=1M count=8 2>&1 | tail -1; stat -c %s /v/x",
    ),
    reads(
        "read-only", {"emptyDir": {}}, command="touch /v/x 2>/dev/null && echo written || echo refused", readOnly=True
    ),
    reads("sub-path", {"configMap": {"name": "conf"}}, command="cat /v; echo", subPath="two"),
    pod(
        "sub-path-expr",
        containers=[
            container(
                command=f"echo hi > /v/said; {FOREVER}",
                env=[{"name": "ME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                volumeMounts=[
                    {"name": "v", "mountPath": "/v", "subPathExpr": "of/$(ME)"},
                    {"name": "v", "mountPath": "/whole"},
                ],
            )
        ],
        volumes=[{"name": "v", "emptyDir": {}}],
    ),
]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("config-map", ["./one 644 1", "./two 644 2"]),
        ("config-items", ["./a/b 440 1"]),
        ("secret", ["./key 400 k3y-canary"]),
        ("group-reads", ["./key 440 k3y-canary"]),
        ("downward", ["./labels 644", f"./name 644 downward-{NODE}"]),
        ("projected", ["./c/one 644 1", "./key 644 k3y-canary", f"./name 644 projected-{NODE}"]),
        ("optional", []),
        ("read-only", ["refused"]),
        ("sub-path", ["2"]),
    ],
)
def test_a_volume_holds(agent: AgentProcess, name: str, lines: list[str]) -> None:
    told = agent.until_running(name)[name]
    agent.until(lambda: [line.strip() for line in agent.said(told)] == lines, f"{lines}, not {agent.said(told)}")


def test_a_secret_never_touches_a_disk(agent: AgentProcess) -> None:
    told = agent.until_running("secret")["secret"]
    volume = agent.root / "pods" / told["uid"] / "volumes" / "kubernetes.io~secret" / "v"
    assert agent.mounts()[str(volume)] == "tmpfs"


def test_a_config_map_volume_is_updated_live(agent: AgentProcess) -> None:
    told = agent.until_running("live")["live"]
    agent.put_objects(config_map("live", word="new", more="x"))
    agent.until(lambda: agent.run("exec", told["name"], "--", "cat", "/v/word", "/v/more")[1] == "newx", "the update")
    assert agent.pod("live")["restarts"] == 0
    assert agent.pod("live")["uid"] == told["uid"]


@pytest.mark.parametrize("name", ["live-secret", "live-projected"])
def test_a_secret_is_updated_live_wherever_it_is(agent: AgentProcess, name: str) -> None:
    told = agent.until_running(name)[name]
    agent.put_objects(secret("live", word=name))
    agent.until(lambda: agent.run("exec", told["name"], "--", "cat", "/v/word")[1] == name, "the update")
    assert agent.pod(name)["restarts"] == 0


def test_an_optional_config_map_appears_and_vanishes(agent: AgentProcess) -> None:
    told = agent.until_running("optional")["optional"]
    path = agent.put_objects(config_map("comes-later", word="here"))
    agent.until(lambda: agent.run("exec", told["name"], "--", "ls", "/v")[1] == "word\n", "the file")
    path.unlink()
    agent.until(lambda: agent.run("exec", told["name"], "--", "ls", "/v")[1] == "", "no file")


def test_fs_group_owns_the_volume(agent: AgentProcess) -> None:
    told = agent.until_running("fs-group")["fs-group"]
    agent.until(lambda: len(agent.said(told)) == 3, "three lines")
    directory, groups, file = agent.said(told)
    assert directory == "2345 2777"
    assert "2345" in groups.split()
    assert file == "2345"


def test_a_volume_in_memory_has_a_size(agent: AgentProcess) -> None:
    told = agent.until_running("memory")["memory"]
    agent.until(lambda: len(agent.said(told)) == 3, "three lines")
    mount, _, size = agent.said(told)
    assert mount.split()[2] == "tmpfs"
    assert int(size) == 4 * 2**20


def test_a_pod_that_fills_more_than_its_size_limit_is_evicted(agent: AgentProcess) -> None:
    command = "dd if=/dev/zero of=/v/x bs=1M count=3 2>/dev/null"
    agent.put_pods(
        reads("glutton", {"emptyDir": {"sizeLimit": "1Mi"}}, command=command),
        reads("modest", {"emptyDir": {"sizeLimit": "1Mi"}}),
    )
    told = agent.until_pod("glutton", lambda told: told.get("phase") == "Failed")
    assert told["reason"] == "Evicted"
    assert "1Mi" in told["message"]
    agent.until_running("modest")


def test_sub_path_expr(agent: AgentProcess) -> None:
    told = agent.until_running("sub-path-expr")["sub-path-expr"]
    path = f"/whole/of/{told['name']}/said"
    agent.until(lambda: agent.run("exec", told["name"], "--", "cat", path)[1] == "hi\n", "the file")


@pytest.mark.parametrize(
    ("name", "expression"), [("absolute", "/etc"), ("backtick", "`id`"), ("parent", "$(UP)"), ("unknown", "$(NONE)")]
)
def test_sub_path_expr_that_leads_out_is_refused(agent: AgentProcess, name: str, expression: str) -> None:
    mount = {"name": "v", "mountPath": "/v", "subPathExpr": "$(ME)"}
    agent.put_pods(
        pod(
            name,
            containers=[
                container(
                    env=[{"name": "UP", "value": "../x"}, {"name": "ME", "value": expression}], volumeMounts=[mount]
                )
            ],
            volumes=[{"name": "v", "emptyDir": {}}],
        )
    )
    told = agent.until_pod(name, lambda told: told.get("reason") == "CreateContainerConfigError")
    assert not any(one["containerId"] for one in told["containers"])


@pytest.mark.parametrize("user", [0, 1001])
@pytest.mark.parametrize("medium", ["", "Memory"])
@pytest.mark.parametrize("mode", ["0644", "0666", "0777"])
def test_empty_dir_is_for_every_user(agent: AgentProcess, user: int, medium: str, mode: str) -> None:
    name = f"empty-{user}-{medium or 'disk'}-{mode}".lower()
    command = f"umask 0; echo hi > /v/f; chmod {mode} /v/f; stat -c '%a %u' /v/f; cat /v/f; stat -c %a /v"
    spec = {"securityContext": {"runAsUser": user}, "restartPolicy": "Never"}
    made = reads(name, {"emptyDir": {"medium": medium}}, spec=spec)
    made["spec"]["containers"][0]["command"] = ["sh", "-c", command]
    agent.put_pods(made)
    told = agent.until_pod(name, lambda told: told.get("phase") == "Succeeded")
    assert agent.said(told) == [f"{mode[1:]} {user}", "hi", "777"]


def test_host_path_types(agent: AgentProcess) -> None:
    folder = agent.root / "host"
    folder.mkdir(parents=True)
    (folder / "file").write_text("x")
    agent.put_pods(
        reads("host-create", {"hostPath": {"path": str(folder / "made"), "type": "DirectoryOrCreate"}}),
        reads("host-file", {"hostPath": {"path": str(folder / "file"), "type": "File"}}, command="cat /v"),
        reads("host-wrong", {"hostPath": {"path": str(folder / "file"), "type": "Directory"}}),
        reads("host-none", {"hostPath": {"path": str(folder / "none"), "type": "Directory"}}),
    )
    agent.until_running("host-create", "host-file")
    assert (folder / "made").is_dir()
    for name in ("host-wrong", "host-none"):
        told = agent.until_pod(name, lambda told: told.get("reason") == "FailedMount")
        assert str(folder) in told["message"]
    (folder / "none").mkdir()
    agent.until_running("host-none")


def test_a_removed_pod_leaves_no_mounts_and_no_directory(agent: AgentProcess) -> None:
    agent.put_pods(reads("passing", {"emptyDir": {"medium": "Memory"}}, subPath="a"))
    told = agent.until_running("passing")["passing"]
    directory = agent.root / "pods" / told["uid"]
    assert [place for place in agent.mounts() if place.startswith(str(directory))]
    agent.remove("passing")
    agent.until(lambda: not agent.pod("passing"), "passing to be gone")
    assert not [place for place in agent.mounts() if place.startswith(str(directory))]
    assert not directory.exists()


def test_what_is_on_the_host_is_not_removed_with_the_pod(agent: AgentProcess) -> None:
    kept = agent.root / "kept"
    kept.mkdir(parents=True)
    (kept / "data").write_text("precious")
    agent.put_pods(reads("guest", {"hostPath": {"path": str(kept)}}, subPath="inner"))
    agent.until_running("guest")
    agent.remove("guest")
    agent.until(lambda: not agent.pod("guest"), "guest to be gone")
    assert (kept / "data").read_text() == "precious"
    assert (kept / "inner").is_dir()
