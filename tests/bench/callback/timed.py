"""Writes how long each task took: a line of JSON with its name and its seconds to the file that BENCH_TIMES names."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from ansible.executor.task_result import CallbackTaskResult
from ansible.playbook.task import Task
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: timed
type: aggregate
short_description: Writes how long each task took
description: A line of JSON for each to the file that BENCH_TIMES names.
requirements: [enabled in the configuration]
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible has no types
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "timed"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._began = 0.0

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        self._began = time.monotonic()

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        seconds = time.monotonic() - self._began
        line = {"task": result.task.name, "seconds": seconds, "changed": bool(result.result.get("changed"))}
        with Path(os.environ["BENCH_TIMES"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
