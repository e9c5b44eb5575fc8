"""Log directories and the links that log shippers follow."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenode.apply import logs
from kubenode.model.names import PodKey

KEY = PodKey("default", "web-node")
NAME = "web-node_default_app-f00.log"


@pytest.fixture
def links(tmp_path: Path) -> Path:
    return tmp_path / "links"


def test_a_link_points_to_the_log(links: Path) -> None:
    for _ in range(2):  # again, after a kill
        logs.link(links, KEY, "app", "f00", "/var/log/pods/default_web-node_u1/app/2.log")
    assert str((links / NAME).readlink()) == "/var/log/pods/default_web-node_u1/app/2.log"


def test_a_removed_container_leaves_nothing(links: Path, tmp_path: Path) -> None:
    links.mkdir()
    folder = tmp_path / "app"
    folder.mkdir()
    for name in ("1.log", "2.log", "2.log.20260101-000000", "2.log.20260101-000001.gz"):
        (folder / name).write_text("x")
    (links / NAME).symlink_to(folder / "2.log")
    (links / "web-node_default_app-f01.log").symlink_to(folder / "1.log")
    for _ in range(2):
        logs.remove(links, "f00", str(folder / "2.log"))
    assert [path.name for path in folder.iterdir()] == ["1.log"]
    assert [path.name for path in links.iterdir()] == ["web-node_default_app-f01.log"]


def test_a_removed_pods_directory_goes_with_all_links_into_it(links: Path, tmp_path: Path) -> None:
    links.mkdir()
    for pod in ("pod", "pod2"):
        (tmp_path / pod / "app").mkdir(parents=True)
        (tmp_path / pod / "app" / "0.log").write_text("x")
        (links / f"web-node_default_app-{pod}.log").symlink_to(tmp_path / pod / "app" / "0.log")
    for _ in range(2):
        logs.remove_directory(links, KEY, str(tmp_path / "pod"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["links", "pod2"]
    assert [path.name for path in links.iterdir()] == ["web-node_default_app-pod2.log"]


def test_without_a_directory_nothing_is_removed(links: Path) -> None:
    before = sorted(Path().iterdir())
    logs.remove_directory(links, KEY, "")
    assert sorted(Path().iterdir()) == before
