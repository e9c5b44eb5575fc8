"""The command line as its users see it: exit codes, one sentence for an error, output for programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import kubenode

DOCUMENTS: list[dict[str, Any]] = [
    {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"},
    {"apiVersion": "kubenode.io/v1alpha1", "kind": "KubenodeConfiguration", "nodeName": "testnode"},
]
POD = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: app, image: r.test/app:1}]}}"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A node without a runtime, with one good manifest and a bad one."""
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "web.yaml").write_text(POD)
    (manifests / "bad.yaml").write_text(POD.replace("image", "imgae"))
    kubelet = {
        "staticPodPath": str(manifests),
        "containerRuntimeEndpoint": f"unix://{tmp_path}/no.sock",
        "podLogsDir": str(tmp_path / "logs"),
        "kubeAPIQPS": 5,
    }
    node = {"rootDirectory": str(tmp_path / "root"), "runDirectory": str(tmp_path / "run")}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump_all([DOCUMENTS[0] | kubelet, DOCUMENTS[1] | node]))
    return path


def _run(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, output, errors."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KUBENODE_")}
    done = subprocess.run(
        [sys.executable, "-m", "kubenode", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--nonsense"], "--nonsense"),
        (["nonsense"], "nonsense"),
        (["pods", "--nonsense"], "--nonsense"),
        (["pods", "-o", "xml"], "xml"),
        (["pods", "more"], "more"),
        (["sync", "--timeout", "soon"], "'--timeout': Input should be a valid number"),
        (["sync", "--timeout", "0"], "'--timeout': Input should be greater than or equal to 1"),
        (["sync", "--dry-run", "--wait"], "use --dry-run or --wait"),
        (["agent", "--config"], "--config"),
    ],
)
def test_wrong_usage_is_one_sentence(arguments: list[str], told: str) -> None:
    code, output, errors = _run(*arguments)
    assert (code, output, errors.count("\n")) == (64, "", 1)
    assert errors.startswith("kubenode: ")
    assert told in errors
    # The library does not tell whose option has no argument.
    known = arguments[0] in ("pods", "sync")
    assert errors.endswith(f"See kubenode{f' {arguments[0]}' if known else ''} --help.\n")


@pytest.mark.parametrize("arguments", [[], ["manifest"]])
def test_nothing_at_all_gives_the_help_and_nothing_else(arguments: list[str]) -> None:
    code, output, errors = _run(*arguments)
    _, helped, _ = _run(*arguments, "--help")
    assert (code, output, errors.strip()) == (64, "", helped.strip())


@pytest.mark.parametrize(
    "command", [["pods"], ["sync"], ["sync", "--dry-run"], ["health"], ["agent"], ["agent", "--check"]]
)
def test_a_configuration_that_is_missing_is_one_sentence(command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "gone.yaml"
    code, output, errors = _run(*command, "--config", path)
    assert (code, output) == (3, "")
    assert errors == (
        f"kubenode: {path} cannot be read: No such file or directory. "
        "Name the agent's configuration file with --config.\n"
    )


@pytest.mark.parametrize("command", [["pods"], ["sync"], ["sync", "--dry-run"]])
def test_without_a_runtime_it_says_so(command: list[str], config: Path) -> None:
    code, output, errors = _run(*command, "--config", config)
    assert (code, output) == (3, "")
    assert errors.count("\n") == 1
    assert f"failed at unix://{config.parent}/no.sock: there is no such socket." in errors


def test_health_without_a_runtime_is_a_verdict(config: Path) -> None:
    code, output, errors = _run("health", "--config", config, "-o", "json")
    report = json.loads(output)
    checks = {check["name"]: check for check in report["checks"]}
    assert (code, errors, report["level"]) == (2, "", "critical")
    assert (checks["runtime"]["level"], checks["agent"]["level"]) == ("critical", "critical")
    assert checks["manifests"]["level"] == "warning"
    assert f"{config.parent}/manifests/bad.yaml:1 is invalid: " in checks["manifests"]["message"]


def test_health_for_people(config: Path) -> None:
    code, output, _ = _run("health", "--config", config)
    assert code == 2
    assert "CRITICAL runtime" in output
    assert "Correct or remove the file" in output


@pytest.mark.parametrize("query", ["checks[", "@@", "nosuch(@)", "length(`1`)"])
def test_a_bad_query_is_one_sentence(config: Path, query: str) -> None:
    code, output, errors = _run("health", "--config", config, "--query", query)
    assert (code, output) == (3, "")
    assert errors.startswith("kubenode: --query: ")
    assert "Traceback" not in errors


def test_a_query_picks(config: Path) -> None:
    code, output, _ = _run("health", "--config", config, "--query", "checks[?name=='agent'].level")
    assert (code, json.loads(output)) == (2, ["critical"])


def test_yaml_and_json_say_the_same(config: Path) -> None:
    found = {form: _run("version", "--config", config, "-o", form) for form in ("json", "yaml")}
    assert json.loads(found["json"][1]) == yaml.safe_load(found["yaml"][1])
    assert json.loads(found["json"][1]) == {"kubenode": kubenode.__version__, "agent": "", "runtime": ""}
    assert (found["json"][0], found["yaml"][0]) == (0, 0)


def test_a_version_can_be_had_on_a_machine_that_is_no_node(tmp_path: Path) -> None:
    code, output, _ = _run("version", "--config", tmp_path / "gone")
    assert (code, output.splitlines()[0]) == (0, f"kubenode {kubenode.__version__}")


def test_another_node_cannot_be_asked(config: Path) -> None:
    code, _, errors = _run("pods", "--config", config, "--node", "elsewhere")
    assert code == 3
    assert errors.startswith("kubenode: --node elsewhere: only this node, testnode, can be asked by this version. ")


def test_a_configuration_is_checked(config: Path) -> None:
    code, output, errors = _run("agent", "--check", "--config", config)
    assert (code, output) == (0, f"{config} can be used\n")
    assert errors == f"warning: {config}: kubeAPIQPS has no effect in this version\n"


def test_help_names_every_command() -> None:
    code, output, errors = _run("--help")
    assert (code, errors) == (0, "")
    assert all(f"  {command} " in output for command in ("agent", "sync", "pods", "health", "version"))
    assert "Exit codes: 0 ok" in output


def test_a_reader_that_leaves_is_no_error(config: Path) -> None:
    command = f"{sys.executable} -m kubenode health --config {config} -o json | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""


def test_a_reader_that_left_before_is_no_error_either(config: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "kubenode", "health", "--config", str(config)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=60, env=environment, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
