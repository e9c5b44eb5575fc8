"""The connection plugin, with a program in place of kubenode that does what it is told; a real one is its target's."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext

PLUGIN = Path(__file__).parents[3] / "plugins" / "connection" / "cri.py"
# The third argument is the word to report with.
PROGRAM = """#!/bin/sh
for one; do printf '%s\\n' "$one" >>{folder}/arguments; done
word=$3
{body}
"""

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def plugin() -> ModuleType:
    spec = importlib.util.spec_from_file_location("connection_cri", PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["connection_cri"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def make(plugin: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    def connection(body: str = 'echo "$word 0" >&2', **options: Any) -> Any:
        program = tmp_path / "kubenode"
        program.write_text(PROGRAM.format(folder=tmp_path, body=body))
        program.chmod(0o755)
        given = {"remote_addr": "web", "executable": str(program), **options}
        made = plugin.Connection(PlayContext(), None)
        monkeypatch.setattr(made, "get_option", given.get)
        return made

    return connection


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ('echo out; echo err >&2; echo "$word 3" >&2', (3, b"out\n", b"err\n")),
        ('printf err >&2; echo "$word 255" >&2; exit 9', (255, b"", b"err")),
        ('echo "$word 0" >&2; echo debug1: Exit status 0 >&2', (0, b"", b"debug1: Exit status 0\n")),
        ('echo "kubenode-0 - nothing" >&2; echo "$word 1" >&2', (1, b"", b"kubenode-0 - nothing\n")),
    ],
)
def test_what_counts_is_what_kubenode_reports(make: Make, body: str, result: tuple[int, bytes, bytes]) -> None:
    assert make(body).exec_command("x") == result


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('echo "$word - There is no pod web." >&2; exit 0', r"^There is no pod web\.$"),
        (
            "echo no such option >&2; exit 64",
            "on the controller with exit code 64 and without an answer: no such option",
        ),
        ("kill -9 $$", "exit code -9 and without an answer: it said nothing"),
        ('echo "kubenode-0 0" >&2', "exit code 0 and without an answer"),
    ],
)
def test_without_a_result_the_container_is_unreachable(make: Make, body: str, sentence: str) -> None:
    with pytest.raises(AnsibleConnectionFailure, match=sentence):
        make(body).exec_command("x")


def test_a_program_that_is_not_there_is_said(make: Make) -> None:
    with pytest.raises(AnsibleConnectionFailure, match=r"no kubenode on the controller.*ansible_cri_executable"):
        make(executable="/nonexistent/kubenode").exec_command("x")


def test_names_and_options_become_arguments(make: Make, tmp_path: Path) -> None:
    connection = make(namespace="shop", container="app", runtime_endpoint="unix:///run/x.sock")
    connection.exec_command("echo $HOME 'x'")
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[:2] == ["exec", "--report"]
    assert arguments[3:] == [
        *("--runtime-endpoint", "unix:///run/x.sock", "--container", "app"),
        *("--", "shop/web", "/bin/sh", "-c", "echo $HOME 'x'"),
    ]


def test_a_namespace_is_not_put_before_itself(make: Make, tmp_path: Path) -> None:
    make(remote_addr="shop/web/app", namespace="shop").exec_command("x")
    assert "shop/web/app" in (tmp_path / "arguments").read_text().splitlines()


def test_every_word_is_another(make: Make, tmp_path: Path) -> None:
    connection = make()
    connection.exec_command("x")
    connection.exec_command("x")
    words = [line for line in (tmp_path / "arguments").read_text().splitlines() if line.startswith("kubenode-")]
    assert len(set(words)) == 2


def test_input_reaches_the_command(make: Make, tmp_path: Path) -> None:
    connection = make('cat; echo "$word 0" >&2')
    assert connection.exec_command("x", in_data=b"\xff\0data") == (0, b"\xff\0data", b"")
    assert "--stdin" in (tmp_path / "arguments").read_text().splitlines()


def test_a_file_that_was_not_fetched_whole_is_not_left(make: Make, tmp_path: Path) -> None:
    (tmp_path / "near").write_text("of before")
    with pytest.raises(AnsibleError, match="/far could not be fetched: disk error"):
        make('echo half; echo disk error >&2; echo "$word 1" >&2').fetch_file("/far", str(tmp_path / "near"))
    assert (tmp_path / "near").read_text() == "of before"
    assert sorted(path.name for path in tmp_path.glob("near*")) == ["near"]


def test_a_password_for_become_is_refused_and_not_told(make: Make) -> None:
    class Become:
        @staticmethod
        def expect_prompt() -> bool:
            return True

    connection = make()
    connection.become = Become()
    with pytest.raises(AnsibleError, match="A password for become cannot be given"):
        connection.exec_command("x")
