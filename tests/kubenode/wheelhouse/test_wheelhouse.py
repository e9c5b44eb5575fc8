"""The archive that a node installs kubenode from, made by the script that the role runs on the controller."""

from __future__ import annotations

import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "roles/node_agent/files/wheelhouse.py"
PARTS = ("LICENSE", "README.md", "pyproject.toml", "cli")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

# The first one downloads what kubenode depends on.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the collection ships, that nobody edits meanwhile."""
    return _copy(ROOT, tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def made(tree: Path, cache: Path) -> dict[str, Any]:
    """Two runs at once, as for two nodes of one play; the one that made it."""
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: _wheelhouse(tree, cache), range(2)))
    assert sorted(answer["changed"] for answer in both) == [False, True]
    return next(answer for answer in both if answer["changed"])


@pytest.fixture
def archive(made: dict[str, Any]) -> Iterator[tarfile.TarFile]:
    with tarfile.open(made["path"]) as tar:
        yield tar


def test_one_of_two_runs_makes_it_and_a_third_finds_it(tree: Path, cache: Path, made: dict[str, Any]) -> None:
    assert _wheelhouse(tree, cache) == {**made, "changed": False}


def test_nothing_is_left_in_the_cache_but_what_is_used(cache: Path, made: dict[str, Any]) -> None:
    names = {path.name for path in cache.iterdir()}
    assert made["fingerprint"] in names
    assert len(names) == 3, names  # its dependencies and the lock beside it
    assert not [name for name in names if name.startswith(".making")]


def test_it_installs_without_an_index_and_without_pip_on_the_node(archive: tarfile.TarFile, tmp_path: Path) -> None:
    archive.extractall(tmp_path, filter="data")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    pip = [f"{tmp_path}/bin/python", f"{tmp_path}/pip.whl/pip", "--isolated", "--quiet", "install"]
    subprocess.run([*pip, "--no-index", f"--find-links={tmp_path}/wheels", "kubenode"], check=True)
    version = subprocess.run([tmp_path / "bin/kubenode", "--help"], check=True, capture_output=True, text=True)
    assert "agent" in version.stdout


def test_the_wheel_holds_the_code_and_what_was_compiled_nowhere(archive: tarfile.TarFile) -> None:
    [name] = [name for name in archive.getnames() if name.startswith("wheels/kubenode-")]
    content = archive.extractfile(name)
    assert content is not None
    names = zipfile.ZipFile(io.BytesIO(content.read())).namelist()
    assert "kubenode/agent/main.py" in names
    assert not [name for name in names if name.endswith(".pyc")]


def test_check_makes_nothing(tree: Path, tmp_path: Path) -> None:
    answer = _wheelhouse(tree, tmp_path / "cache", "--check")
    assert answer["changed"]
    assert not (tmp_path / "cache").exists()


def test_the_fingerprint_is_the_same_for_the_same_tree_elsewhere(tree: Path, tmp_path: Path) -> None:
    other = _copy(tree, tmp_path / "other")
    (other / "cli/kubenode/__pycache__").mkdir(exist_ok=True)
    (other / "cli/kubenode/__pycache__/x.cpython-311.pyc").write_bytes(b"compiled")
    assert _fingerprint(other) == _fingerprint(tree)


@pytest.mark.parametrize("part", ["cli/kubenode/__init__.py", "pyproject.toml"])
def test_another_text_is_another_fingerprint(tree: Path, tmp_path: Path, part: str) -> None:
    other = _copy(tree, tmp_path / "other")
    with (other / part).open("a") as file:
        file.write("\n# changed\n")
    assert _fingerprint(other) != _fingerprint(tree)


@pytest.mark.parametrize("option", ["--python=3.13", "--machine=aarch64", "--glibc=2.41"])
def test_another_kind_of_node_is_another_fingerprint(tree: Path, option: str) -> None:
    assert _fingerprint(tree, option) != _fingerprint(tree)


def test_a_failed_download_is_a_sentence_and_leaves_nothing(tree: Path, tmp_path: Path) -> None:
    nowhere = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    done = _run(tree, tmp_path / "cache", env={**os.environ, **nowhere})
    assert done.returncode == 1
    assert "Downloading kubenode's dependencies failed on the controller" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]


def test_what_a_killed_run_left_is_removed(tree: Path, cache: Path, made: dict[str, Any]) -> None:
    (cache / ".making-killed" / "half").mkdir(parents=True)
    assert not _wheelhouse(tree, cache)["changed"]
    assert not (cache / ".making-killed").exists()


def _copy(tree: Path, place: Path) -> Path:
    for name in PARTS:
        copy = shutil.copytree if (tree / name).is_dir() else shutil.copyfile
        place.mkdir(exist_ok=True)
        copy(tree / name, place / name)
    return place


def _fingerprint(tree: Path, *options: str) -> str:
    return str(_wheelhouse(tree, tree / "no-cache", "--check", *options)["fingerprint"])


def _wheelhouse(tree: Path, cache: Path, *options: str) -> dict[str, Any]:
    done = _run(tree, cache, *options, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def _run(tree: Path, cache: Path, *options: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    node = (f"--python={PYTHON}", f"--machine={platform.machine()}", f"--glibc={platform.libc_ver()[1]}")
    command = [sys.executable, str(SCRIPT), f"--tree={tree}", f"--cache={cache}", *node, *options]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)
