"""Holds what the collection's modules return against their RETURN blocks: names, types, and what `returned` promises.

What is wrong is written to the file that KUBENODE_RETURNED names.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible.executor.task_result import CallbackTaskResult
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: returned
type: aggregate
short_description: Holds what modules return against their documentation
description: What is wrong is written to the file that KUBENODE_RETURNED names.
requirements: [enabled in the configuration]
"""

MODULES = Path(__file__).resolve().parents[3] / "plugins" / "modules"
COLLECTION = "kubenode.node."
# Every module has these, and Ansible documents them itself.
COMMON = frozenset(
    "changed diff failed msg skipped warnings deprecations invocation exception item ansible_loop_var attempts".split()
)
# Ansible adds these where something is returned as `path`.
OF_A_PATH = frozenset("group gid mode owner size state uid secontext".split())
TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "dict": (dict,),
    "complex": (dict,),
    "list": (list,),
    "raw": (object,),
}
ALWAYS, SUCCESS = "always", "success"


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible has no types
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "returned"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        self._look(result, failed=False)

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        self._look(result, failed=True)

    def v2_runner_item_on_ok(self, result: CallbackTaskResult) -> None:
        self._look(result, failed=False)

    def v2_runner_item_on_failed(self, result: CallbackTaskResult) -> None:
        self._look(result, failed=True)

    def _look(self, result: CallbackTaskResult, *, failed: bool) -> None:
        name, answer = result.task.action.removeprefix(COLLECTION), result.result
        ours = result.task.action.startswith(COLLECTION) and (MODULES / f"{name}.py").exists()
        of_a_loop = bool(result.task.loop) and "ansible_loop_var" not in answer
        begun = "ansible_job_id" in answer and not answer.get("finished")
        told = not (of_a_loop or begun or answer.get("skipped") or answer.get("_ansible_no_log"))
        if ours and told:
            self._tell(name, result, list(problems(name, answer, failed=failed)))

    def _tell(self, name: str, result: CallbackTaskResult, found: list[str]) -> None:
        if found:
            with Path(os.environ["KUBENODE_RETURNED"]).open("a", encoding="utf-8") as file:
                file.writelines(f"{name}, task {result.task.name!r}: {one}\n" for one in found)


@cache
def documented(name: str) -> dict[str, Any]:
    """The RETURN block of a module."""
    for node in ast.parse((MODULES / f"{name}.py").read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "RETURN":
            return dict(yaml.safe_load(ast.literal_eval(node.value)) or {})
    return {}


def problems(name: str, answer: Mapping[str, Any], *, failed: bool) -> Iterator[str]:
    known = documented(name)
    added = OF_A_PATH if "path" in answer else frozenset[str]()
    for key in sorted(answer.keys() - COMMON - added - known.keys()):
        if not key.startswith("_ansible"):
            yield f"{key} is returned and not documented"
    for key, about in known.items():
        promised = about["returned"] == ALWAYS or (about["returned"] == SUCCESS and not failed)
        if key not in answer:
            if promised and key not in COMMON:
                yield f"{key} is documented as returned {about['returned']}, and missing"
            continue
        yield from _fits(key, about, answer[key])


def _fits(path: str, about: Mapping[str, Any], value: Any) -> Iterator[str]:
    kind = about["type"]
    if not isinstance(value, TYPES[kind]) or (kind in ("int", "float") and isinstance(value, bool)):
        yield f"{path} is documented as {kind}, and is {value!r:.60}"
        return
    if isinstance(value, list) and "elements" in about:
        for index, element in enumerate(value):
            yield from _fits(f"{path}[{index}]", {**about, "type": about["elements"]}, element)
    if isinstance(value, dict) and "contains" in about:
        for key in value.keys() - about["contains"].keys():
            yield f"{path}.{key} is returned and not documented"
        for key, inner in about["contains"].items():
            if key in value:
                yield from _fits(f"{path}.{key}", inner, value[key])
            elif inner.get("returned") in (ALWAYS, SUCCESS):
                yield f"{path}.{key} is documented as returned {inner['returned']}, and missing"
