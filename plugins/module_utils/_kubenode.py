# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Where modules find the library kubenode, and how they hand their work to it. Private to this collection."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module

INTERPRETERS = ["/opt/kubenode/current/bin/python"]
REMEDY = (
    "Apply the role kubenode.node.node_agent to it first, or install kubenode for the interpreter that "
    "ansible_python_interpreter names."
)

# Of every module that speaks to the container runtime; doc_fragments/cri.py documents them.
CRI_OPTIONS: dict[str, dict[str, Any]] = {
    "runtime_endpoint": {"type": "str", "fallback": (env_fallback, ["CONTAINER_RUNTIME_ENDPOINT"])},
    "image_endpoint": {"type": "str", "fallback": (env_fallback, ["IMAGE_SERVICE_ENDPOINT"])},
    "timeout": {"type": "int", "default": 120},
}


def run_resource(module: AnsibleModule, name: str) -> NoReturn:
    """Does what the library's resource of this name does, and ends the module.

    Without the library a run fails and a preview is skipped: what is on the node cannot be seen.
    """
    entry = library(module, "kubenode.resources.entry")
    if entry is None:
        module.exit_json(changed=False, skipped=True, msg="What would change cannot be told without the library.")
    try:
        result, warnings = entry.call(name, module.params, check=module.check_mode)
    except (entry.KubenodeError, OSError) as error:
        module.fail_json(msg=str(error), **getattr(error, "values", {}))
    for warning in warnings:
        module.warn(warning)
    module.exit_json(**result)


def library(module: AnsibleModule, name: str) -> ModuleType | None:
    """The library's module of this name; where only the agent's own interpreter has it, this run starts over there.

    Where there is none that fits the run fails, except in check mode: the node may get it in the same play. Then there
    is a warning, and None.
    """
    if importlib.util.find_spec("kubenode"):
        try:
            return importlib.import_module(name)
        except ImportError as error:
            return _without(module, f"The Python library kubenode on this node does not fit this collection: {error}")
    interpreter = None if has_respawned() else probe_interpreters_for_module(INTERPRETERS, "kubenode")
    if interpreter:
        respawn_module(interpreter)
    return _without(module, "The Python library kubenode is not on this node")


def _without(module: AnsibleModule, problem: str) -> None:
    if not module.check_mode:
        module.fail_json(msg=f"{problem}. {REMEDY}")
    module.warn(f"{problem}. What would change is therefore told without validating it.")
