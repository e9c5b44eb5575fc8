"""The generated code in the tree is what its texts give, and the check notices when it is not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
STUBS = Path("cli/kubenode/clients/stubs")
CRI = Path("protos/runtime/v1/cri.proto")


def protos(action: str, root: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / "tools/protos.py"), action, f"--root={root}"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def stubs(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / STUBS).glob("*.py*")}


def rename_a_field(root: Path) -> None:
    text = (root / CRI).read_text()
    (root / CRI).write_text(text.replace("string runtime_name = 2;", "string runtime_title = 2;"))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORY / "protos", tmp_path / "protos")
    shutil.copytree(REPOSITORY / STUBS, tmp_path / STUBS, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_tree_is_what_its_texts_give() -> None:
    done = protos("check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_check_names_what_a_changed_text_makes_stale(tree: Path) -> None:
    rename_a_field(tree)
    done = protos("check", tree)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("stale: ")] == [
        "stale: kubenode/clients/stubs/cri_pb2.py",
        "stale: kubenode/clients/stubs/cri_pb2.pyi",
    ]
    assert "make protos" in done.stderr


def test_check_names_missing_and_extra_files(tree: Path) -> None:
    (tree / STUBS / "csi_pb2.pyi").unlink()
    (tree / STUBS / "gone_pb2.py").touch()
    done = protos("check", tree)
    assert done.returncode == 1
    assert "missing: kubenode/clients/stubs/csi_pb2.pyi\nextra: kubenode/clients/stubs/gone_pb2.py" in done.stderr


def test_check_changes_nothing(tree: Path) -> None:
    rename_a_field(tree)
    before = stubs(tree)
    protos("check", tree)
    assert stubs(tree) == before


def test_generate_mends_what_check_finds(tree: Path) -> None:
    (tree / STUBS / "csi_pb2.pyi").unlink()
    (tree / STUBS / "cri_pb2.py").write_text("")
    (tree / STUBS / "gone_pb2.py").touch()
    assert protos("generate", tree).returncode == 0
    assert stubs(tree) == stubs(REPOSITORY)


def test_broken_text_is_told_and_leaves_the_tree_alone(tree: Path) -> None:
    (tree / CRI).write_text("syntax = 'proto3';\nmessage {}\n")
    done = protos("generate", tree)
    assert done.returncode == 2
    assert "cri.proto:2:" in done.stderr
    assert "Traceback" not in done.stderr
    assert stubs(tree) == stubs(REPOSITORY)
