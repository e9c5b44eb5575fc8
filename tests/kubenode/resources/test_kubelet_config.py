"""A file with a KubeletConfiguration, changed field by field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubenode.clients.errors import KubenodeError
from kubenode.resources.entry import call

HEAD = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
OURS = "apiVersion: kubenode.io/v1alpha1\nkind: KubenodeConfiguration\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def change(path: Path, *, check: bool = False, **options: Any) -> dict[str, Any]:
    return call("kubelet_config", {"path": str(path), **options}, check=check)[0]


def test_a_new_file_is_made_for_root_alone(path: Path) -> None:
    answer = change(path, config={"maxPods": 5})
    assert answer["changed"]
    assert path.read_text() == HEAD + "maxPods: 5\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert answer["changed_fields"] == ["maxPods"]
    assert not change(path, config={"maxPods": 5})["changed"]


def test_check_mode_tells_and_writes_nothing(path: Path) -> None:
    path.write_text(HEAD)
    told = change(path, check=True, config={"maxPods": 5})
    assert told["actions"] == [{"action": f"write {path}", "why": "it differs in maxPods"}]
    assert path.read_text() == HEAD
    done = change(path, config={"maxPods": 5})
    assert (done["actions"], done["diff"]) == (told["actions"], told["diff"])


@pytest.mark.parametrize(
    ("text", "config", "expected"),
    [
        ("maxPods: 5 # five\n# Next.\nport: 1\n", {"maxPods": 6}, "maxPods: 6\n# Next.\nport: 1\n"),
        ("maxPods: 5\n\n# Last.\n", {"port": 1}, "maxPods: 5\nport: 1\n\n# Last.\n"),
        ("# A.\nmaxPods: 5\n# B.\nport: 1\n", {"maxPods": None}, "# A.\n# B.\nport: 1\n"),
        (
            "clusterDNS:\n- 10.0.0.1\n# B.\nport: 1\n",
            {"clusterDNS": ["10.0.0.2"]},
            'clusterDNS:\n- "10.0.0.2"\n# B.\nport: 1\n',
        ),
    ],
)
def test_only_changed_fields_are_written_anew(path: Path, text: str, config: dict[str, Any], expected: str) -> None:
    path.write_text(HEAD + text)
    change(path, config=config)
    assert path.read_text() == HEAD + expected


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "maxPods": 5}),
        "--- {apiVersion: kubelet.config.k8s.io/v1beta1, kind: KubeletConfiguration, maxPods: 5}\n",
        HEAD + "evictionHard: &a {memory.available: 1Mi}\nevictionMinimumReclaim: *a\nmaxPods: 5\n",
        HEAD + "providerID: |\n  a\n  # no comment\nmaxPods: 5\n",
        "---\n" + HEAD + "maxPods: 5\n...\n",
    ],
)
def test_any_layout_keeps_its_meaning(path: Path, text: str) -> None:
    path.write_text(text)
    before = yaml.safe_load(text)
    change(path, config={"maxPods": 6, "port": 1})
    assert yaml.safe_load(path.read_text()) == {**before, "maxPods": 6, "port": 1}


def test_other_documents_stay_as_they_are_written(path: Path) -> None:
    other = f"---\n# Ours.\n{OURS}nodeName:   n1 # here\n"
    path.write_text(HEAD + other)
    assert change(path, config={"maxPods": 5})["agent"] == "kubenode"
    assert path.read_text() == HEAD + "maxPods: 5\n" + other
    change(path, state="absent")
    assert path.read_text() == other.removeprefix("---\n")
    assert not change(path, state="absent")["changed"]
    change(path, config={"maxPods": 7})
    assert path.read_text() == f"{HEAD}maxPods: 7\n{other}"


def test_a_link_is_followed_and_permissions_stay(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "real.yaml"
    target.write_text(HEAD)
    target.chmod(0o640)
    path.symlink_to(target)
    change(path, config={"maxPods": 5})
    assert path.is_symlink()
    assert "maxPods: 5" in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o640
    assert change(path, config={}, mode="0600")["actions"][0]["why"] == "they are 0640"


def test_a_copy_is_kept(path: Path, tmp_path: Path) -> None:
    path.write_text(HEAD)
    answer = change(path, config={"maxPods": 5}, backup=True, backup_path=str(tmp_path / "copies"))
    assert Path(answer["backup_file"]).read_text() == HEAD
    assert "backup_file" not in change(path, config={"maxPods": 5}, backup=True, backup_path=str(tmp_path / "copies"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"config": {"maxPod": 1}}, r"^config\.maxPod: no kubelet has such a field; did you mean maxPods\?$"),
        ({"config": {"logging": {"formt": "x"}}}, r"^logging\.formt: no such field; did you mean format\?$"),
        ({"config": {"maxPods": "5"}}, r"^maxPods: expected int, got str$"),
        ({"config": {"maxPods": -5, "port": -1}}, r"maxPods: -5 is out of range.*port: -1 is out of range"),
        ({"absent_fields": ["maxPod"]}, r"^absent_fields: maxPod: .*did you mean maxPods"),
        ({"absent_fields": ["apiVersion"]}, r"apiVersion has to stay"),
        ({"config": {"apiVersion": "v1"}}, r"^config\.apiVersion: 'v1' is another document's"),
        ({"config": {"maxPods": 1}, "state": "absent"}, r"leave config and fields out"),
        ({"config": {"maxPods": 1}, "mode": "777"}, r"^mode: '777'"),
        ({"config": {"maxPods": 1}, "backup": True, "backup_path": "x"}, r"^backup_path: 'x' is not absolute"),
    ],
)
def test_what_cannot_be_is_refused_by_name(path: Path, options: dict[str, Any], message: str) -> None:
    path.write_text(HEAD)
    with pytest.raises(KubenodeError, match=message):
        change(path, check=True, **options)
    assert path.read_text() == HEAD


def test_the_agents_own_rules_count_for_its_file(path: Path) -> None:
    path.write_text(f"{HEAD}---\n{OURS}nodeName: n1\n")
    assert change(path, check=True, config={"staticPodPath": "x"}, agent="kubelet")["changed"]
    with pytest.raises(KubenodeError, match=r"^config: staticPodPath: 'x' is not absolute"):
        change(path, check=True, config={"staticPodPath": "x"})
    _, warnings = call("kubelet_config", {"path": str(path), "config": {"port": 1}}, check=True)
    assert warnings == ["port has no effect in this version of kubenode"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: [", r"line 2: not YAML"),
        (b"kind: Pod\n", r"line 1: a document of kind 'Pod'"),
        (b"- a\n", r"is expected, written as a mapping"),
        (f"{HEAD}---\n{HEAD}".encode(), r"more than one KubeletConfiguration"),
        (b"a: \xff\n", r"is not UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused(path: Path, data: bytes, message: str) -> None:
    path.write_bytes(data)
    with pytest.raises(KubenodeError, match=message):
        change(path, config={"maxPods": 1})
    assert path.read_bytes() == data


def test_an_unknown_field_of_the_file_can_be_taken_away(path: Path) -> None:
    path.write_text(f"{HEAD}maxPodz: 5\n")
    with pytest.raises(KubenodeError, match=r"^maxPodz: no such field"):
        change(path, config={})
    change(path, absent_fields=["maxPodz"])
    assert path.read_text() == HEAD
