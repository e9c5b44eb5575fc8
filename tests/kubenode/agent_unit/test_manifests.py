"""What it takes to put a manifest into the directory of static pods, or to take it away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kubenode.agent.manifests import ManifestError, absent, present
from kubenode.observe.files import FileError

WEB: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {"containers": [{"name": "main", "image": "nginx"}]},
}


def test_a_new_manifest_is_needed_and_nothing_is_written(tmp_path: Path) -> None:
    change = present(tmp_path, "", WEB)
    assert (change.path, change.needed, change.before) == (tmp_path / "web.yaml", True, "")
    assert "image: nginx" in change.after
    assert not list(tmp_path.iterdir())


def test_a_written_manifest_is_not_needed_again(tmp_path: Path) -> None:
    first = present(tmp_path, "", WEB)
    first.path.write_text(first.content)
    assert not present(tmp_path, "", WEB).needed
    assert not present(tmp_path, "", "# the same\n" + first.content).needed


def test_text_is_written_as_it_stands(tmp_path: Path) -> None:
    text = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [%s]}}'
    text %= '{"name": "main", "image": "nginx"}'
    assert present(tmp_path, "", text).content == text


def test_pods_of_the_same_name_in_two_namespaces_have_two_files(tmp_path: Path) -> None:
    other = {**WEB, "metadata": {"name": "web", "namespace": "shop"}}
    paths = {present(tmp_path, "", manifest).path.name for manifest in (WEB, other)}
    assert paths == {"web.yaml", "shop_web.yaml"}


def test_a_refused_manifest_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"content, line 3.*\$\.metadata\.nmae") as caught:
        present(tmp_path, "", "apiVersion: v1\nkind: Pod\nmetadata: {nmae: x}\nspec: {containers: []}\n")
    assert caught.value.line == 3


@pytest.mark.parametrize("name", ["../web", ".web", "a/b", "web\n"])
def test_a_name_cannot_lead_out_of_the_directory(tmp_path: Path, name: str) -> None:
    with pytest.raises(ManifestError, match="cannot name a manifest"):
        present(tmp_path, name, WEB)


def test_taking_away_knows_the_pod_to_wait_for(tmp_path: Path) -> None:
    first = present(tmp_path, "", WEB)
    first.path.write_text(first.content)
    change = absent(tmp_path, "web", None)
    assert (change.needed, change.pod, change.before, change.after) == (True, first.pod, first.after, "")


def test_taking_away_what_is_not_there_or_broken(tmp_path: Path) -> None:
    assert not absent(tmp_path, "", WEB).needed
    (tmp_path / "web.yaml").write_text("a: [")
    change = absent(tmp_path, "web", None)
    assert change.needed
    assert change.pod is None


@pytest.mark.parametrize("manifest", ["a: [", "metadata: {}", "- x", None])
def test_taking_away_needs_a_name(tmp_path: Path, manifest: str | None) -> None:
    with pytest.raises(ManifestError, match="give its name"):
        absent(tmp_path, "", manifest)


def test_what_differs_is_named(tmp_path: Path) -> None:
    first = present(tmp_path, "", WEB)
    assert first.differs == "it is not there"
    first.path.write_text(first.content)
    container = {"name": "main", "image": "nginx:2"}
    assert present(tmp_path, "", {**WEB, "spec": {"containers": [container]}}).differs == (
        "it differs in spec.containers[0].image"
    )


def test_a_second_file_for_the_same_pod_is_refused(tmp_path: Path) -> None:
    first = present(tmp_path, "", WEB)
    first.path.write_text(first.content)
    with pytest.raises(ManifestError, match=r"web\.yaml already gives pod default/web.*\(web\) as `name`"):
        present(tmp_path, "other", WEB)
    assert present(tmp_path, "other", {**WEB, "metadata": {"name": "web-2"}}).needed


def test_a_backup_copy_is_a_second_file_only_to_kubelets(tmp_path: Path) -> None:
    first = present(tmp_path, "", WEB)
    first.path.with_name("web.yaml.bak").write_text(first.content)
    assert present(tmp_path, "", WEB).needed
    with pytest.raises(ManifestError, match=r"web\.yaml\.bak already gives"):
        present(tmp_path, "", WEB, copies_run=True)


def test_links_and_directories_are_refused(tmp_path: Path) -> None:
    (tmp_path / "web.yaml").symlink_to("/etc/passwd")
    with pytest.raises(ManifestError, match="is a link to /etc/passwd"):
        present(tmp_path, "", WEB)
    assert absent(tmp_path, "web", None).needed
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(FileError, match="is a directory"):
        absent(tmp_path, "folder", None)
