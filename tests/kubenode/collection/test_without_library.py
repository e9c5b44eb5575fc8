"""What each module says on a node that has no library: one sentence that helps, or in check mode why it is skipped."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ansible
import pytest
import yaml

from support import collection_modules as collection

MODULES = collection.names("modules")
SENTENCE = (
    "The Python library kubenode is not on this node. Apply the role kubenode.node.node_agent to it first, or install "
    "kubenode for the interpreter that ansible_python_interpreter names."
)
# Files can be compared without the library, though not validated.
FORESEES = "static_pod"
# Each module in a child of its own: nothing that one leaves behind is seen by the next.
SCRIPT = """
import importlib, json, os, sys
sys.path[:0] = {places!r}
from ansible.module_utils import basic
from ansible_collections.kubenode.node.plugins.module_utils import _kubenode
_kubenode.INTERPRETERS[:] = ["/nonexistent/python"]
for name, arguments in json.load(sys.stdin):
    print(flush=True)
    if os.fork():
        os.wait()
        continue
    basic._ANSIBLE_ARGS = json.dumps({{"ANSIBLE_MODULE_ARGS": arguments}}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    importlib.import_module("{package}.modules." + name).main()
"""


def _arguments(module: str) -> Mapping[str, Any]:
    """Those of the first example without templates that the module takes."""
    for task in collection.tasks(collection.documentation()[module]["examples"]):
        given = task.get(f"kubenode.node.{module}", {}) or {}
        if "{{" not in yaml.safe_dump(given) and f"kubenode.node.{module}" in task:
            return dict(given)
    raise AssertionError(f"{module} has no example without templates")


@pytest.fixture(scope="module")
def said() -> Mapping[tuple[str, bool], Mapping[str, Any]]:
    """What every module returns, by its name and whether in check mode; one interpreter without packages for all."""
    asked = [(module, check) for module in MODULES for check in (False, True)]
    calls = [(module, {**_arguments(module), "_ansible_check_mode": check}) for module, check in asked]
    places = [str(Path(ansible.__file__).parents[1]), str(collection.COLLECTIONS)]
    script = SCRIPT.format(places=places, package=collection.PACKAGE)
    # The environment's packages come with Ansible itself; the library is linked to, which -S leaves out.
    done = subprocess.run(
        [sys.executable, "-S", "-I", "-c", script],
        input=json.dumps(calls),
        check=False,
        capture_output=True,
        text=True,
    )
    lines = [line for line in done.stdout.splitlines() if line]
    assert len(lines) == len(asked), done.stderr
    return dict(zip(asked, map(json.loads, lines), strict=True))


@pytest.mark.parametrize("module", MODULES)
def test_one_sentence_that_helps(module: str, said: Mapping[tuple[str, bool], Mapping[str, Any]]) -> None:
    answer = said[module, False]
    assert answer.get("failed") is True, answer
    assert answer["msg"] == SENTENCE


@pytest.mark.parametrize("module", sorted({*MODULES} - {FORESEES}))
def test_a_preview_is_skipped(module: str, said: Mapping[tuple[str, bool], Mapping[str, Any]]) -> None:
    answer = said[module, True]
    assert answer.get("failed") is None
    assert answer.get("skipped") is True, answer
    assert answer["changed"] is False
    (warning,) = answer["warnings"]
    assert "The Python library kubenode is not on this node" in str(warning)


def test_a_preview_of_a_file_warns(said: Mapping[tuple[str, bool], Mapping[str, Any]]) -> None:
    answer = said[FORESEES, True]
    assert "skipped" not in answer
    missing, unvalidated = answer["warnings"]
    assert "The Python library kubenode is not on this node" in str(missing)
    assert "What would change is told without validating the manifest." in str(unvalidated)
