"""The collection's modules as data: what they document, which arguments they take, what the library's options are."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

import msgspec.inspect
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / ".collections"
COLLECTION = "kubenode.node"
PLUGINS = ROOT / "plugins"
PACKAGE = "ansible_collections.kubenode.node.plugins"
# Lists of tasks in a play or a block.
TASK_LISTS = ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always")


class CapturedArguments(Exception):
    """What a module's main gives to AnsibleModule."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        super().__init__()
        self.arguments = arguments


def _capture(argument_spec: Mapping[str, Any], **more: Any) -> NoReturn:
    raise CapturedArguments({"argument_spec": argument_spec, **more})


def names(kind: str) -> list[str]:
    """All plugins of a folder, like `modules`."""
    return sorted(path.stem for path in (PLUGINS / kind).glob("*.py") if not path.stem.startswith("_"))


def make_importable() -> None:
    if str(COLLECTIONS) not in sys.path:
        sys.path.append(str(COLLECTIONS))


@cache
def documentation() -> Mapping[str, Any]:
    """By module, what ansible-doc says, with the parts that are shared: doc, examples, return. One call for all."""
    wanted = [f"{COLLECTION}.{name}" for name in names("modules")]
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-doc", "--json", "--type", "module", *wanted],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
    )
    found = json.loads(done.stdout or "{}")
    told = done.stderr.strip() or "ansible-doc says nothing of it"
    return {name: found.get(f"{COLLECTION}.{name}") or {"error": told} for name in names("modules")}


@cache
def arguments(name: str) -> Mapping[str, Any]:
    """The keywords with which the module makes its AnsibleModule."""
    make_importable()
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    with patch.object(module, "AnsibleModule", side_effect=_capture):
        try:
            module.main()
        except CapturedArguments as captured:
            return captured.arguments
    raise AssertionError(f"{name} makes no AnsibleModule")


def specification(name: str) -> Mapping[str, Any]:
    """The module's argument_spec."""
    found: Mapping[str, Any] = arguments(name)["argument_spec"]
    return found


def validator(name: str) -> ArgumentSpecValidator:
    """Checks a task's arguments exactly as the module does."""
    given = arguments(name)
    rules = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
    return ArgumentSpecValidator(given["argument_spec"], **{rule: given[rule] for rule in rules if rule in given})


def library_options(name: str) -> msgspec.inspect.StructType:
    """The type of the library's options of the same name."""
    found = msgspec.inspect.type_info(importlib.import_module(f"kubenode.resources.{name}").Options)
    assert isinstance(found, msgspec.inspect.StructType)
    return found


def tasks(text: str) -> Iterator[dict[str, Any]]:
    """All tasks of examples, those in blocks and plays, too."""
    yield from _tasks(yaml.safe_load(text) or [])


def _tasks(entries: Any) -> Iterator[dict[str, Any]]:
    for entry in entries if isinstance(entries, list) else ():
        inner = [entry[part] for part in TASK_LISTS if part in entry]
        for part in inner:
            yield from _tasks(part)
        if not inner and "hosts" not in entry:
            yield entry


def action(task: Mapping[str, Any]) -> tuple[str, Any]:
    """The module that a task names, with its arguments. Raises ValueError where it is none, or several."""
    (name,) = (key for key in task if "." in key)
    return name, task[name]
