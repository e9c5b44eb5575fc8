# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Where modules find the library kubenode, and how they hand their work to it. Private to this collection."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import Any

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


# Of every module for networks; doc_fragments/cni.py documents them.
CNI_OPTIONS: dict[str, dict[str, Any]] = {
    "conf_dir": {"type": "path", "default": "/etc/cni/net.d"},
    "bin_dirs": {"type": "list", "elements": "path", "default": ["/opt/cni/bin", "/usr/lib/cni"]},
    "cache_dir": {"type": "path", "default": "/var/lib/cni"},
    "plugin_timeout": {"type": "int", "default": 60},
}

# Of modules that pull images; doc_fragments/pull.py documents them.
PULL_OPTIONS: dict[str, dict[str, Any]] = {
    "credentials": {
        "type": "list",
        "elements": "dict",
        "options": {
            "registry": {"type": "str"},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "auth": {"type": "str", "no_log": True},
            "identity_token": {"type": "str", "no_log": True},
        },
    },
    # Field by field: what is no_log is hidden wherever it stands, and "v1" stands in many places.
    "pull_secrets": {
        "type": "list",
        "elements": "dict",
        "no_log": False,
        "options": {
            "apiVersion": {"type": "str", "default": "v1"},
            "kind": {"type": "str", "default": "Secret"},
            "metadata": {"type": "dict", "required": True},
            "type": {"type": "str", "required": True},
            "data": {"type": "dict", "no_log": True},
            "stringData": {"type": "dict", "no_log": True},
            "immutable": {"type": "bool"},
        },
    },
    "auth_file": {"type": "path"},
    "hosts_directory": {"type": "path", "default": "/etc/containerd/certs.d"},
}

# Of every module that speaks to a storage driver; doc_fragments/csi.py documents them.
CSI_OPTIONS: dict[str, dict[str, Any]] = {
    "endpoint": {"type": "str", "fallback": (env_fallback, ["CSI_ENDPOINT"])},
    "driver": {"type": "str"},
    "kubelet_root": {"type": "path", "default": "/var/lib/kubelet"},
    "state_directory": {"type": "path", "default": "/var/lib/kubenode/csi"},
    "timeout": {"type": "int", "default": 120},
    "retry_timeout": {"type": "int", "default": 60},
}


def run_resource(module: AnsibleModule, name: str, shown: dict[str, Any] | None = None) -> None:
    """Does what the library's resource of this name does, and ends the module.

    Without the library a run fails and a preview is skipped: what is on the node cannot be seen.

    shown: the arguments as they may be told, where some of them hold secrets that no_log cannot name
    """
    told = {} if shown is None else {"invocation": {"module_args": shown}}
    entry = library(module, "kubenode.resources.entry")
    if entry is None:
        module.exit_json(
            changed=False,
            skipped=True,
            msg="Without the library it cannot be told what is on the node, or would change.",
        )
        return
    try:
        result, warnings = entry.call(name, _parameters(module), check=module.check_mode)
    except (entry.KubenodeError, OSError) as error:
        module.fail_json(msg=str(error), **getattr(error, "values", {}), **told)
        return
    for warning in warnings:
        module.warn(warning)
    module.exit_json(**result, **told)


def _parameters(module: AnsibleModule) -> dict[str, Any]:
    """By the options' own names: Ansible leaves those given by an alias under both."""
    return {name: value for name, value in module.params.items() if name in module.argument_spec}


def library(module: AnsibleModule, name: str) -> ModuleType | None:
    """The library's module of this name; where only the agent's own interpreter has it, this run starts over there.

    Where there is none that fits the run fails, except in check mode: the node may get it in the same play. Then there
    is a warning, and None.
    """
    if importlib.util.find_spec("kubenode"):
        try:
            return importlib.import_module(name)
        except ImportError as error:
            _without(module, f"The Python library kubenode on this node does not fit this collection: {error}")
            return None
    interpreter = None if has_respawned() else probe_interpreters_for_module(INTERPRETERS, "kubenode")
    if interpreter:
        respawn_module(interpreter)
    _without(module, "The Python library kubenode is not on this node")
    return None


def _without(module: AnsibleModule, problem: str) -> None:
    if not module.check_mode:
        module.fail_json(msg=f"{problem}. {REMEDY}")
    module.warn(f"{problem}. The role kubenode.node.node_agent brings it.")
