"""`kubenode manifest check` as its users see it: what it tells, for people and programs, and its exit codes."""

from __future__ import annotations

import base64
import json
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

MANIFESTS = Path(__file__).parents[1] / "manifests"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: app
      image: r.test/app:1
"""
BAD = POD.replace("image:", "imagee:") + "      tty: yes please\n"
RULES = POD + "      command: ['\\0']\n  restartPolicy: Sometimes\n".replace("'\\0'", '"\\0"')
WARNED = POD + "      envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: gone, optional: true}}]\n"
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n"


def _run(*arguments: str | Path, stdin: str = "") -> tuple[int, str, str]:
    """Exit code, output, errors; in a home and a directory where there is nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "kubenode", "manifest", "check", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={name: value for name, value in os.environ.items() if not name.startswith("KUBENODE_")},
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def _file(directory: Path, text: str, name: str = "m.yaml") -> Path:
    path = directory / name
    path.write_text(text)
    return path


def test_a_good_one(tmp_path: Path) -> None:
    assert _run(_file(tmp_path, POD)) == (0, "1 object checked: ok\n", "")


def test_every_wrong_field_is_told_with_file_line_and_path(tmp_path: Path) -> None:
    path = _file(tmp_path, BAD)
    assert _run(path) == (
        2,
        (
            f"{path}:7: $.spec.containers[0].imagee: no such field; did you mean image?\n"
            f"{path}:8: $.spec.containers[0].tty: expected bool, got str\n"
            f"{path}:6: $.spec.containers[0]: object missing required field image\n"
            "1 object checked: invalid\n"
        ),
        "",
    )


def test_every_broken_rule_is_told(tmp_path: Path) -> None:
    code, output, _ = _run(_file(tmp_path, RULES), "-o", "json", "--query", "findings[].[line, path]")
    assert (code, json.loads(output)) == (2, [[9, "$.spec.restartPolicy"], [8, "$.spec.containers[0].command[0]"]])


def test_standard_input() -> None:
    code, output, _ = _run("-", stdin=BAD)
    assert (code, output.splitlines()[0][:12]) == (2, "<stdin>:7: $")


def test_a_reference_to_what_is_in_none_of_the_files_is_a_warning(tmp_path: Path) -> None:
    path = _file(tmp_path, WARNED)
    code, output, _ = _run(path)
    assert code == 1
    assert output.splitlines() == [
        (
            f"{path}:8: warning: $.spec.containers[0].envFrom[0].configMapRef.name: "
            "ConfigMap default/settings is in none of the files that were checked"
        ),
        "1 object checked: warning",
    ]
    assert _run(path, "--strict")[0] == 2
    assert _run(path, _file(tmp_path, SETTINGS, "settings.yaml"), "--strict")[0] == 0


def test_a_probe_of_a_port_without_that_name_is_a_warning(tmp_path: Path) -> None:
    code, output, _ = _run(_file(tmp_path, POD + "      livenessProbe: {httpGet: {port: web}}\n"))
    assert code == 1
    assert "$.spec.containers[0].livenessProbe.httpGet.port: the container has no port of the name 'web'" in output


def test_several_documents_each_with_its_verdict(tmp_path: Path) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
    broken = "a: 1\na: 2\n"
    path = _file(tmp_path, "---\n".join([WARNED, SETTINGS, service, broken, BAD.replace("web", "bad")]))
    code, output, _ = _run(path, "-o", "json")
    report = json.loads(output)
    assert (code, report["verdict"]) == (2, "invalid")
    assert [(one["kind"], one["name"], one["verdict"]) for one in report["documents"]] == [
        ("Pod", "default/web", "ok"),
        ("ConfigMap", "default/settings", "ok"),
        ("Service", "default/web", "skipped"),
        ("Pod", "default/bad", "invalid"),
    ]
    assert "the key 'a' stands twice" in [one["message"] for one in report["findings"]]


def test_what_is_skipped_is_no_failure(tmp_path: Path) -> None:
    path = _file(tmp_path, "apiVersion: v1\nkind: Service\n")
    code, output, _ = _run(path)
    assert (code, output.splitlines()[0]) == (
        0,
        f"{path}:2: skipped: $.kind: Service is not checked: it is not run on a node alone",
    )


def test_yaml_says_what_json_says(tmp_path: Path) -> None:
    path = _file(tmp_path, BAD)
    assert yaml.safe_load(_run(path, "-o", "yaml")[1]) == json.loads(_run(path, "-o", "json")[1])


def test_the_second_of_two_of_one_name(tmp_path: Path) -> None:
    first, second = _file(tmp_path, POD, "a.yaml"), _file(tmp_path, POD, "b.yaml")
    code, output, _ = _run(first, second)
    assert (code, output.splitlines()[0]) == (
        2,
        f"{second}:3: $.metadata.name: {first}:1 is Pod default/web already: rename or remove one of the two",
    )


def test_items_of_lists_have_their_paths(tmp_path: Path) -> None:
    item = yaml.safe_load(BAD)
    path = _file(tmp_path, yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(POD), item]}))
    code, output, _ = _run(path, "-o", "json", "--query", "findings[0].path")
    assert (code, json.loads(output)) == (2, "$.items[1].spec.containers[0].imagee")


class TestDirectories:
    def test_files_as_the_agent_reads_them(self, tmp_path: Path) -> None:
        _file(tmp_path, POD)
        _file(tmp_path, "no: yaml: at all", ".hidden")
        _file(tmp_path, "no: yaml: at all", "m.yaml.bak")
        (tmp_path / "deeper").mkdir()
        code, output, _ = _run(tmp_path)
        backup = f"{tmp_path}/m.yaml.bak: skipped: a backup copy by its name; the agent does not run it"
        assert (code, output.splitlines()) == (0, [backup, "1 object checked: ok"])

    def test_an_empty_one_is_not_a_good_one(self, tmp_path: Path) -> None:
        assert _run(tmp_path)[:2] == (
            3,
            f"{tmp_path}: the directory holds no manifest\n0 objects checked: unreadable\n",
        )


def test_what_cannot_be_read_is_told_beside_the_rest(tmp_path: Path) -> None:
    code, output, _ = _run(tmp_path / "gone", _file(tmp_path, BAD))
    assert code == 3
    assert f"{tmp_path}/gone: it cannot be read: No such file or directory\n" in output
    assert "did you mean image?" in output


@pytest.mark.parametrize("arguments", [[], ["--nonsense"], ["-o", "xml", "x"]], ids=str)
def test_wrong_usage(arguments: list[str]) -> None:
    code, output, errors = _run(*arguments)
    assert (code, output, errors.count("\n")) == (64, "", 1)


HIDDEN = "hunter2hunter2"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{}\n"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (f"stringData: {{a: {HIDDEN}}}", 0),
        (f"data: {{a: {base64.b64encode(HIDDEN.encode()).decode()}}}", 0),
        (f"data: {{a: {HIDDEN}!}}", 2),
        (f"stringData: {{a: [{HIDDEN}]}}", 2),
        (f"stringData: {{a: !{HIDDEN} x}}", 2),
        (f"stringData: {HIDDEN}", 2),
        (f"stringData: {{a: '{HIDDEN}}}", 2),
        (f"type: kubernetes.io/dockerconfigjson\nstringData: {{.dockerconfigjson: {HIDDEN}}}", 2),
    ],
)
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_secret_is_never_shown(tmp_path: Path, content: str, code: int, form: str) -> None:
    found, output, errors = _run(_file(tmp_path, SECRET.format(content)), "-o", form)
    assert found == code
    assert "hunter2" not in output + errors


class TestRealManifests:
    def test_what_a_node_alone_can_run(self) -> None:
        code, output, _ = _run(MANIFESTS / "static", MANIFESTS / "daemons", "-o", "json")
        report = json.loads(output)
        assert (code, len(report["documents"])) == (1, 13)
        assert {one["message"].split()[0] for one in report["findings"]} == {"ConfigMap"}

    def test_what_needs_a_cluster(self) -> None:
        query = "findings[?verdict=='invalid'].[path, message]"
        code, output, _ = _run(MANIFESTS / "cluster", "-o", "json", "--query", query)
        template = "$.spec.template.spec"
        account = "a static pod cannot refer to a service account: remove it"
        token = "a static pod cannot have it: tokens are issued by an API server"
        assert (code, json.loads(output)) == (
            2,
            [
                [f"{template}.serviceAccountName", account],
                [f"{template}.serviceAccount", account],
                [f"{template}.serviceAccountName", account],
                [f"{template}.serviceAccountName", account],
                ["$.spec.volumes[0].projected.sources[0].serviceAccountToken", token],
            ],
        )


WORKLOAD = "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: w}}\nspec:\n{template}"
TEMPLATE = "  template:\n    spec:\n      containers:\n        - {name: app, imagee: x}\n"
CRON = "  jobTemplate:\n    spec:\n      template: {spec: {containers: [{name: app, imagee: x}]}}\n"


@pytest.mark.parametrize(
    ("kind", "version", "template", "path"),
    [
        *(
            (kind, "apps/v1", TEMPLATE, "$.spec.template.spec.containers[0].imagee")
            for kind in ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet")
        ),
        ("Job", "batch/v1", TEMPLATE, "$.spec.template.spec.containers[0].imagee"),
        ("CronJob", "batch/v1", CRON, "$.spec.jobTemplate.spec.template.spec.containers[0].imagee"),
        ("Job", "batch/v1", "  template: 3\n", "$.spec.template"),
        ("CronJob", "batch/v1", TEMPLATE, "$.spec.jobTemplate.spec.template"),
        ("Deployment", "extensions/v1beta1", TEMPLATE.replace("imagee", "image"), "$.apiVersion"),
    ],
)
def test_templates_of_pods(tmp_path: Path, kind: str, version: str, template: str, path: str) -> None:
    file = _file(tmp_path, WORKLOAD.format(kind=kind, version=version, template=template))
    code, output, _ = _run(file, "-o", "json", "--query", "findings[0].path")
    assert (code, json.loads(output)) == (2, path)


@pytest.mark.parametrize("arguments", [["--help"], [MANIFESTS / "static" / "etcd.yaml"]], ids=["help", "one file"])
def test_it_is_fast(arguments: list[str | Path]) -> None:
    """By the processor's time, whatever else the machine does."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert _run(*arguments)[0] == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


def test_a_pipe_is_read_by_its_name_and_passed_over_in_a_directory(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    code, output, _ = _run(tmp_path)
    assert (code, output.splitlines()[0]) == (3, f"{pipe}: it cannot be read: not a regular file")
    writer = threading.Thread(target=pipe.write_text, args=(POD,))
    writer.start()
    assert _run(pipe) == (0, "1 object checked: ok\n", "")
    writer.join()
