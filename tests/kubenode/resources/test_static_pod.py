"""A static pod's manifest and what is returned of it, without anybody who runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kubenode.clients.errors import KubenodeError
from kubenode.resources.entry import call
from kubenode.resources.result import ResourceError


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    (tmp_path / "manifests").mkdir()
    file = tmp_path / "config.yaml"
    file.write_text(
        "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
        f"staticPodPath: {tmp_path}/manifests\ncontainerRuntimeEndpoint: unix://{tmp_path}/none.sock\n---\n"
        "apiVersion: kubenode.io/v1alpha1\nkind: KubenodeConfiguration\n"
        f"nodeName: n1\nrunDirectory: {tmp_path}/run\nrootDirectory: {tmp_path}/root\n"
    )
    return file


def pod(image: str = "one", **metadata: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", **metadata},
        "spec": {"containers": [{"name": "main", "image": image}]},
    }


def do(configuration: Path, *, check: bool = False, **options: Any) -> dict[str, Any]:
    return call("static_pod", {"config": str(configuration), **options}, check=check)[0]


def test_it_is_put_where_the_agent_looks_and_called_as_the_agent_calls_it(configuration: Path) -> None:
    answer = do(configuration, definition=pod(namespace="shop"))
    path = configuration.parent / "manifests" / "shop_web.yaml"
    assert (answer["path"], answer["changed"]) == (str(path), True)
    assert answer["mirror_pod"] == {"namespace": "shop", "name": "web-n1"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert not do(configuration, definition=pod(namespace="shop"))["changed"]


def test_check_mode_tells_the_steps_that_are_then_taken(configuration: Path) -> None:
    do(configuration, definition=pod())
    told = do(configuration, check=True, definition=pod("two"), backup=True, mode="0640")
    assert "image: one" in (configuration.parent / "manifests" / "web.yaml").read_text()
    copies = configuration.parent / "copies"
    done = do(configuration, definition=pod("two"), backup=True, mode="0640", backup_path=str(copies))
    assert [one["why"] for one in told["actions"]] == [one["why"] for one in done["actions"]]
    assert done["actions"][1]["why"] == "it differs in spec.containers[0].image"
    assert done["diff"] == told["diff"]
    assert done["diff"]["before"].startswith("# mode: 0600\n")
    assert "image: one" in Path(done["backup_file"]).read_text()


def test_permissions_alone_change_too(configuration: Path) -> None:
    do(configuration, definition=pod())
    answer = do(configuration, definition=pod(), mode="0644")
    assert [one["why"] for one in answer["actions"]] == ["they are 0600"]
    before, after = (set(answer["diff"][key].splitlines()) for key in ("before", "after"))
    assert (before - after, after - before) == ({"# mode: 0600"}, {"# mode: 0644"})


def test_absent_goes_once(configuration: Path) -> None:
    do(configuration, definition=pod())
    assert [do(configuration, state="absent", name="web")["changed"] for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"definition": pod(), "mode": "416"}, r"^mode: '416'"),
        ({"definition": pod(), "mode": "rw"}, r"^mode: 'rw'"),
        ({"definition": pod(), "path": "/nonexistent"}, r"/nonexistent does not exist"),
        ({"definition": pod(), "backup": True, "backup_path": "copies"}, r"^backup_path: 'copies' is not absolute"),
        ({"state": "absent"}, r"^name: "),
        ({"state": "present"}, r"^definition: "),
        ({"definition": pod(), "path": "/", "wait": "running"}, r"The agent runs static pods from .*, not from /:"),
    ],
)
def test_what_cannot_be_is_said(configuration: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(KubenodeError, match=message):
        do(configuration, **options)


def test_a_missing_directory_is_a_warning_in_check_mode(configuration: Path) -> None:
    options = {"config": str(configuration), "definition": pod(), "path": "/nonexistent"}
    answer, warnings = call("static_pod", options, check=True)
    assert answer["changed"]
    assert warnings == ["The directory /nonexistent does not exist; the task fails unless another one makes it before."]


def test_a_refused_manifest_tells_the_line(configuration: Path) -> None:
    with pytest.raises(ResourceError) as caught:
        do(configuration, content="kind: Pod\napiVersion: v1\nmetadata: {nmae: x}\nspec: {containers: []}\n")
    assert caught.value.values == {"line": 3}


def test_a_wait_that_fails_tells_what_was_done_before(configuration: Path) -> None:
    with pytest.raises(ResourceError, match=r"Pod default/web-n1 does not run after 1 s: ") as caught:
        do(configuration, definition=pod(), wait="running", wait_timeout=1)
    assert caught.value.values["changed"] is True
    assert caught.value.values["path"] == str(configuration.parent / "manifests" / "web.yaml")


def test_info_tells_each_file_and_that_nobody_answers(configuration: Path) -> None:
    do(configuration, definition=pod())
    manifests = configuration.parent / "manifests"
    (manifests / "copy.yaml").write_text((manifests / "web.yaml").read_text())
    (manifests / "bad.yaml").write_text("kind: Pod\nmetadata: {name: bad, lables: {}}\nspec: {containers: []}\n")
    (manifests / "empty.yaml").write_text("---\n# nothing\n")
    (manifests / "web.yaml.bak").write_text("x")
    (manifests / "folder").mkdir()
    answer, warnings = call("static_pod_info", {"config": str(configuration)}, check=False)
    assert [one["state"] for one in answer["manifests"]] == ["invalid", "valid", "empty", "superseded", "superseded"]
    bad = answer["manifests"][0]
    assert (bad["line"], bad["field"]) == (2, "$.metadata.lables")
    assert answer["manifests"][3]["reason"].startswith(f"{manifests}/copy.yaml already defines pod default/web-n1")
    assert answer["manifests"][1]["pod"]["uid"]
    assert answer["agent"] == ""
    assert "none.sock" in warnings[0]
    some, _ = call("static_pod_info", {"config": str(configuration), "name": "web", "states": ["valid"]}, check=False)
    assert [one["path"] for one in some["manifests"]] == [f"{manifests}/copy.yaml"]
